"""A reliability diagram: accuracy over confidence."""

from typing import TYPE_CHECKING

import pandas as pd

from clip_har.figures.style import BLUE, ORANGE, in_percent, styled
from clip_har.figures.text import drawable

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

_FEW = 5  # a bin with fewer clips says little


def reliability_figure(table: pd.DataFrame, *, title: str) -> "Figure":
    """Draw a reliability diagram.

    A bar is the accuracy of the predictions in a bin of confidence; its distance from the diagonal
    is the miscalibration. A bar is wider if its bin has more clips; it is pale with
    fewer than five clips.

    Args:
        table: see `clip_har.metrics.calibration.reliability`.
        title: of the figure, usually the cell's name.
    """
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(3.6, 3.3), layout="constrained")
        axes = figure.add_subplot()
        share = table["clips"] / table["clips"].max()
        width = (table["high"] - table["low"]) * (0.25 + 0.7 * share)
        colours = [(BLUE, 1.0 if clips >= _FEW else 0.35) for clips in table["clips"]]
        axes.bar(table["confidence"], table["accuracy"], width=width, color=colours)
        ends = (table["confidence"], table["accuracy"], table["confidence"])
        axes.vlines(*ends, color=ORANGE, linewidth=1.5)
        axes.plot([0, 1], [0, 1], color="0.5", linewidth=1, linestyle=":")
        axes.set_title(drawable(title), fontsize=9, parse_math=False)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy")
        in_percent(axes)
    return figure
