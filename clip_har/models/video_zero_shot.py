"""A video encoder with its classes: clips in, class scores out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.models.classifier import prompt_features
from clip_har.models.video_encoder import VideoEncoder


@dataclass(frozen=True, eq=False)
class VideoZeroShot:
    """A zero-shot classifier of whole clips.

    Attributes:
        model: the video encoder.
        prompts: ``(C, P, D)`` float32 text embeddings, on the model's device.
        batch_size: frames in one forward pass; a clip is never split.
    """

    model: VideoEncoder
    prompts: Tensor
    batch_size: int

    pooling: ClassVar[str] = "model"

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.model.device

    @classmethod
    def build(
        cls,
        model: VideoEncoder,
        prompts: Sequence[Sequence[str]],
        *,
        batch_size: int,
        cache_dir: Path,
    ) -> "VideoZeroShot":
        """Embed the prompts of the classes, see `prompt_features`."""
        features = prompt_features(model, prompts, cache_dir=cache_dir)
        return cls(model, features.to(model.device), batch_size)

    def class_vectors(self) -> Tensor:
        """Return ``(C, D)`` float32 L2-normalised, before the texts are adapted to a clip."""
        return normalize(normalize(self.prompts, dim=-1).mean(dim=1), dim=-1)

    @torch.inference_mode()
    def forward(self, clips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Score every class for every clip, and embed the clips.

        Args:
            clips: B clips of ``(T, 3, S, S)`` uint8 RGB, T the model's ``clip_length``.

        Returns:
            ``(B, C)`` logits and ``(B, D)`` embeddings, float32 on the CPU.
        """
        at_once = max(1, self.batch_size // self.model.clip_length)
        scores, embeddings = [], []
        for part in torch.split(torch.stack(list(clips)), at_once):
            embedded, patches = self.model.encode_clips(self.model.pixels(part))
            scores.append(self.model.logits(embedded, patches, self.prompts).cpu())
            embeddings.append(embedded.cpu())
        return torch.cat(scores), torch.cat(embeddings)
