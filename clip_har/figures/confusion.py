"""Confusion matrix as a picture, readable from 2 to 101 classes and more."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from clip_har.metrics.tables import confused_pairs


def confusion_figure(
    confusion: NDArray[np.int64], class_names: Sequence[str], *, title: str
) -> Figure:
    """Draw a row-normalised confusion matrix, and list the most confused pairs beside it.

    Args:
        confusion: ``(C, C)`` counts, row true, column predicted.
        class_names: C names.
        title: what the matrix is of.

    Returns:
        A figure whose size grows with C so that every class name stays legible. Rows of classes
        without a clip are grey: they say nothing.
    """
    classes = len(class_names)
    support = confusion.sum(axis=1)
    share = np.ma.masked_array(
        confusion / np.maximum(support, 1)[:, None],
        mask=np.repeat((support == 0)[:, None], classes, axis=1),
    )
    side = max(4.0, 0.17 * classes + 1.5)  # inches of the matrix itself
    font = 9 if classes <= 30 else 7
    figure = Figure(figsize=(side + 5.6, side + 2.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_facecolor("0.92")
    # square-root colours: a confusion of one clip in thirty is still seen at 101 classes
    image = axes.imshow(
        share, norm=PowerNorm(0.5, vmin=0, vmax=1), cmap="Blues", interpolation="nearest"
    )
    labels = [f"{name} ({count})" for name, count in zip(class_names, support, strict=True)]
    axes.set_xticks(range(classes), list(class_names), rotation=90, fontsize=font)
    axes.set_yticks(range(classes), labels, fontsize=font)
    axes.set_xticks(np.arange(-0.5, classes), minor=True)
    axes.set_yticks(np.arange(-0.5, classes), minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.4)
    axes.tick_params(which="both", length=0)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class (number of clips)")
    axes.set_title(title, loc="left", fontsize=11)
    if classes <= 20:  # beyond that numbers in the squares are noise
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
    bar = figure.colorbar(image, ax=axes, shrink=0.5, aspect=30, pad=0.03, location="left")
    bar.set_label("share of the true class's clips")
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    _list_pairs(axes, confusion, class_names)
    return figure


def _list_pairs(axes: Axes, confusion: NDArray[np.int64], class_names: Sequence[str]) -> None:
    """Write the most confused pairs to the right of the matrix."""
    pairs = confused_pairs(confusion, class_names, most=max(8, len(class_names) // 3))
    lines = [
        f"{true} → {predicted}  {count}"
        for true, predicted, count in zip(
            pairs["true"], pairs["predicted"], pairs["count"], strict=True
        )
    ]
    text = "most confused\ntrue → predicted  clips\n\n" + ("\n".join(lines) or "none")
    axes.annotate(
        text,
        (1.02, 1.0),
        xycoords="axes fraction",
        va="top",
        fontsize=8,
        linespacing=1.5,
        annotation_clip=False,
    )
