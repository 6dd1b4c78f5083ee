"""Confusion matrix as a picture, readable from 2 to 101 classes and more."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.figures.sheet import Sheet, Shown, Words
from clip_har.figures.text import drawable, widest
from clip_har.metrics.tables import confused_pairs

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

_NAMED = 30  # up to this many classes the columns have names; beyond, the numbers of the rows
_COUNTED = 20  # up to this many classes the squares hold counts
_MOST_PAIRS = 16
_GAP = 0.08  # inches between elements
_SCALE = 0.1  # inches: width of the colour scale
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_NO_CLIP = 235  # the grey of a class without a clip
_DARK = 0.35  # from this share on, a count is white
_BLUES = np.array(  # ColorBrewer's nine (Harrower and Brewer 2003)
    [
        (247, 251, 255), (222, 235, 247), (198, 219, 239), (158, 202, 225), (107, 174, 214),
        (66, 146, 198), (33, 113, 181), (8, 81, 156), (8, 48, 107),
    ]
)  # fmt: skip


def confusion_sheet(
    confusion: NDArray[np.int64], class_names: Sequence[str], *, title: str
) -> Sheet:
    """Draw a row-normalised confusion matrix, and list the most confused pairs beside it.

    Args:
        confusion: ``(C, C)`` counts, row true, column predicted.
        class_names: C names.
        title: of the picture.

    Returns:
        A sheet whose size grows with C so that every class name stays legible. Rows of classes
        without a clip are grey. With more than 30 classes rows and columns are numbered from 1, and
        the columns have the numbers only.
    """
    classes = len(class_names)
    class_names = [drawable(name) for name in class_names]
    support = confusion.sum(axis=1)
    named = classes <= _NAMED
    size = 9 if named else 7  # points
    rows = [
        f"{name} ({count})" if named else f"{name} ({count})  {number}"
        for number, (name, count) in enumerate(zip(class_names, support, strict=True), start=1)
    ]
    columns = list(class_names) if named else [str(number + 1) for number in range(classes)]
    pairs = _pairs(confusion, class_names)

    side = max(4.0, 0.17 * classes + 0.2)  # inches of the matrix itself
    scale = 0.22 + widest(["100 %"], 7) + 2 * _GAP  # the colour scale is left of the rows
    left = scale + _SCALE + 2 * _GAP + max(widest(rows, size), widest([_TRUE], size)) + _GAP
    right = _GAP + 0.1 + max(widest(pairs.split("\n"), 8), 0.6) + _GAP
    top = 0.4
    below = widest(columns, size) if named else 0.1
    bottom = below + 3 * _GAP + 0.2
    width = left + max(side + right, widest([title], 11) + _GAP)
    middle, under = left + side / 2, top + side + _GAP
    centres = (np.arange(classes) + 0.5) * side / classes
    share = confusion / np.maximum(support, 1)[:, None]
    matrix = _colours(share)
    matrix[support == 0] = _NO_CLIP
    words = [
        Words(title, left, top - _GAP, 11, down="bottom"),
        Words(_TRUE, left - _GAP, top - _GAP, size, across="right", down="bottom"),
        Words("predicted class", middle, top + side + below + 2 * _GAP, 10, "center", "top"),
        Words(pairs, left + side + _GAP + 0.1, top, 8, down="top"),
    ]
    for place, row, column in zip(centres, rows, columns, strict=True):
        words.append(Words(row, left - _GAP, top + place, size, across="right"))
        words.append(
            Words(column, left + place, under, size - (classes > 99), "center", "top", turned=named)
        )
    if classes <= _COUNTED:
        for true, predicted in np.argwhere(confusion > 0):
            count = str(confusion[true, predicted])
            colour = 1.0 if share[true, predicted] > _DARK else 0.0
            x, y = left + centres[predicted], top + centres[true]
            words.append(Words(count, x, y, 8, across="center", colour=colour))
    bar, marks, ticks = _scale(scale, top, min(side, 3.0))
    shown = Shown(matrix, left, top, side, side, frame=True, grid=True)
    return Sheet(width, top + side + bottom, [shown, bar], [*words, *marks], ticks)


def confusion_figure(
    confusion: NDArray[np.int64], class_names: Sequence[str], *, title: str
) -> "Figure":
    """Return a `confusion_sheet` for print."""
    return confusion_sheet(confusion, class_names, title=title).figure()


_TRUE = "true class (clips)"


def _scale(
    left: float, top: float, height: float
) -> tuple[Shown, list[Words], list[tuple[float, float, float]]]:
    """Return the colour scale, its texts and its ticks."""
    shares = np.linspace(1, 0, 256)[:, None] ** 2  # the colours have equal steps
    bar = Shown(_colours(shares), left, top, _SCALE, height, frame=True)
    at = [top + height * (1 - share**0.5) for share in _TICKS]
    words = [
        Words(f"{share:.0%}", left - _GAP, y, 7, across="right")
        for share, y in zip(_TICKS, at, strict=True)
    ]
    label = "share of the true class's clips"
    words.append(Words(label, 0.05, top + height / 2, 8, turned=True))
    return bar, words, [(left - 0.04, left, y) for y in at]


def _colours(shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the colours ``(…, 3)`` of shares in [0, 1].

    They follow the square root: a confusion of one clip in thirty is still visible at 101 classes.
    """
    steps = np.linspace(0, 1, len(_BLUES))
    values = np.sqrt(shares)
    found = [np.interp(values, steps, channel) for channel in _BLUES.T]
    return np.stack(found, axis=-1).round().astype(np.uint8)


def _pairs(confusion: NDArray[np.int64], class_names: Sequence[str]) -> str:
    """Return the list of the most confused pairs."""
    most = min(max(8, len(class_names) // 3), _MOST_PAIRS)
    pairs = confused_pairs(confusion, class_names, limit=most)
    lines = [
        f"{true} → {predicted}  {count}"
        for true, predicted, count in zip(
            pairs["true"], pairs["predicted"], pairs["count"], strict=True
        )
    ]
    return "most confused\ntrue → predicted  clips\n\n" + ("\n".join(lines) or "none")
