"""Risk over coverage: how many answers are wrong if a model leaves its doubtful clips out."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.figures.style import COLOURS, QUIET, in_percent, styled
from clip_har.figures.text import drawable

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

_FEWEST = 10  # of fewer answers a share of errors is mostly chance


def risk_coverage_figure(
    risks: Mapping[str, NDArray[np.float64]], *, marked: Mapping[str, float]
) -> "Figure":
    """Draw a line per cell; it ends at the cell's error rate, marked by a dot.

    The first ten clips are left out.

    Args:
        risks: per cell ``(N,)``, see `clip_har.metrics.selective.risk_coverage`.
        marked: coverages with a vertical line, by their label.
    """
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(5.6, 3.6), layout="constrained")
        axes = figure.add_subplot()
        for number, (name, values) in enumerate(risks.items()):
            colour = COLOURS[number % len(COLOURS)]
            coverage = np.arange(1, len(values) + 1) / len(values)
            shown = slice(min(_FEWEST, len(values)) - 1, None)
            axes.plot(coverage[shown], values[shown], color=colour, label=drawable(name))
            axes.plot([1], values[-1:], marker="o", color=colour, clip_on=False)
        for label, at in marked.items():
            axes.axvline(at, color=QUIET, linewidth=1, linestyle=":")
            axes.annotate(
                label, (at, 1), xycoords=("data", "axes fraction"), color=QUIET, ha="center",
                va="bottom", fontsize=8,
            )  # fmt: skip
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom=0)
        in_percent(axes)
        axes.set_xlabel("coverage: share of the clips that are answered, the surest first")
        axes.set_ylabel("wrong answers among them")
        legend = figure.legend(loc="outside lower center", ncols=2)
        for text in legend.get_texts():  # a target is any text, also one with dollars
            text.set_parse_math(False)
    return figure
