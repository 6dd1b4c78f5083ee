"""The labelled clips that heads are fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LENGTH = 1e-3  # by which the length of an embedding may differ from 1, as half precision makes it


@dataclass(frozen=True, eq=False)
class LabelledClips:
    """Embeddings of labelled clips.

    Attributes:
        embeddings: ``(N, D)`` float32, L2-normalised: the mean of a clip's frames.
        labels: ``(N,)`` int64.
        groups: N names: the subject or the source of each clip.

    Raises:
        ValueError: when the sizes differ, there is no clip, or an embedding is not of length 1.
    """

    embeddings: NDArray[np.float32]
    labels: NDArray[np.int64]
    groups: Sequence[str]

    def __post_init__(self) -> None:
        sizes = {len(self.embeddings), len(self.labels), len(self.groups)}
        if len(sizes) > 1 or sizes == {0}:
            raise ValueError(
                "expected as many embeddings, labels and groups, and at least one, got"
                f" {len(self.embeddings)}, {len(self.labels)} and {len(self.groups)}"
            )
        lengths = np.linalg.norm(self.embeddings.astype(np.float64), axis=1)
        if not (np.abs(lengths - 1) < _LENGTH).all():
            raise ValueError(
                "expected embeddings of length 1, got lengths of"
                f" {lengths.min():.3g} to {lengths.max():.3g}"
            )

    def __len__(self) -> int:
        return len(self.labels)


def balanced(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weight of each clip such that all present classes have equal weight; sum 1.

    Example:
        >>> balanced(np.array([0, 0, 3])).tolist()
        [0.25, 0.25, 0.5]
    """
    _, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1 / (len(counts) * counts[which])
    return weights
