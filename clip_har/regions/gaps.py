"""Frames in which a target was not found, between frames in which it was."""

import numpy as np
from numpy.typing import NDArray


def without_gaps(soft_mask: NDArray[np.float32], found: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return soft masks in which a frame without a region has that of the nearest frame with one.

    Of two frames that are equally near, the earlier counts. Without any region all is zero.

    Args:
        soft_mask: ``(T, H, W)`` in [0, 1].
        found: ``(T,)``: the frames in which the target was found.

    Example:
        >>> soft_mask = np.array([0.75, 0.25, 0.5], np.float32).reshape(3, 1, 1)
        >>> without_gaps(soft_mask, np.array([True, False, True])).ravel().tolist()
        [0.75, 0.75, 0.5]
    """
    if not found.any():
        return np.zeros_like(soft_mask)
    if found.all():
        return soft_mask
    places = np.flatnonzero(found)
    apart = np.abs(np.arange(len(found))[:, None] - places)  # (T, frames with a region)
    nearest: NDArray[np.float32] = soft_mask[places[apart.argmin(axis=1)]]
    return nearest
