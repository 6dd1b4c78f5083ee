"""X-CLIP's network: whole clips in, and texts that are adapted to each clip."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.models.device import Precision
from clip_har.models.encoder import load_fields, try_out
from clip_har.models.whole_clips import WholeClipEncoder


@dataclass(frozen=True, kw_only=True)
class VideoEncoder(WholeClipEncoder):
    """A frozen X-CLIP (Ni et al. 2022, "Expanding Language-Image Pretrained Models").

    The frames of a clip exchange messages inside the vision tower, a second transformer joins them,
    and every text is adapted to the clip before the two are compared. So a single frame has no
    embedding, and class embeddings differ from clip to clip.
    """

    def encode_clips(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Embed normalised clips; gradients flow back to ``pixels``.

        Args:
            pixels: ``(B, T, 3, S, S)``, T the ``clip_length``.

        Returns:
            ``(B, D)`` float32 embeddings, L2-normalised, and what texts are adapted to:
            ``(B, N, D)``, the mean of each of the N patches over the frames.
        """
        network = self.network
        seen = network.get_video_features(pixel_values=pixels)
        patches = network.prompts_visual_layernorm(seen.last_hidden_state[:, 1:])
        patches = (patches @ network.prompts_visual_projection).unflatten(0, pixels.shape[:2])
        return normalize(seen.pooler_output.float(), dim=-1), patches.mean(dim=1)

    def logits(self, embeddings: Tensor, more: Tensor, prompts: Tensor) -> Tensor:
        """Compare clips with classes.

        With one prompt per class this is X-CLIP's own forward pass. With several prompts, each is
        adapted to the clip, and their renormalised mean over the class is compared, as in a
        zero-shot classifier.

        Args:
            embeddings: ``(B, D)``, see `encode_clips`.
            more: ``(B, N, D)``, the patches, see `encode_clips`.
            prompts: ``(C, P, D)``, see `encode_texts`.

        Returns:
            ``(B, C)`` float32.
        """
        patches = more
        texts = prompts.to(patches).flatten(0, 1).expand(len(patches), -1, -1)  # (B, C * P, D)
        adapted = texts + self.network.prompts_generator(texts, patches)
        each = normalize(adapted.float(), dim=-1).reshape(len(patches), *prompts.shape)
        classes = normalize(each.mean(dim=2), dim=-1)  # (B, C, D)
        return self.logit_scale * torch.einsum("bd,bcd->bc", embeddings, classes)


def load_video_encoder(
    architecture: Any, folder: Path, *, name: str, device: torch.device, precision: Precision
) -> VideoEncoder:
    """Load an X-CLIP, frozen and in evaluation mode.

    Args:
        architecture: transformers' ``XCLIPModel``.
        folder: the checkpoint.
        name: as the user wrote it.
        device: where it runs.
        precision: of the forward pass.

    Raises:
        ClipHarError: when a file of the checkpoint is missing or damaged.
    """
    fields = load_fields(architecture, folder, name=name, device=device, precision=precision)
    model = VideoEncoder(**fields, clip_length=fields["network"].config.vision_config.num_frames)
    try_out(model)
    return model
