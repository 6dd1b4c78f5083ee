"""Learned noise in feature space, as tensors."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding, normalize

from clip_har.core.tensors import sent
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.batch import ClipBatch
from clip_har.noise.contract import Seen, unchanged


@dataclass(eq=False)
class EmbeddingShift:
    """Noise in feature space: the embedding of a frame is shifted and normalised again.

    Attributes:
        parts: ``own`` ``(C, D)``.
        length: largest length of a shift (L2).
    """

    parts: dict[str, Tensor]
    length: float

    @property
    def frozen(self) -> None:
        """None: there is no frozen noise in feature space."""

    def prepare(self, model: DualEncoder, frames: Tensor) -> Tensor:
        """Embed frames, once for all classes: ``(M, D)``."""
        with torch.no_grad():
            return model.encode_frames(frames)

    def embed(
        self,
        model: DualEncoder,  # noqa: ARG002, the contract's
        prepared: Tensor,
        visible: Tensor,  # noqa: ARG002
        classes: Tensor,
        times: Tensor,  # noqa: ARG002
    ) -> Tensor:
        """Shift embeddings ``(M, D)``; only they and the classes are used."""
        return self.move(prepared, classes)

    def move(self, embeddings: Tensor, classes: Tensor) -> Tensor:
        """Return embeddings ``(M, D)`` with the shifts of their classes ``(M,)``, L2-normalised."""
        return normalize(embeddings + rows_of(self.parts["own"], classes), dim=-1)

    def project(self) -> None:
        """Project the shifts back into their budget, in place."""
        own = self.parts["own"].data
        lengths = own.norm(dim=1, keepdim=True).clamp(min=1e-12)
        own.mul_((self.length / lengths).clamp(max=1))

    def budget(self, name: str) -> float:  # noqa: ARG002, there is one part
        """Return the largest length of a shift."""
        return self.length

    def grid(self, part: Tensor) -> Tensor:
        """Return 1: every value of a shift has an effect."""
        return part.new_ones(1)

    def as_strong(self, parts: dict[str, Tensor]) -> "EmbeddingShift":
        """Return shifts with other values; those of `random_like` already have the same length."""
        return self.with_parts(parts)

    @property
    def columns(self) -> int:
        """The number of classes."""
        return len(self.parts["own"])

    def seen(self, clips: ClipBatch, columns: NDArray[np.int64]) -> Seen:  # noqa: ARG002
        """Return the frames as they are: no pixel changes."""
        return unchanged(clips)

    @torch.inference_mode()
    def forward(
        self,
        classifier: ZeroShot,
        clips: ClipBatch,
        seen: Seen,  # noqa: ARG002
        columns: NDArray[np.int64],
    ) -> tuple[Tensor, Tensor]:
        """Return ``(B, C)`` scores and ``(B, D)`` shifted embeddings of the clips.

        Args:
            classifier: the model with its classes.
            clips: the clips under their mask.
            seen: their frames.
            columns: ``(B,)``, the class whose shift each clip gets.
        """
        moved = self.move(clips.embedded(classifier), clips.per_frame(columns))
        return classifier.forward_embedded(moved, clips.lengths)

    def strength(self, column: int) -> tuple[float, float]:
        """Return root mean square and largest value of one class's shift."""
        shift = self.parts["own"][column].detach()
        return float(shift.square().mean().sqrt()), float(shift.abs().max())

    def with_parts(self, parts: dict[str, Tensor]) -> "EmbeddingShift":
        """Return the same noise with other values."""
        return replace(self, parts=parts)

    def on(self, frozen: Tensor | None) -> "EmbeddingShift":  # noqa: ARG002
        """Return itself: nothing lies under a shift."""
        return self

    def under(self) -> None:
        """Return None: nothing lies under a shift."""

    def free(self) -> "EmbeddingShift":
        """Return the same shifts without a gradient: each class has its own."""
        return self.with_parts({name: part.detach() for name, part in self.parts.items()})


def rows_of(table: Tensor, which: Tensor) -> Tensor:
    """Return ``table[which]`` with a gradient that is equal to the bit each time.

    The gradient of plain indexing is not, if a row occurs twice and the CPU has several threads.
    """
    picked = embedding(sent(which, table.device), table.flatten(1))
    return picked.reshape(-1, *table.shape[1:])
