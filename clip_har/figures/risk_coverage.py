"""Risk over coverage: how many answers are wrong if a model leaves its doubtful clips out."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from clip_har.figures.style import COLOURS, QUIET, hide_frame, in_percent

_FEWEST = 10  # of fewer answers a share of errors is mostly chance
_LETTERS = 44


def risk_coverage_figure(
    risks: Mapping[str, NDArray[np.float64]], *, marked: Mapping[str, float]
) -> Figure:
    """Draw a line per cell; it ends at the cell's error rate, marked by a dot.

    The first ten clips are left out.

    Args:
        risks: per cell ``(N,)``, see `clip_har.metrics.selective.risk_coverage`.
        marked: coverages with a vertical line, by their label.
    """
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for number, (name, values) in enumerate(risks.items()):
        colour = COLOURS[number % len(COLOURS)]
        coverage = np.arange(1, len(values) + 1) / len(values)
        shown = slice(min(_FEWEST, len(values)) - 1, None)
        label = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
        axes.plot(coverage[shown], values[shown], color=colour, linewidth=1.6, label=label)
        axes.plot([1], values[-1:], marker="o", color=colour, markersize=5, clip_on=False)
    for label, at in marked.items():
        axes.axvline(at, color=QUIET, linewidth=1, linestyle=":")
        axes.annotate(
            label, (at, 1), xycoords=("data", "axes fraction"), color=QUIET, ha="center",
            va="bottom", fontsize=8,
        )  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    in_percent(axes)
    axes.tick_params(labelsize=8)
    axes.set_xlabel("coverage: share of the clips that are answered, the surest first", fontsize=9)
    axes.set_ylabel("wrong answers among them", fontsize=9)
    hide_frame(axes)
    axes.grid(axis="y", color="0.5", alpha=0.2)
    legend = figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    for text in legend.get_texts():  # a target is any text, also one with dollars
        text.set_parse_math(False)
    return figure
