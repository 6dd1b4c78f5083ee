"""How far a clip's embedding moved from that of its clean twin, measured while clips are shown."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedded(Protocol):
    """The embeddings of clips without mask and noise, such as in a score table.

    Attributes:
        clip_ids: ids of N clips.
        embeddings: ``(N, D)`` float32, L2-normalised; None if they were not kept.
    """

    @property
    def clip_ids(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def embeddings(self) -> NDArray[np.float32] | None: ...  # noqa: D102


class CleanEmbeddings:
    """The model's embeddings of the clips without mask and noise.

    Embeddings need far more space than scores. So only clean cells keep them. All other cells keep
    the distance of each clip from its clean embedding.
    """

    def __init__(self, clean: Embedded | None) -> None:
        """Read them from the score table of a clean cell; None and older tables have none."""
        self._embeddings = None if clean is None else clean.embeddings
        self._rows = {} if clean is None else {name: row for row, name in enumerate(clean.clip_ids)}

    def drift(
        self, clip_ids: Sequence[str], embeddings: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return ``(B,)`` 1 − cos of each clip to its twin, in [0, 2]; NaN without a twin.

        Args:
            clip_ids: ids of B clips.
            embeddings: ``(B, D)``.
        """
        found = np.full(len(clip_ids), np.nan)
        if self._embeddings is None:
            return found
        known = [row for row, clip_id in enumerate(clip_ids) if clip_id in self._rows]
        twins = [self._rows[clip_ids[row]] for row in known]
        found[known] = drift(embeddings[known], self._embeddings[twins])
        return found


def drift(embeddings: NDArray[np.floating], clean: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return ``(N,)`` 1 − cos between clips' embeddings and those of their twins, in [0, 2].

    Args:
        embeddings: ``(N, D)``, no row is all zeros.
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
    return 1 - cosines.clip(-1, 1)  # rounding may exceed the range
