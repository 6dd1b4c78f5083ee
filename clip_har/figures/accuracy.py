"""Accuracy over the ratio that is hidden, a line per mask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from scipy.stats import binomtest

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito


@dataclass(frozen=True)
class Point:
    """One cell's accuracy.

    Attributes:
        ratio: share of the pixels that is hidden, in [0, 1].
        top1: in [0, 1].
        clips: how many it is the share of.
    """

    ratio: float
    top1: float
    clips: int

    def interval(self) -> tuple[float, float]:
        """Return the 95 % Wilson interval by clip.

        Clips of one group are not independent, so the true uncertainty is larger.
        """
        found = binomtest(round(self.top1 * self.clips), self.clips)
        low, high = found.proportion_ci(method="wilson")
        return float(low), float(high)


def accuracy_figure(
    lines: Mapping[str, Sequence[Point]], *, classes: int, clean: Point | None, title: str
) -> Figure:
    """Draw top-1 over the ratio.

    Args:
        lines: the cells of each mask.
        classes: their number, for the line of chance.
        clean: the cell without a mask, the start of every line.
        title: what the model and data are.
    """
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for colour, (name, points) in zip(_COLOURS * 9, sorted(lines.items()), strict=False):
        shown = sorted(([clean] if clean else []) + list(points), key=lambda point: point.ratio)
        ratios, top1 = [p.ratio for p in shown], [p.top1 for p in shown]
        low, high = zip(*(p.interval() for p in shown), strict=True)
        axes.plot(ratios, top1, "o-", color=colour, label=name, markersize=5)
        axes.fill_between(ratios, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.axhline(1 / classes, color="0.5", linewidth=1, linestyle=":")
    axes.annotate(
        "chance",
        (1, 1 / classes),
        xycoords=("axes fraction", "data"),
        color="0.4",
        ha="right",
        va="bottom",
        fontsize=8,
    )
    axes.set_ylim(0, 1)
    axes.set_xlim(left=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("hidden share of the frame   (bands: 95 % Wilson intervals by clip)")
    axes.set_ylabel("top-1 accuracy")
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.92")
    axes.legend(frameon=False, fontsize=9)
    return figure
