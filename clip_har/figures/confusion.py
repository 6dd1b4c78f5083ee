"""Confusion matrix as a picture, readable from 2 to 101 classes and more.

Every cell of a sweep draws one, so everything is placed in inches for speed: a layout engine, a
tight bounding box and axis ticks for a hundred classes take four times as long as the drawing.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from clip_har.figures.text import drawable, widest
from clip_har.metrics.tables import confused_pairs

_NAMED = 30  # up to this many classes the columns have names; beyond, the numbers of the rows
_MOST_PAIRS = 16
_GAP = 0.08  # inches between elements


def confusion_figure(
    confusion: NDArray[np.int64], class_names: Sequence[str], *, title: str
) -> Figure:
    """Draw a row-normalised confusion matrix, and list the most confused pairs beside it.

    Args:
        confusion: ``(C, C)`` counts, row true, column predicted.
        class_names: C names.
        title: of the figure.

    Returns:
        A figure whose size grows with C so that every class name stays legible. Rows of classes
        without a clip are grey. With more than 30 classes rows and columns are numbered from 1, and
        the columns have the numbers only.
    """
    classes = len(class_names)
    class_names = [drawable(name) for name in class_names]
    support = confusion.sum(axis=1)
    named = classes <= _NAMED
    font = 9 if named else 7  # points
    rows = [
        f"{name} ({count})" if named else f"{name} ({count})  {number}"
        for number, (name, count) in enumerate(zip(class_names, support, strict=True), start=1)
    ]
    columns = list(class_names) if named else [str(number + 1) for number in range(classes)]
    pairs = _pairs(confusion, class_names)

    side = max(4.0, 0.17 * classes + 0.2)  # inches of the matrix itself
    left = 0.75 + widest(rows, font) + _GAP  # the colour scale is left of the rows
    right = _GAP + 0.1 + max(widest(pairs.split("\n"), 8), 0.6)
    top, bottom = 0.4, 0.35 + widest(columns, font) + _GAP
    width = left + max(side + right, widest([title], 11) + _GAP)
    height = top + side + bottom
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
    _draw(axes, confusion, support)
    # In units of the matrix: rows and columns are 0 … C - 1, their borders at the halves.
    gap = _GAP * classes / side
    for place, (row, column) in enumerate(zip(rows, columns, strict=True)):
        axes.text(
            -0.5 - gap,
            place,
            row,
            ha="right",
            va="center_baseline",
            fontsize=font,
            parse_math=False,
        )
        turned = 90 if named else 0
        axes.text(
            place,
            classes - 0.5 + gap,
            column,
            rotation=turned,
            ha="center",
            va="top",
            fontsize=font,
            parse_math=False,
        )
    axes.set_title(title, loc="left", fontsize=11, parse_math=False)
    axes.set_xlabel("predicted class", labelpad=(bottom - 0.3) * 72)
    axes.text(-0.5 - gap, -0.5 - gap, "true class (clips)", ha="right", va="bottom", fontsize=font)
    axes.text(
        classes - 0.5 + 2 * gap,
        -0.5,
        pairs,
        va="top",
        fontsize=8,
        linespacing=1.5,
        parse_math=False,
    )
    scale_height = min(side, 3.0)
    scale = figure.add_axes(
        (0.62 / width, (bottom + side - scale_height) / height, 0.1 / width, scale_height / height)
    )
    bar = figure.colorbar(axes.images[0], cax=scale)
    for colours in scale.collections:
        colours.set_rasterized(False)  # else print takes a picture as large as the page for them
    bar.set_label("share of the true class's clips", fontsize=8)
    scale.yaxis.set_major_formatter(PercentFormatter(1.0))
    scale.yaxis.set_ticks_position("left")
    scale.yaxis.set_label_position("left")
    scale.tick_params(labelsize=7)
    return figure


def _draw(axes: Axes, confusion: NDArray[np.int64], support: NDArray[np.int64]) -> None:
    """Draw the matrix; with few classes also the counts."""
    classes = len(support)
    share = np.ma.masked_array(
        confusion / np.maximum(support, 1)[:, None],
        mask=np.repeat((support == 0)[:, None], classes, axis=1),
    )
    axes.set_facecolor("0.92")
    # square-root colours: a confusion of one clip in thirty is still visible at 101 classes
    # "none": PDF and SVG take the C x C pixels as they are, and no picture of 300 dots per inch
    axes.imshow(share, norm=PowerNorm(0.5, vmin=0, vmax=1), cmap="Blues", interpolation="none")
    borders = np.arange(-0.5, classes)
    axes.hlines(borders, -0.5, classes - 0.5, color="0.85", linewidth=0.4)
    axes.vlines(borders, -0.5, classes - 0.5, color="0.85", linewidth=0.4)
    axes.set_xticks([])
    axes.set_yticks([])
    if classes > 20:  # too many for numbers in the squares
        return
    for row, column in np.argwhere(confusion > 0):
        dark = share[row, column] > 0.35
        axes.text(
            column,
            row,
            str(confusion[row, column]),
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else "black",
        )


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
