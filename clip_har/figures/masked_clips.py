"""A strip of masked frames with captions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from clip_har.figures.text import drawable, widest

_COLUMNS = 4
_SIDE, _GAP, _LINE = 2.25, 0.15, 0.17  # inches: of a picture, between two, of a caption's line


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
    lines = 1 + max(caption.count("\n") for caption in captions)
    down, across = _SIDE + _LINE * (lines + 1), _SIDE + _GAP
    width = max(columns * across, widest([title], 12) + _GAP) + _GAP
    height = rows * down + 0.45
    figure = Figure(figsize=(width, height))
    # One pair of axes in inches, y downwards: each further one costs more than its picture.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for place, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = _GAP + place % columns * across, 0.4 + place // columns * down
        axes.imshow(picture, extent=(left, left + _SIDE, top + _SIDE, top), interpolation="nearest")
        middle = left + _SIDE / 2
        axes.text(
            middle,
            top + _SIDE + 0.06,
            drawable(caption),
            ha="center",
            va="top",
            fontsize=9,
            parse_math=False,
        )
    axes.text(_GAP, 0.2, title, ha="left", va="center", fontsize=12, parse_math=False)
    axes.set(xlim=(0, width), ylim=(height, 0))
    return figure
