"""A measure over the hidden share, a line per strategy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clip_har.figures.style import COLOURS, MARKERS, hide_frame, in_percent


@dataclass(frozen=True)
class Measured:
    """A measure of one cell.

    Attributes:
        ratio: share of the pixels that is hidden, in [0, 1].
        value: in [0, 1].
        low: lower end of its 95 % interval; None for no interval.
        high: upper end; None for no interval.
    """

    ratio: float
    value: float
    low: float | None = None
    high: float | None = None


def over_ratio_figure(
    lines: Mapping[str, Sequence[Measured]], *, measure: str, chance: float | None = None
) -> Figure:
    """Draw a measure over the hidden share.

    Args:
        lines: the points of each strategy in any order; points with intervals get a band.
        measure: name of the measure, the title.
        chance: value that is drawn as a line of chance.
    """
    figure = Figure(figsize=(4.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    draw_over_ratio(axes, lines, chance=chance)
    axes.set_title(measure, loc="left", fontsize=10)
    axes.set_xlabel("hidden share of the frame", fontsize=9)
    legend = figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    for text in legend.get_texts():  # a target is any text, also one with dollars
        text.set_parse_math(False)
    return figure


def draw_over_ratio(
    axes: Axes, lines: Mapping[str, Sequence[Measured]], *, chance: float | None
) -> None:
    """Draw lines with their bands, and chance, on axes from 0 to 100 %.

    Arguments as for `over_ratio_figure`.
    """
    for number, (label, given) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = sorted(given, key=lambda point: point.ratio)
        axes.plot(
            [point.ratio for point in points],
            [point.value for point in points],
            marker=MARKERS[number % len(MARKERS)],
            color=colour,
            label=label,
            markersize=5,
            linestyle="-" if number < len(COLOURS) else "--",
        )
        known = [
            (point.ratio, point.low, point.high)
            for point in points
            if point.low is not None and point.high is not None
        ]
        if known:
            at, low, high = zip(*known, strict=True)
            axes.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
    if chance is not None:
        axes.axhline(chance, color="0.5", linewidth=1, linestyle=":")
        axes.annotate(
            "chance", (1, chance), xycoords=("axes fraction", "data"), color="0.5", ha="right",
            va="bottom", fontsize=8,
        )  # fmt: skip
    axes.set_ylim(0, 1)
    axes.set_xlim(left=0)
    in_percent(axes)
    hide_frame(axes)
    axes.grid(axis="y", color="0.5", alpha=0.2)
