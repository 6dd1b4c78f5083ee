"""Parts per class that are sums of a few patterns: δ_c = Σ_k a_ck b_k."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from clip_har.core.tensors import sent
from clip_har.noise.learned.shift import rows_of

PATTERNS, WEIGHTS = "patterns", "weights"
LOW_RANK = (PATTERNS, WEIGHTS)
"""The names of its two tensors."""


@dataclass(frozen=True, eq=False)
class LowRank:
    """A part per class of low rank.

    Attributes:
        weights: ``(C, R)``, of each pattern in each class's part.
        patterns: ``(R, F, 3, r, r)``, grey levels; F is 1, or the frames of a clip.
    """

    weights: Tensor
    patterns: Tensor

    @property
    def columns(self) -> int:
        """The number of classes C."""
        return len(self.weights)

    @property
    def frames(self) -> int:
        """1, or the frames of a clip."""
        return self.patterns.shape[1]

    def rows(self, classes: Tensor, times: Tensor) -> Tensor:
        """Return the parts of M pairs of class and frame, ``(M, 3, r, r)``; has a gradient.

        Args:
            classes: ``(M,)``.
            times: ``(M,)``, below F.
        """
        weights = rows_of(self.weights, classes)  # (M, R)
        # Frame by frame: the patterns of M pairs at once would be as large as R full parts.
        chosen, mixed = [], []
        for time in torch.unique(times).tolist():
            (which,) = torch.nonzero(times == time, as_tuple=True)
            chosen.append(which)
            own = weights[sent(which, weights.device)]
            mixed.append(torch.einsum("mk,k...->m...", own, self.patterns[:, time]))
        return torch.cat(mixed)[sent(torch.argsort(torch.cat(chosen)), weights.device)]

    def full(self) -> Tensor:
        """Return the part of every class, ``(C, F, 3, r, r)``."""
        return torch.einsum("ck,k...->c...", self.weights, self.patterns)

    def shrink(self, budget: float, size: Callable[[Tensor], Tensor]) -> None:
        """Scale the weights of each class whose part is larger than the budget, in place.

        Args:
            budget: of each class's part in every frame.
            size: returns the sizes ``(F,)`` of a part in its frames, ``(F, 3, r, r)``.
        """
        for row in self.weights.data:
            part = torch.einsum("k,k...->...", row, self.patterns.data)
            row.mul_((budget / size(part).max().clamp(min=1e-12)).clamp(max=1))
