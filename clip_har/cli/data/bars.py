"""Black bars at the edges of a clip."""

import numpy as np
from numpy.typing import NDArray

DARK = 24
"""Largest value (0 … 255) of a black pixel in each channel: codecs add noise to black."""
_DARK_SHARE = 0.98  # of a row's pixels, over all frames: noise may make some pixels brighter


def black_bars(frames: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Return the sizes of the black bars at the top, bottom, left and right, in pixels.

    Args:
        frames: ``(T, H, W, 3)`` uint8 RGB. Frames that are all black do not count; if all frames
            are black, there are no bars.
    """
    dark = np.asarray((frames <= DARK).all(axis=3))  # (T, H, W)
    dark = dark[~(dark.mean(axis=(1, 2)) >= _DARK_SHARE)]
    if not len(dark):
        return (0, 0, 0, 0)
    rows = dark.mean(axis=(0, 2)) >= _DARK_SHARE
    columns = dark.mean(axis=(0, 1)) >= _DARK_SHARE
    if not rows.all():  # columns are checked only in rows that are not black
        columns = dark[:, ~rows].mean(axis=(0, 1)) >= _DARK_SHARE
    return _run(rows), _run(rows[::-1]), _run(columns), _run(columns[::-1])


def _run(dark: NDArray[np.bool_]) -> int:
    """Return how many are true from the front."""
    return int(np.argmin(dark)) if not dark.all() else 0
