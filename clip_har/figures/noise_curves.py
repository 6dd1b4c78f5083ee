"""Learned noise: its learning curves, and its effect on top-1."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from clip_har.figures.style import BLUE, COLOURS, INK, MARKERS, ORANGE, hide_frame

_KEPT = ORANGE
_LEAK = "0.55"
_MANY = 80  # with more points the running mean of a curve is drawn, too


def loss_figure(
    curves: Mapping[str, Mapping[int, float]],
    validation: Mapping[int, float],
    *,
    kept: int,
    title: str,
) -> Figure:
    """Draw the terms of the loss over the steps, each on its own scale, and the validation below.

    The terms differ by orders of magnitude and in sign, so each has its own strip. A strip is
    logarithmic if its term is positive and spans a factor of fifty or more.

    Args:
        curves: value by step of each term.
        validation: mean log-probability of the true class by step; higher is better.
        kept: the step whose noise was kept.
        title: of the figure.

    Example:
        >>> figure = loss_figure({"energy": {0: 2.0, 9: 1.0}}, {0: -2.0, 9: -1.0}, kept=9, title="")
        >>> len(figure.axes)
        2
    """
    strip, below = 0.8, 2.0  # inches
    size = (7.2, strip * len(curves) + below + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    heights = [strip] * len(curves) + [below]
    *strips, last = figure.subplots(
        len(heights), sharex=True, squeeze=False, height_ratios=heights
    ).flat
    for axes, (name, curve) in zip(strips, curves.items(), strict=True):
        _draw_term(axes, name, curve)
    _draw_validation(last, validation, kept)
    for axes in strips:
        axes.tick_params(axis="x", length=0)
        axes.spines["bottom"].set_color("0.8")
    if any(len(curve) > _MANY for curve in curves.values()):
        last.set_xlabel("step   (faint: as logged, strong: running mean)")
    for axes in (*strips, last):
        axes.axvline(kept, color=_KEPT, linewidth=0.9, linestyle=":", zorder=1)
        hide_frame(axes)
        axes.grid(axis="y", color="0.92")
        axes.tick_params(labelsize=8)
    (strips or [last])[0].set_title(title, loc="left", fontsize=10, parse_math=False)
    figure.align_ylabels()
    return figure


def effect_figure(effects: pd.DataFrame, *, title: str) -> Figure:
    """Draw what noise changes in top-1, a group of points per mask.

    Args:
        effects: a row per mask and variant, drawn in this order: ``mask`` and ``variant`` are
            texts, ``difference`` is top-1 with noise minus top-1 without, in [-1, 1], ``low`` and
            ``high`` its 95 % interval, NaN if not known. A variant with "leaks" in its name is
            drawn hollow and grey, because it is not a result. The rows of each ``panel`` are drawn
            side by side on the same axes, under its name; without this column there is one panel.
        title: of the figure.

    Raises:
        ValueError: when there is no row.

    Example:
        >>> row = {"mask": "none", "variant": "a", "difference": 0.1, "low": 0.0, "high": 0.2}
        >>> effect_figure(pd.DataFrame([row]), title="").axes[0].get_yticklabels()[0].get_text()
        'none'
    """
    masks = list(effects["mask"].unique())
    if not masks:
        raise ValueError("expected at least one row of effects")
    named = effects["panel"] if "panel" in effects else pd.Series("", index=effects.index)
    panels = {str(name): effects[named == name] for name in named.unique()}
    most = max(rows["variant"].nunique() for rows in panels.values())
    group = max(0.3, 0.095 * most + 0.1)  # inches
    count = len(panels)
    legend = 0.16 * most if count > 1 else 0
    size = (max(7.2, 4.2 * count), group * len(masks) + 1.5 + legend)
    figure = Figure(figsize=size, layout="constrained")
    every = figure.subplots(1, count, sharex=True, sharey=True, squeeze=False).flat
    for axes, (name, rows) in zip(every, panels.items(), strict=True):
        variants = list(rows["variant"].unique())
        _draw_effects(axes, rows, masks, variants)
        axes.set_title(name, fontsize=9, parse_math=False)
        _write_legend(figure, axes, variants, below=count > 1)
    first = figure.axes[0]
    first.set_yticks(range(len(masks)), masks, fontsize=9, parse_math=False)
    first.set_ylim(len(masks) - 0.5, -0.5)  # the first mask at the top
    unit = "top-1 with noise minus top-1 without, percentage points   (bars: 95 % interval)"
    if count > 1:
        figure.supxlabel(unit, fontsize=10)
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, parse_math=False)
    else:
        first.set_xlabel(unit)
        first.set_title(title, loc="left", fontsize=10, parse_math=False)
    return figure


def _draw_effects(
    axes: Axes, effects: pd.DataFrame, masks: Sequence[str], variants: Sequence[str]
) -> None:
    """Draw the effects of some variants, a group of points per mask."""
    for place, (variant, style) in enumerate(zip(variants, _styles(variants), strict=True)):
        rows = effects[effects["variant"] == variant]
        offset = (place - (len(variants) - 1) / 2) * 0.8 / len(variants)
        heights = np.array([masks.index(mask) for mask in rows["mask"]]) + offset
        _draw_variant(axes, rows, heights, style)
    for index in range(0, len(masks), 2):
        axes.axhspan(index - 0.5, index + 0.5, color="0.96", linewidth=0, zorder=0)
    axes.axvline(0, color="0.4", linewidth=1, zorder=1)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labeltop=len(masks) > 6)  # too tall to look down to the axis
    hide_frame(axes, ("top", "right", "left"))
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)


def _draw_term(axes: Axes, name: str, curve: Mapping[int, float]) -> None:
    """Draw one term of the loss, with its name at the right."""
    steps, values = _points(curve)
    many = len(steps) > _MANY
    axes.plot(steps, values, color=BLUE, linewidth=0.8 if many else 1.4, alpha=0.35 if many else 1)
    if many:
        mean = pd.Series(values).rolling(len(steps) // 20, center=True, min_periods=1).mean()
        axes.plot(steps, mean, color=BLUE, linewidth=1.4)
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() > 0 and finite.max() / finite.min() >= 50:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=4))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.6g}"))
    _write_beside(axes, name, INK)


def _draw_validation(axes: Axes, validation: Mapping[int, float], kept: int) -> None:
    """Draw the validation score, and mark the step that was kept."""
    steps, scores = _points(validation)
    axes.plot(steps, scores, "o-", color=INK, markersize=3, linewidth=1.4)
    if kept in validation:
        axes.plot([kept], [validation[kept]], "o", color=_KEPT, markersize=8, zorder=5)
    score = f"\nat {validation[kept]:.3f}".replace("-", "−") if kept in validation else ""
    _write_beside(axes, f"validation\nkept: step {kept}{score}", _KEPT)
    axes.set_xlabel("step")
    axes.set_ylabel("mean log-probability\nof the true class", fontsize=9)


def _write_beside(axes: Axes, text: str, colour: str) -> None:
    axes.annotate(
        text,
        (1.01, 0.5),
        xycoords="axes fraction",
        fontsize=9,
        color=colour,
        va="center",
        annotation_clip=False,
        parse_math=False,
    )


def _points(curve: Mapping[int, float]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    steps = sorted(curve)
    return np.array(steps, np.int64), np.array([curve[step] for step in steps], np.float64)


def _draw_variant(
    axes: Axes, rows: pd.DataFrame, heights: NDArray[np.float64], style: Mapping[str, Any]
) -> None:
    """Draw the points of one variant at their heights, with the intervals that are known."""
    low, middle, high = (100 * rows[name].to_numpy(float) for name in ("low", "difference", "high"))
    known = np.isfinite(low) & np.isfinite(high)
    axes.hlines(heights[known], low[known], high[known], color=style["color"], linewidth=1.1)
    axes.plot(middle, heights, linestyle="none", markersize=5, zorder=3, **style)


def _styles(variants: Sequence[str]) -> list[dict[str, Any]]:
    """Return how each variant is drawn; a variant that leaks the label is grey."""
    styles = []
    colours = itertools.cycle(COLOURS)
    for variant, marker in zip(variants, itertools.cycle(MARKERS), strict=False):
        leaks = "leaks" in variant
        colour = _LEAK if leaks else next(colours)
        face = "white" if leaks else colour
        styles.append(
            {"label": variant, "color": colour, "marker": marker, "markerfacecolor": face}
        )
    return styles


def _write_legend(figure: Figure, axes: Axes, variants: Sequence[str], *, below: bool) -> None:
    """Write the names of the variants below the figure, or below the axes."""
    handles = axes.lines[: len(variants)]
    how: dict[str, Any] = {"frameon": False, "fontsize": 8}
    if below:
        height = figure.get_figheight()
        how |= {"loc": "upper left", "bbox_to_anchor": (-0.05, -0.35 / height)}
        legend = axes.legend(handles, variants, **how)
    else:
        legend = figure.legend(handles, variants, loc="outside lower left", ncols=3, **how)
    for text in legend.get_texts():
        text.set_parse_math(False)
