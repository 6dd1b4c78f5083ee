"""The contract of noise that can be learned, and no noise beside it."""

from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.batch import ClipBatch
from clip_har.noise.contract import Noise, Seen, unchanged


class Perturbation(Noise, Protocol):
    """Noise that can be learned: the contract, with no logic."""

    parts: dict[str, Tensor]
    """The tensors that are learned, by name; float32 ``(1 or C, …)``."""

    @property
    def frozen(self) -> Tensor | None:
        """Noise for all classes that is added, too, and is not learned, ``(1, …)``."""

    def prepare(self, model: DualEncoder, frames: Tensor) -> Tensor:
        """Do the work that is needed once per frame for all noise: ``(M, 3, S, S)`` uint8."""

    def embed(
        self, model: DualEncoder, prepared: Tensor, visible: Tensor, classes: Tensor, times: Tensor
    ) -> Tensor:
        """Embed M prepared frames with the noise of their classes: ``(M, D)``, has a gradient."""

    def project(self) -> None:
        """Project the tensors back into their budgets, in place."""

    def budget(self, name: str) -> float:
        """Return the budget of a tensor."""

    def strength(self, column: int) -> tuple[float, float]:
        """Return root mean square and largest value of one class's noise, in its own units."""

    def with_parts(self, parts: dict[str, Tensor]) -> Self:
        """Return the same noise with other learned values."""

    def on(self, frozen: Tensor | None) -> Self:
        """Return the same noise with other frozen noise under it."""

    def under(self) -> Self | None:
        """Return the frozen noise alone, as noise that could be learned; None without such."""

    def free(self) -> Self:
        """Return the same noise with a tensor of its own for each class, without a gradient."""

    def grid(self, part: Tensor) -> Tensor:
        """Return which values of a row of a tensor have an effect, as 0 and 1.

        Its shape broadcasts to that of a row.
        """

    def as_strong(self, parts: dict[str, Tensor]) -> Self:
        """Return noise with other values, as strong in every frame, on the same frozen noise."""


class NoPerturbation:
    """No noise, for comparison; embeddings are shared with noise in feature space."""

    columns = 1

    def seen(self, clips: ClipBatch, columns: NDArray[np.int64]) -> Seen:  # noqa: ARG002
        """Return the frames as they are."""
        return unchanged(clips)

    @torch.inference_mode()
    def forward(
        self,
        classifier: ZeroShot,
        clips: ClipBatch,
        seen: Seen,  # noqa: ARG002
        columns: NDArray[np.int64],  # noqa: ARG002
    ) -> tuple[Tensor, Tensor]:
        """Return ``(B, C)`` scores and ``(B, D)`` embeddings of the clips."""
        return classifier.forward_embedded(clips.embedded(classifier), clips.lengths)
