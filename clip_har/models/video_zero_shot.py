"""A model of whole clips with its classes: clips in, class scores out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.models.classifier import prompt_features
from clip_har.models.whole_clips import WholeClipEncoder


@dataclass(frozen=True, eq=False)
class VideoZeroShot:
    """A zero-shot classifier of whole clips.

    Attributes:
        model: the encoder.
        prompts: ``(C, P, D)`` float32 text embeddings, on the model's device.
        batch_size: frames in one forward pass; a clip is never split.
    """

    model: WholeClipEncoder
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
        model: WholeClipEncoder,
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
            clips: B clips of ``(T, 3, S, S)`` uint8 RGB, T the model's ``clip_length``; of any
                number of frames if it has none.

        Returns:
            ``(B, C)`` logits and ``(B, D)`` embeddings, float32 on the model's device: it need not
            be waited for.
        """
        scores, embeddings = [], []
        for part in self._parts(clips):
            embedded, more = self.model.encode_clips(self.model.pixels(part))
            scores.append(self.model.logits(embedded, more, self.prompts))
            embeddings.append(embedded)
        return torch.cat(scores), torch.cat(embeddings)

    def _parts(self, clips: Sequence[Tensor]) -> Iterator[Tensor]:
        """Yield batches ``(b, T, 3, S, S)`` of clips that have as many frames, in their order."""
        for length, alike in groupby(clips, key=len):
            at_once = max(1, self.batch_size // length)
            yield from torch.split(torch.stack(list(alike)), at_once)
