"""A specification curve: sorted estimates with intervals, and the choices that made each."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from clip_har.figures.style import BLUE, INK, ORANGE, QUIET, hide_frame
from clip_har.figures.text import drawable, widest
from clip_har.metrics.specification import LEVEL

_WIDTH, _CURVE, _ROW = 7.6, 2.6, 0.17  # inches
_LETTERS = 7.5  # points


def specification_figure(
    curve: pd.DataFrame, choices: pd.DataFrame, *, title: str, measure: str
) -> Figure:
    """Draw a specification curve (Simonsohn, Simmons and Nelson 2020).

    Args:
        curve: a row for each specification: shares ``difference, low, high``, and ``p``.
            Estimates with p below `LEVEL` have another colour.
        choices: the same rows, a column for each choice; what was chosen, as text. Empty where a
            specification has no such choice.
        title: shown above; name the model and the data.
        measure: what differs, for the axis.
    """
    order = curve["difference"].argsort(kind="stable").to_numpy()
    rows = curve.iloc[order].reset_index(drop=True)
    made = choices.iloc[order].reset_index(drop=True)
    options = [
        (str(name), str(value))
        for name in made
        for value in dict.fromkeys(choices[name])
        if value != ""
    ]
    gaps = len(made.columns) - 1
    height = _ROW * (len(options) + gaps + 1)
    figure = Figure(figsize=(_WIDTH, _CURVE + height), layout="constrained")
    above, below = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [_CURVE - 0.6, height]}
    )
    colours = [ORANGE if p < LEVEL else QUIET for p in rows["p"]]
    _draw_estimates(above, rows, colours)
    above.set_title(title, loc="left", fontsize=10)
    above.set_ylabel(measure, fontsize=8)
    _draw_choices(below, made, options, colours)
    below.set_xlim(-1, len(rows))
    return figure


def _draw_estimates(axes: Axes, rows: pd.DataFrame, colours: list[str]) -> None:
    axes.axhline(0, color=INK, linewidth=0.8)
    places = range(len(rows))
    axes.vlines(places, rows["low"], rows["high"], color=colours, linewidth=1, alpha=0.5)
    axes.scatter(places, rows["difference"], c=colours, s=9, zorder=3)
    median = float(rows["difference"].median())
    axes.axhline(median, color=BLUE, linewidth=1, linestyle="--", label="median")
    for colour, text in ((ORANGE, f"p < {LEVEL:g}"), (QUIET, f"p ≥ {LEVEL:g}")):
        axes.scatter([], [], c=colour, s=9, label=text)
    axes.legend(frameon=False, fontsize=7, ncols=3, loc="upper left")
    axes.yaxis.set_major_formatter(FuncFormatter(_points))
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.tick_params(axis="y", labelsize=8)
    axes.grid(axis="y", color="0.5", alpha=0.2)
    hide_frame(axes, ("top", "right", "bottom"))


def _points(value: float, _: int) -> str:
    return f"{100 * value:+.0f}" if round(value, 9) else "0"


def _draw_choices(
    axes: Axes, made: pd.DataFrame, options: list[tuple[str, str]], colours: list[str]
) -> None:
    places: list[float] = []
    labels: list[str] = []
    row, last = 0.0, ""
    # The names of the choices stand in a column left of what was chosen.
    away = widest([drawable(value) for _, value in options], _LETTERS) + 0.25
    for name, value in options:
        row += 1.6 if last and name != last else 1
        if name != last:
            axes.annotate(
                drawable(name), (0, row), xycoords=("axes fraction", "data"),
                xytext=(-72 * away, 0), textcoords="offset points", ha="right", va="center",
                fontsize=_LETTERS, fontweight="bold", annotation_clip=False, parse_math=False,
            )  # fmt: skip
        last = name
        places.append(row)
        labels.append(drawable(value))
        chosen = [n for n, one in enumerate(made[name]) if one == value]
        axes.axhline(row, color="0.5", alpha=0.15, linewidth=0.6)
        axes.scatter(chosen, [row] * len(chosen), c=[colours[n] for n in chosen], s=7, marker="s")
    axes.set_yticks(places, labels, fontsize=_LETTERS, parse_math=False)
    axes.set_ylim(row + 0.7, 0.3)
    axes.tick_params(axis="both", length=0, labelbottom=False)
    axes.set_xlabel(f"{len(made)} specifications, sorted by their estimate", fontsize=8)
    hide_frame(axes, ("top", "right", "bottom", "left"))
