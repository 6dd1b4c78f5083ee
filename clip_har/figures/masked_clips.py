"""A strip of masked frames with captions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clip_har.figures.sheet import Sheet, Shown, Words
from clip_har.figures.text import drawable, widest

_COLUMNS = 4
_SIDE, _GAP, _LINE = 2.25, 0.15, 0.17  # inches: of a picture, between two, of a caption's line


def masked_clips_sheet(
    pictures: Sequence[NDArray[np.uint8]], captions: Sequence[str], *, title: str
) -> Sheet:
    """Draw frames in rows of four, each with its caption below.

    Args:
        pictures: ``(H, W, 3)`` RGB frames, at least one.
        captions: one text per picture.
        title: of the picture.
    """
    columns = min(_COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    lines = 1 + max(caption.count("\n") for caption in captions)
    down, across = _SIDE + _LINE * (lines + 1), _SIDE + _GAP
    width = max(columns * across, widest([title], 12) + _GAP) + _GAP
    shown, words = [], [Words(title, _GAP, 0.2, 12)]
    for place, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = _GAP + place % columns * across, 0.4 + place // columns * down
        shown.append(Shown(picture, left, top, _SIDE, _SIDE))
        middle, below = left + _SIDE / 2, top + _SIDE + 0.06
        words.append(Words(drawable(caption), middle, below, 9, across="center", down="top"))
    return Sheet(width, rows * down + 0.45, shown, words)
