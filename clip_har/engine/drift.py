"""How far a clip's embedding moved from its clean twin's, found while the clips are shown."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Embedded(Protocol):
    """Answers to clips without mask and noise: a score table.

    Attributes:
        clip_ids: of N clips.
        embeddings: ``(N, D)`` float32, L2-normalised; None where they were not kept.
    """

    @property
    def clip_ids(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def embeddings(self) -> NDArray[np.float32] | None: ...  # noqa: D102


class CleanEmbeddings:
    """What the model made of the clips without mask and noise.

    Embeddings take far more room than scores, so that only clean cells keep them, and all others
    keep each clip's distance from there.
    """

    def __init__(self, clean: Embedded | None) -> None:
        """Take them from a clean cell's answers; there are none in None and in older tables."""
        self._embeddings = None if clean is None else clean.embeddings
        self._rows = {} if clean is None else {name: row for row, name in enumerate(clean.clip_ids)}

    def drift(self, clip_ids: Sequence[str], embeddings: Tensor) -> NDArray[np.float64]:
        """Return ``(B,)`` 1 − cos of each clip to its twin, in [0, 2]; NaN without a twin.

        Args:
            clip_ids: of B clips.
            embeddings: ``(B, D)``.
        """
        found = np.full(len(clip_ids), np.nan)
        if self._embeddings is None:
            return found
        known = [row for row, clip_id in enumerate(clip_ids) if clip_id in self._rows]
        twins = [self._rows[clip_ids[row]] for row in known]
        found[known] = drift(embeddings.numpy()[known], self._embeddings[twins])
        return found


def drift(embeddings: NDArray[np.floating], clean: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return ``(N,)`` 1 − cos between clips' embeddings and those of their twins, in [0, 2].

    Args:
        embeddings: ``(N, D)``, no row 0.
        clean: ``(N, D)`` of the same clips.

    Example:
        >>> drift(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]))
        array([1.])
    """
    first, second = (
        part / np.linalg.norm(part, axis=1, keepdims=True)
        for part in (embeddings.astype(np.float64), clean.astype(np.float64))
    )
    cosines: NDArray[np.float64] = (first * second).sum(axis=1)
    return 1 - cosines.clip(-1, 1)  # rounding may pass them
