"""What a model answers over the time of one video: its frames above the curves of its classes."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from clip_har.figures.style import COLOURS, INK, QUIET, draw_picture, styled
from clip_har.figures.text import drawable, widest

_WIDTH = 7.7  # inches; of all of the below
_LEFT, _RIGHT = 0.66, 0.8  # right of the axes, without the names
_TITLE, _GAP, _RIBBON, _BELOW, _LINE = 0.56, 0.06, 0.09, 0.45, 0.155
_CURVES, _BAR = 1.9, 0.27
_OTHER, _MORE = "#c9c9c9", "another class"  # of a class that has no curve
_NOTE_LETTERS = 118
_NAME_LETTERS, _NAME_SIZE = 24, 8


@dataclass(frozen=True, eq=False)
class Curve:
    """The probability of one class over time.

    Attributes:
        name: of the class.
        values: ``(W,)`` in [0, 1]; NaN for a window that was left out.
        mean: over the windows.
    """

    name: str
    values: NDArray[np.float64]
    mean: float


def prediction_figure(
    curves: Sequence[Curve],
    edges: Sequence[float],
    pictures: Sequence[NDArray[np.uint8] | None],
    *,
    winners: Sequence[int | None],
    title: str,
    subtitle: str = "",
    notes: Sequence[str] = (),
) -> Figure:
    """Draw frames of a video above the probabilities of its best classes.

    The frames are spread evenly over the time, so each stands above its place. A ribbon below them
    shows the most probable class of each window. A video of one window gets bars instead of curves.

    Args:
        curves: of the best classes, the highest mean first.
        edges: ``W + 1`` times at which windows begin and the last one ends, seconds.
        pictures: frames ``(S, S, 3)`` uint8 RGB; None for one that the model was not shown.
        winners: of each window the number of its curve; -1 for a class without a curve, None for a
            window that was left out.
        title: names the video.
        subtitle: names model, mask and noise.
        notes: sentences below the curves.
    """
    one = len(edges) == 2
    named = widest([_short(curve.name) for curve in curves] + [_MORE], _NAME_SIZE)
    plot = _WIDTH - _LEFT - _RIGHT - 1.1 * named  # the first name is bold
    strip = plot / len(pictures) if pictures else 0.0
    lines = [line for note in notes for line in textwrap.wrap(note, _NOTE_LETTERS)]
    high = _BAR * len(curves) if one else _CURVES
    ribbon = 0.0 if one else _RIBBON + _GAP
    total = _TITLE + strip + _GAP + ribbon + high + _BELOW + _LINE * len(lines)
    with styled():
        figure = Figure(figsize=(_WIDTH, total))
        figure.set_layout_engine("none")  # all places are known

        def place(left: float, top: float, width: float, height: float) -> Axes:
            box = (left / _WIDTH, 1 - (top + height) / total, width / _WIDTH, height / total)
            return figure.add_axes(box)

        words: dict[str, Any] = {"parse_math": False, "ha": "left"}
        left = _LEFT / _WIDTH
        name: dict[str, Any] = {
            "fontsize": 11,
            "fontweight": "bold",
            "color": INK,
            "va": "top",
            **words,
        }
        figure.text(left, 1 - 0.1 / total, drawable(title), **name)
        said: dict[str, Any] = {"fontsize": _NAME_SIZE, "color": QUIET, "va": "top", **words}
        figure.text(left, 1 - 0.33 / total, subtitle, **said)
        top = _TITLE
        for number, picture in enumerate(pictures):
            _draw_tile(place(_LEFT + number * strip, top, strip, strip), picture)
        top += strip + _GAP
        if not one:
            _draw_ribbon(place(_LEFT, top, plot, _RIBBON), edges, winners)
            top += ribbon
        axes = place(_LEFT, top, plot, high)
        if one:
            _draw_bars(axes, curves)
        else:
            _draw_curves(axes, curves, edges)
            _name_curves(axes, curves, high, others=-1 in winners)
        for number, line in enumerate(reversed(lines)):
            figure.text(left, (0.06 + number * _LINE) / total, line, fontsize=7, color=QUIET, **{
                **words, "va": "bottom"
            })  # fmt: skip
    return figure


def _draw_tile(axes: Axes, picture: NDArray[np.uint8] | None) -> None:
    if picture is None:
        picture = np.full((8, 8, 3), 240, np.uint8)
        axes.text(
            0.5, 0.5, "left out", transform=axes.transAxes, ha="center", va="center", fontsize=7,
            color=QUIET,
        )  # fmt: skip
    draw_picture(axes, picture, interpolation="antialiased")
    axes.grid(visible=False)
    axes.spines[:].set(visible=True, color="white", linewidth=1.2)


def _draw_ribbon(axes: Axes, edges: Sequence[float], winners: Sequence[int | None]) -> None:
    clear = (1.0, 1.0, 1.0, 0.0)
    colours = [
        clear if winner is None else to_rgba(_colour(winner) if winner >= 0 else _OTHER)
        for winner in winners
    ]
    axes.bar(
        edges[:-1], 1, np.diff(edges), align="edge", color=colours, linewidth=0, antialiased=False
    )
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, 1))
    axes.set_axis_off()


def _draw_curves(axes: Axes, curves: Sequence[Curve], edges: Sequence[float]) -> None:
    for number, curve in reversed(list(enumerate(curves))):
        axes.stairs(
            curve.values, edges, baseline=None, color=_colour(number), linewidth=1.8,
            linestyle=_dash(number),
        )  # fmt: skip
    axes.set(xlim=(edges[0], edges[-1]), ylim=(-0.02, 1.02), ylabel="probability")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 3, 5, 6, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(_clock))
    axes.set_xlabel("time")


def _name_curves(axes: Axes, curves: Sequence[Curve], high: float, *, others: bool) -> None:
    """Write names and means beside the curves, in order; ``others``: the ribbon shows more."""
    step = min(0.2, high / (len(curves) + 1 + others)) / high
    words: dict[str, Any] = {
        "xycoords": "axes fraction", "textcoords": "offset points", "va": "center",
        "fontsize": _NAME_SIZE, "annotation_clip": False, "parse_math": False,
    }  # fmt: skip
    quiet: dict[str, Any] = {"color": QUIET}
    axes.annotate("mean", (1.055, 1 - 0.5 * step), (26, 0), ha="right", **words, **quiet)
    for number, curve in enumerate(curves):
        y = 1 - (number + 1.5) * step
        axes.plot(
            [1.02, 1.055], [y, y], transform=axes.transAxes, color=_colour(number), linewidth=2.2,
            linestyle=_dash(number), clip_on=False, solid_capstyle="butt",
        )  # fmt: skip
        name = _short(curve.name)
        axes.annotate(f"{100 * curve.mean:.0f} %", (1.055, y), (26, 0), ha="right", **words)
        weight: dict[str, Any] = {"fontweight": "bold"} if number == 0 else {}
        axes.annotate(name, (1.055, y), (31, 0), ha="left", color=INK, **words, **weight)
    if others:
        y = 1 - (len(curves) + 1.5) * step
        axes.plot(
            [1.02, 1.055], [y, y], transform=axes.transAxes, color=_OTHER, linewidth=4,
            clip_on=False, solid_capstyle="butt",
        )  # fmt: skip
        axes.annotate(_MORE, (1.055, y), (31, 0), ha="left", **words, **quiet)


def _draw_bars(axes: Axes, curves: Sequence[Curve]) -> None:
    places = np.arange(len(curves))
    means = [curve.mean for curve in curves]
    axes.barh(places, means, height=0.62, color=[_colour(number) for number in range(len(curves))])
    axes.set(xlim=(0, 1), ylim=(len(curves) - 0.5, -0.5))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xlabel("probability")
    words: dict[str, Any] = {
        "textcoords": "offset points", "va": "center", "fontsize": _NAME_SIZE,
        "annotation_clip": False, "parse_math": False,
    }  # fmt: skip
    for number, curve in enumerate(curves):
        name = f"{_short(curve.name)}  {100 * curve.mean:.1f} %"
        weight: dict[str, Any] = {"fontweight": "bold"} if number == 0 else {}
        axes.annotate(name, (curve.mean, number), (5, 0), color=INK, **words, **weight)


def _short(name: str) -> str:
    shown = drawable(name)
    return shown if len(shown) <= _NAME_LETTERS else shown[: _NAME_LETTERS - 1] + "…"


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _dash(number: int) -> str:
    return "-" if number < len(COLOURS) else "--"


def _clock(seconds: float, _: object) -> str:
    minutes, rest = divmod(round(seconds, 2), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{rest:05.2f}".rstrip("0").rstrip(".") if rest % 1 else f"{int(rest):02}"
    return f"{hours}:{minutes:02}:{text}" if hours else f"{minutes}:{text}"
