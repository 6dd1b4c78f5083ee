"""A measure over the hidden share, a line per mask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clip_har.figures.style import COLOURS, MARKERS, in_percent, styled
from clip_har.figures.text import drawable

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROOM = 0.06  # free space above and below the data, as a share of their span
_LEAST = 0.1  # smallest span of the axis: less would blow up noise
_APART = 0.055  # smallest distance of two labels, as a share of the axis
_LEVELS = {"unchanged": "--", "chance": ":"}
_FAR = 0.6  # of the span: chance that is further away is named, but not drawn


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


Lines = Mapping[str, Sequence[Measured]]


def over_ratio_figure(
    lines: Lines,
    *,
    measure: str,
    chance: float | None = None,
    title: str = "",
    unchanged: bool = True,
) -> "Figure":
    """Draw a measure over the hidden share.

    A line goes through the mean of the points at each share, such as those of several seeds, and
    its band through the means of their intervals. The axis fits lines and bands.

    Args:
        lines: the points of each mask (or model) in any order; the one at 0 is the clean cell.
        measure: name of the measure.
        chance: value that is drawn as a line of chance.
        title: of the figure; the measure if it is empty.
        unchanged: whether the lines share a clean cell, whose level is drawn across.
    """
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(layout="constrained")
        axes = figure.add_subplot()
        for number, (label, points) in enumerate(lines.items()):
            _draw_line(axes, label, points, number)
        _fit(axes, lines, chance, unchanged=unchanged)
        axes.set_title(drawable(title or measure), parse_math=False)
        axes.set_xlabel("hidden share of the frame")
        if title:
            axes.set_ylabel(measure)
        legend = figure.legend(loc="outside lower center", ncols=2)
        for text in legend.get_texts():  # a target is any text, also one with dollars
            text.set_parse_math(False)
    return figure


def _draw_line(axes: "Axes", label: str, points: Sequence[Measured], number: int) -> None:
    colour = COLOURS[number % len(COLOURS)]
    ratios = sorted({point.ratio for point in points})
    at = [[point for point in points if point.ratio == ratio] for ratio in ratios]
    means = [np.mean([point.value for point in same]) for same in at]
    marker = MARKERS[number % len(MARKERS)]
    style = "-" if number < len(COLOURS) else "--"
    axes.plot(ratios, means, color=colour, label=drawable(label), linestyle=style, marker=marker)
    if any(len(same) > 1 for same in at):
        every = [(point.ratio, point.value) for same in at for point in same]
        axes.plot(*zip(*every, strict=True), color=colour, alpha=0.4, marker=".", linestyle="")
    known = [
        (ratio, np.mean([p.low for p in same]), np.mean([p.high for p in same]))
        for ratio, same in zip(ratios, at, strict=True)
        if all(p.low is not None and p.high is not None for p in same)
    ]
    if known:
        at_ratio, low, high = zip(*known, strict=True)
        axes.fill_between(at_ratio, low, high, color=colour, alpha=0.15, linewidth=0)


def _fit(axes: "Axes", lines: Lines, chance: float | None, *, unchanged: bool) -> None:
    """Set the limits of the axes, and name the levels of the clean cell and of chance."""
    points = [point for line in lines.values() for point in line]
    ends = [end for p in points for end in (p.value, p.low, p.high) if end is not None]
    low, high = min(ends), max(ends)
    span = max(high - low, _LEAST)
    far = chance is not None and chance < low - _FAR * span
    if chance is not None and not far:
        low, high = min(low, chance), max(high, chance)
        span = max(high - low, _LEAST)
    middle = (low + high) / 2
    low, high = min(low, middle - span / 2), max(high, middle + span / 2)
    bottom, top = max(-_ROOM * span, low - _ROOM * span), min(1 + _ROOM * span, high + _ROOM * span)
    axes.set_ylim(bottom, top)
    axes.set_xlim(0, 1.04 * max([point.ratio for point in points if point.ratio] or [1]))
    clean = next((point.value for point in points if point.ratio == 0), None)
    levels = {"unchanged": clean if unchanged else None, "chance": None if far else chance}
    names = {name: level for name, level in levels.items() if level is not None}
    for name, level in names.items():
        axes.axhline(level, color="0.5", linewidth=1, linestyle=_LEVELS[name])
    places = _apart(list(names.values()), _APART * (top - bottom))
    for name, place in zip(names, places, strict=True):
        axes.annotate(
            name, (1.01, place), xycoords=("axes fraction", "data"), color="0.5", va="center",
            fontsize=8, annotation_clip=False,
        )  # fmt: skip
    if far:
        axes.annotate(
            f"chance: {chance:.1%}", (0.99, 0.01), xycoords="axes fraction", color="0.5",
            ha="right", va="bottom", fontsize=8,
        )  # fmt: skip
    in_percent(axes)


def _apart(levels: Sequence[float], least: float) -> list[float]:
    """Return places for the labels of one or two levels that do not overlap.

    Example:
        >>> [round(place, 2) for place in _apart([0.5, 0.49], 0.05)]
        [0.52, 0.47]
    """
    if len(levels) < 2 or abs(levels[0] - levels[1]) >= least:
        return list(levels)
    middle = sum(levels) / 2
    up = least / 2 if levels[0] >= levels[1] else -least / 2
    return [middle + up, middle - up]
