"""A reliability diagram: accuracy over confidence."""

import pandas as pd
from matplotlib.figure import Figure

from clip_har.figures.style import BLUE, ORANGE, hide_frame, in_percent

_FEW = 5  # a bin with fewer clips says little


def reliability_figure(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw a reliability diagram.

    A bar is the accuracy of the predictions in a bin of confidence; its distance from the diagonal
    is the miscalibration. A bar is wider if its bin has more clips; it is pale with
    fewer than five clips.

    Args:
        table: see `clip_har.metrics.calibration.reliability`.
        title: of the figure, usually the cell's name.
    """
    figure = Figure(figsize=(3.6, 3.3), layout="constrained")
    axes = figure.add_subplot()
    share = table["clips"] / table["clips"].max()
    width = (table["high"] - table["low"]) * (0.25 + 0.7 * share)
    colours = [(BLUE, 1.0 if clips >= _FEW else 0.35) for clips in table["clips"]]
    axes.bar(table["confidence"], table["accuracy"], width=width, color=colours)
    axes.vlines(
        table["confidence"], table["accuracy"], table["confidence"], color=ORANGE, linewidth=1.5
    )
    axes.plot([0, 1], [0, 1], color="0.5", linewidth=1, linestyle=":")
    axes.set_title(title if len(title) < 45 else title[:44] + "…", loc="left", fontsize=9)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    in_percent(axes)
    axes.tick_params(labelsize=8)
    axes.set_xlabel("confidence", fontsize=8)
    axes.set_ylabel("accuracy", fontsize=8)
    hide_frame(axes)
    return figure
