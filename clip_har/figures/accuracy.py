"""Accuracy over the hidden share, a line per mask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from clip_har.figures.over_ratio import Measured, draw_over_ratio


@dataclass(frozen=True)
class Point:
    """One cell's accuracy.

    Attributes:
        ratio: share of the pixels that is hidden, in [0, 1].
        top1: in [0, 1].
        clips: number of clips.
        low: lower end of the 95 % interval over groups; NaN without one.
        high: upper end.
    """

    ratio: float
    top1: float
    clips: int
    low: float
    high: float


def accuracy_figure(
    lines: Mapping[str, Sequence[Point]], *, classes: int, clean: Point | None, title: str
) -> Figure:
    """Draw top-1 over the ratio.

    Args:
        lines: the cells of each mask.
        classes: number of classes, for the line of chance.
        clean: the cell without a mask; every line starts there.
        title: model and data.
    """
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    start = [clean] if clean else []
    curves = {
        name: [Measured(p.ratio, p.top1, p.low, p.high) for p in [*start, *points]]
        for name, points in sorted(lines.items())
    }
    draw_over_ratio(axes, curves, chance=1 / classes)
    axes.set_xlabel("hidden share of the frame   (bands: 95 % intervals over groups)")
    axes.set_ylabel("top-1 accuracy")
    axes.set_title(title, loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=9)
    return figure
