"""A reliability diagram: how often a model is right, over how sure it is."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

_BAR, _GAP = "#0072b2", "#d55e00"
_FEW = 5  # clips, whose share tells little


def reliability_figure(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a reliability diagram.

    A bar is the accuracy of the answers in a bin of confidence; what it lacks to the diagonal, or
    rises above it, is the miscalibration. Bars are the wider, the more clips they stand for, and
    pale where they stand for fewer than five.

    Args:
        table: see `clip_har.metrics.calibration.reliability`.
        title: of the figure, usually the cell's name.
    """
    figure = Figure(figsize=(3.6, 3.3), layout="constrained")
    axes = figure.add_subplot()
    share = table["clips"] / table["clips"].max()
    width = (table["high"] - table["low"]) * (0.25 + 0.7 * share)
    colours = [(_BAR, 1.0 if clips >= _FEW else 0.35) for clips in table["clips"]]
    axes.bar(table["confidence"], table["accuracy"], width=width, color=colours)
    axes.vlines(
        table["confidence"], table["accuracy"], table["confidence"], color=_GAP, linewidth=1.5
    )
    axes.plot([0, 1], [0, 1], color="0.5", linewidth=1, linestyle=":")
    axes.set_title(title if len(title) < 45 else title[:44] + "…", loc="left", fontsize=9)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.tick_params(labelsize=8)
    axes.set_xlabel("confidence of the answer", fontsize=8)
    axes.set_ylabel("share that is right", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
