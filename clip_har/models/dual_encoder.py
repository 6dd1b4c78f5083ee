"""A model of frames and texts in one embedding space: CLIP and similar models."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.core.tensors import sent
from clip_har.models.device import Precision
from clip_har.models.encoder import Encoder, load_fields, try_out
from clip_har.models.preprocess import normalise
from clip_har.models.runtime import Runtime
from clip_har.models.tower import Tower, build_tower
from clip_har.models.tuned_weights import TunedWeights


@dataclass(frozen=True, kw_only=True)
class DualEncoder(Encoder):
    """A frozen image and text encoder; ``network`` also has ``get_image_features``.

    Attributes:
        logit_bias: learned, added to every logit; 0 if the model has none.
        tower: runs the image tower when no gradient is needed, see `clip_har.models.tower`; None
            for the network itself.
        warm: the batch sizes of `warm_up`.
    """

    logit_bias: float = 0.0
    tower: Tower | None = None
    warm: set[int] = field(default_factory=set, repr=False, compare=False)

    def encode_frames(self, frames: Tensor | Sequence[Tensor]) -> Tensor:
        """Embed frames; no gradient flows.

        Args:
            frames: ``(M, 3, S, S)`` uint8 RGB, S the ``image_size``, or parts of it one after the
                other, which are not joined before they are normalised.

        Returns:
            ``(M, D)`` float32, L2-normalised.
        """
        parts = [frames] if isinstance(frames, Tensor) else frames
        here = [sent(part, self.device) for part in parts]
        pixels = normalise(here, self.scale, dtype=self.dtype)
        if self.tower is None:
            return self.encode_pixels(pixels)
        return normalize(self.tower(pixels).float(), dim=-1)

    def warm_up(self, batch_size: int) -> None:
        """Let a tower for an accelerator compile itself now, and not within the first cell's time.

        Args:
            batch_size: frames in one forward pass; a smaller batch is padded to it.
        """
        if self.tower is None or self.device.type == "cpu" or batch_size in self.warm:
            return
        self.warm.add(batch_size)
        size = self.image_size
        with torch.inference_mode():
            self.encode_frames(torch.zeros(batch_size, 3, size, size, dtype=torch.uint8))

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Embed normalised frames; gradients flow back to ``pixels``.

        Args:
            pixels: ``(M, 3, S, S)`` as `normalise` returns them.

        Returns:
            ``(M, D)`` float32, L2-normalised.
        """
        features = self.network.get_image_features(pixel_values=pixels).pooler_output
        return normalize(features.float(), dim=-1)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts.

        Args:
            texts: N texts; the tokenizer cuts a text that is longer than the model's context.

        Returns:
            ``(N, D)`` float32, L2-normalised, on the CPU.
        """
        return normalize(self.text_features(texts), dim=-1)

    def trial(self) -> list[Tensor]:
        """Return the embeddings of a black frame and a word."""
        size = self.image_size
        frame = torch.zeros(1, 3, size, size, device=self.device, dtype=self.dtype)
        return [self.encode_pixels(frame), self.encode_texts(["a"])]


def load_dual_encoder(
    architecture: Any,
    folder: Path,
    *,
    name: str,
    runtime: Runtime,
    device: torch.device,
    precision: Precision,
    padded_texts: bool = False,
    tuned: TunedWeights | None = None,
) -> DualEncoder:
    """Load a dual encoder, frozen and in evaluation mode.

    Args:
        architecture: a class of transformers with ``get_image_features``, ``get_text_features``
            and ``logit_scale``.
        folder: the checkpoint.
        name: as the user wrote it.
        runtime: of the image tower, see `clip_har.models.tower.build_tower`.
        device: where it runs.
        precision: of the forward pass.
        padded_texts: see `Encoder`.
        tuned: fine-tuned weights that replace the checkpoint's.

    Raises:
        ClipHarError: when a file of the checkpoint is missing or damaged, or the fine-tuned weights
            do not fit it.
    """
    fields = load_fields(
        architecture, folder, name=name, device=device, precision=precision, tuned=tuned
    )
    network, size = fields["network"], fields["image_size"]
    bias = getattr(network, "logit_bias", None)
    model = DualEncoder(
        **fields,
        logit_bias=0.0 if bias is None else float(bias.detach()),
        padded_texts=padded_texts,
        tower=build_tower(runtime, network, image_size=size, device=device, precision=precision),
    )
    try_out(model)
    return model
