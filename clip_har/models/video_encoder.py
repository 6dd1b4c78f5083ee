"""X-CLIP's network: whole clips in, and texts that are adapted to each clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.models.dual_encoder import text_features
from clip_har.models.preprocess import normalise
from clip_har.models.pretrained import check_answers


@dataclass(frozen=True)
class VideoEncoder:
    """A frozen X-CLIP (Ni et al. 2022, "Expanding Language-Image Pretrained Models").

    Frames of a clip exchange messages inside the vision tower, a second transformer joins them,
    and every text is moved towards what is seen in the clip before the two are compared. So there
    is no embedding of a single frame, and no classifier that is the same for all clips.

    Attributes:
        network: transformers' ``XCLIPModel``, frozen.
        tokenizer: a transformers tokenizer.
        name: for people.
        digest: of the weights and their configuration.
        image_size: side of the square input, pixels.
        clip_length: frames of every clip.
        context_length: longest text, in tokens.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        logit_scale: learned temperature, as a factor.
        device: where it runs.
        dtype: of the forward pass.
    """

    network: Any
    tokenizer: Any
    name: str
    digest: str
    image_size: int
    clip_length: int
    context_length: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    logit_scale: float
    device: torch.device
    dtype: torch.dtype

    def pixels(self, clips: Tensor) -> Tensor:
        """Normalise clips: ``(B, T, 3, S, S)`` grey levels, uint8 or float32; gradients flow."""
        frames = normalise(
            clips.flatten(0, 1).to(self.device), mean=self.mean, std=self.std, dtype=self.dtype
        )
        return frames.reshape(clips.shape)

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

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed N texts, before they are adapted to a clip.

        Returns:
            ``(N, D)`` float32 on the CPU, not of length 1.
        """
        return text_features(
            self.network,
            self.tokenizer,
            texts,
            context_length=self.context_length,
            padded=False,
            device=self.device,
        )

    def logits(self, embeddings: Tensor, patches: Tensor, prompts: Tensor) -> Tensor:
        """Compare clips with classes.

        With one prompt a class this is X-CLIP's own forward pass. With several, each is adapted to
        the clip; their mean over the class, renormalised, is compared, as in a zero-shot
        classifier.

        Args:
            embeddings: ``(B, D)``, see `encode_clips`.
            patches: ``(B, N, D)``, see `encode_clips`.
            prompts: ``(C, P, D)``, see `encode_texts`.

        Returns:
            ``(B, C)`` float32.
        """
        texts = prompts.to(patches).flatten(0, 1).expand(len(patches), -1, -1)  # (B, C * P, D)
        adapted = texts + self.network.prompts_generator(texts, patches)
        each = normalize(adapted.float(), dim=-1).reshape(len(patches), *prompts.shape)
        classes = normalize(each.mean(dim=2), dim=-1)  # (B, C, D)
        return self.logit_scale * torch.einsum("bd,bcd->bc", embeddings, classes)


def try_out(model: VideoEncoder, *, named: str) -> None:
    """Show a model one black clip and one word, before hours are spent on clips.

    Args:
        model: as it was loaded.
        named: what the user calls it, such as ``model.checkpoint=FOLDER``, for messages.

    Raises:
        ClipHarError: when it cannot answer, or answers with something that is no number.
    """
    size = model.image_size

    def ask() -> list[Tensor]:
        clip = torch.zeros(1, model.clip_length, 3, size, size, dtype=torch.uint8)
        seen = model.encode_clips(model.pixels(clip))
        return [model.logits(*seen, model.encode_texts(["a"])[None])]

    check_answers(ask, named=named)
