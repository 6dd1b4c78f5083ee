"""The phase of a grid: where the first line of a mask's grid lies in the frame.

A vision transformer cuts the frame into patches of its own, from the frame's top left corner on.
A mask whose grid begins there, too, hides such patches whole if both are of one size. Moved by half
a patch it hides few of them whole and many in part. So what a mask does to a model depends on the
phase; a random one is fair to all models.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clip_har.core.seeding import generator
from clip_har.masking.area import Canvas

Phase = Literal["random", "aligned"]


def grid_phase(phase: Phase, canvas: Canvas, *, frames: int) -> NDArray[np.float64]:
    """Return how far the grid begins before its usual place, as shares of its spacing.

    The random phase depends on the clip alone, not on ratio or spacing: masks stay nested over the
    ratio, and grids of all spacings are moved by the same share.

    Args:
        phase: ``aligned`` for 0, ``random`` for a new place in each clip.
        canvas: the clip.
        frames: 1 for the same phase in all frames, or one for each of T frames.

    Returns:
        ``(frames, 2)`` shares (down, right) in [0, 1).
    """
    if phase == "aligned":
        return np.zeros((frames, 2))
    return generator(canvas.seed, "mask/phase", canvas.clip_id).random((frames, 2))
