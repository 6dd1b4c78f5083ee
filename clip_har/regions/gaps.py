"""Frames in which a target was not found, between frames in which it was."""

import numpy as np
from numpy.typing import NDArray


def without_gaps(
    soft_mask: NDArray[np.float32], found: NDArray[np.bool_], min_frames: float
) -> NDArray[np.float32]:
    """Return soft masks in which each frame has a region, or no frame has one.

    A frame without a region takes that of the nearest frame that has one, of two the earlier. In a
    clip with too few regions the target counts as not found.

    Args:
        soft_mask: ``(T, H, W)`` in [0, 1].
        found: ``(T,)``: the frames in which the target was found.
        min_frames: least share of the frames, in [0, 1].

    Example:
        >>> soft_mask = np.array([0.9, 0.2, 0.7], np.float32).reshape(3, 1, 1)
        >>> without_gaps(soft_mask, np.array([True, False, True]), 0.5).ravel().tolist()
        [0.8999999761581421, 0.8999999761581421, 0.699999988079071]
        >>> without_gaps(soft_mask, np.array([True, False, False]), 0.5).any()
        np.False_
    """
    if not found.any() or found.mean() < min_frames:
        return np.zeros_like(soft_mask)
    places = np.flatnonzero(found)
    apart = np.abs(np.arange(len(found))[:, None] - places)  # (T, frames with a region)
    nearest: NDArray[np.float32] = soft_mask[places[apart.argmin(axis=1)]]
    return nearest
