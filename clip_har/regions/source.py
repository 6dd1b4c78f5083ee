"""What every region source offers."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clip_har.data.store import ClipFrames


class RegionSource(Protocol):
    """Says where a named thing is in the frames of a clip: the contract, with no logic."""

    @property
    def exact(self) -> bool:
        """Whether the maps are the truth (they came with the data) or an estimate."""

    def relevance(self, frames: ClipFrames) -> NDArray[np.float32] | None:
        """Return ``(T, S, S)`` in [0, 1] for a clip's frames, None without any region."""


def is_found(relevance: NDArray[np.float32]) -> bool:
    """Return whether a source found its thing anywhere in the clip.

    A map of zeros says that it did not; then ``masking.place=subject`` falls back to the middle
    of the frame, and the clip counts as one without a subject.

    Args:
        relevance: ``(T, H, W)`` in [0, 1].

    Example:
        >>> is_found(np.zeros((8, 4, 4), np.float32))
        False
    """
    return bool((relevance > 0).any())
