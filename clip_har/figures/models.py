"""Models as points: accuracy against robustness, and accuracy against cost."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clip_har.figures.style import COLOURS, MARKERS, QUIET, in_percent, styled
from clip_har.figures.text import drawable

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROOM = 0.08  # free space around the points, as a share of their span
_LEAST = 0.05  # smallest span of an axis of shares: less would blow up noise
_SMALL = 7
_WIDE = 1000  # of a wider range of times only powers of ten are named


@dataclass(frozen=True)
class Span:
    """A number with the ends of its interval.

    Attributes:
        value: the number.
        low: NaN for no interval.
        high: NaN for no interval.
    """

    value: float
    low: float
    high: float

    @property
    def arms(self) -> list[list[float]]:
        """Lengths of the error bar, down and up; 0 for none."""
        ends = self.value - self.low, self.high - self.value
        return [[float(max(end, 0)) if np.isfinite(end) else 0.0] for end in ends]


@dataclass(frozen=True)
class Point:
    """A model in a figure.

    Attributes:
        x: along the horizontal axis.
        y: along the vertical axis.
    """

    x: Span
    y: Span


def robustness_figure(points: Mapping[str, Point], *, chance: float) -> "Figure":
    """Draw the change under masks over the accuracy of the unchanged clips.

    The upper line is no change. Below the lower line, a model would do worse than guessing.

    Args:
        points: by model, accuracy and change as shares.
        chance: top-1 of random guessing, in (0, 1].
    """
    from matplotlib.ticker import FuncFormatter

    with styled():
        figure, axes = _axes()
        _draw(axes, points)
        _fit(axes, points, at_most_zero=True)
        axes.axhline(0, color=QUIET, linewidth=1, linestyle="--")
        left, right = axes.get_xlim()
        bottom, top = axes.get_ylim()
        floor = np.array([left, right])
        axes.fill_between(floor, chance - floor, bottom - 1, color=QUIET, alpha=0.12, linewidth=0)
        if chance - left > bottom:
            axes.annotate(
                "worse than guessing", (0.01, 0.02), xycoords="axes fraction", color=QUIET,
                fontsize=8,
            )  # fmt: skip
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)
        in_percent(axes)
        axes.yaxis.set_major_formatter(FuncFormatter(_in_points))
        axes.set_title("accuracy and robustness")
        axes.set_xlabel("top-1 of unchanged clips")
        axes.set_ylabel("change under masks, points")
        _legend(figure)
    return figure


def cost_figure(
    points: Mapping[str, Point], *, front: Collection[str], measure: str, chance: float
) -> "Figure":
    """Draw accuracy over the time of a clip, with the front of models that none dominates.

    Args:
        points: by model, milliseconds and accuracy.
        front: the models on the front.
        measure: name of the accuracy.
        chance: top-1 of random guessing, in (0, 1].
    """
    from matplotlib.ticker import (
        LogLocator,
        NullFormatter,
        PercentFormatter,
        StrMethodFormatter,
    )

    with styled():
        figure, axes = _axes()
        axes.set_xscale("log")
        on_front = sorted((points[name].x.value, points[name].y.value) for name in front)
        _fit(axes, points)
        left, right = axes.get_xlim()
        if on_front:
            times, heights = zip(*on_front, strict=True)
            axes.step(
                [*times, right], [*heights, heights[-1]], where="post", color=QUIET, linewidth=1
            )
        _draw(axes, points, hollow=points.keys() - set(front))
        bottom, top = axes.get_ylim()
        if bottom < chance < top:
            axes.axhline(chance, color=QUIET, linewidth=1, linestyle=":")
            axes.annotate(
                "chance", (1.01, chance), xycoords=("axes fraction", "data"), color=QUIET,
                va="center", fontsize=8, annotation_clip=False,
            )  # fmt: skip
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        named = (1, 2, 5) if right / left < _WIDE else (1,)
        axes.xaxis.set_major_locator(LogLocator(subs=named))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_title("accuracy and cost")
        axes.set_xlabel("forward passes of a clip, ms on this machine")
        axes.set_ylabel(measure)
        _legend(figure)
    return figure


def _axes() -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    return figure, figure.add_subplot()


def _draw(axes: "Axes", points: Mapping[str, Point], hollow: Collection[str] = ()) -> None:
    for number, (name, point) in enumerate(points.items()):
        colour = COLOURS[number % len(COLOURS)]
        axes.errorbar(
            [point.x.value], [point.y.value], xerr=point.x.arms, yerr=point.y.arms,
            color=colour, marker=MARKERS[number % len(MARKERS)], markersize=_SMALL, linestyle="",
            elinewidth=1.2, label=drawable(name), zorder=3,
            markerfacecolor="none" if name in hollow else colour,
        )  # fmt: skip


def _fit(axes: "Axes", points: Mapping[str, Point], *, at_most_zero: bool = False) -> None:
    """Set the limits of the axes so that points and intervals have some room."""
    across, up = (_ends([getattr(point, side) for point in points.values()]) for side in "xy")
    if at_most_zero:
        up = [*up, 0.0]
    if axes.get_xscale() == "log":
        factor = max((max(across) / min(across)) ** _ROOM, 1.3)
        axes.set_xlim(min(across) / factor, max(across) * factor)
    else:
        axes.set_xlim(*_limits(across, least=0))
    axes.set_ylim(*_limits(up))


def _ends(spans: Sequence[Span]) -> list[float]:
    every = [end for one in spans for end in (one.value, one.low, one.high)]
    return [end for end in every if np.isfinite(end)]


def _limits(ends: Sequence[float], least: float = -np.inf) -> tuple[float, float]:
    """Return the ends of an axis, not below ``least``."""
    low, high = min(ends), max(ends)
    half = (0.5 + _ROOM) * max(high - low, _LEAST)
    middle = (low + high) / 2
    return max(least, middle - half), middle + half


def _in_points(value: float, _: int) -> str:
    return f"{100 * value:+.0f}".replace("-", "−") if round(100 * value) else "0"


def _legend(figure: "Figure") -> None:
    legend = figure.legend(loc="outside lower center", ncols=2)
    for text in legend.get_texts():  # a name is any text, also one with dollars
        text.set_parse_math(False)
