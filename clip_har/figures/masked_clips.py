"""A strip of masked frames with captions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

_COLUMNS = 4


def masked_clips_figure(
    pictures: Sequence[NDArray[np.uint8]], captions: Sequence[str], *, title: str
) -> Figure:
    """Draw frames in rows of four, each with its caption below.

    Args:
        pictures: ``(H, W, 3)`` RGB frames, at least one.
        captions: one text per picture.
        title: of the figure.
    """
    columns = min(_COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.9 * rows + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=12, x=0.01, ha="left")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, picture, caption in zip(grid.flat, pictures, captions, strict=False):
        axes.imshow(picture)
        # -0.04: just below the frame; a plain xlabel would vanish with the axis.
        axes.text(0.5, -0.04, caption, transform=axes.transAxes, ha="center", va="top", fontsize=9)
    return figure
