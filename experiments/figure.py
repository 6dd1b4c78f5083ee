"""A study in one picture: each condition's change of top-1 with its interval."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from experiments.effects import CHANGE, CLEAN

CAPTION = "tiny model, rendered data"
_COLOURS = {"clean twin": "#0072b2", "control": "#d55e00", "difference of two changes": "#009e73"}


def effects_figure(effects: pd.DataFrame, *, title: str, caption: str = CAPTION) -> Figure:
    """Draw the change of top-1 by each condition, against its clean twin and its control.

    Args:
        effects: see `experiments.effects.effects`.
        title: the name of the study.
        caption: the model and the data; it is shown in the picture.
    """
    rows = effects[effects["measure"] == "top1"]
    names = list(dict.fromkeys(rows["condition"]))
    figure = Figure(figsize=(7.2, 1.3 + 0.24 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color="0.4", linewidth=1)
    against = rows["control"].map(_kind)
    for offset, (kind, colour) in zip((-0.15, 0.15, 0.3), _COLOURS.items(), strict=True):
        plotted = rows[against == kind]
        if not len(plotted):
            continue
        height = [names.index(name) + offset for name in plotted["condition"]]
        value = plotted["difference"].to_numpy()
        # A percentile interval need not hold the value itself.
        below = (value - plotted["low"].to_numpy()).clip(min=0)
        above = (plotted["high"].to_numpy() - value).clip(min=0)
        axes.errorbar(
            value, height, xerr=[below, above], fmt="o", color=colour, markersize=4, linewidth=1.3,
            label=f"against {kind}" if kind != "difference of two changes" else kind,
        )  # fmt: skip
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:+.0f}"))
    axes.set_xlabel("change of top-1, percentage points, 95 % over groups and seeds", fontsize=9)
    axes.set_title(f"{title}: {caption}", loc="left", fontsize=10)
    axes.grid(axis="x", color="0.5", alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _kind(control: str) -> str:
    if control == CLEAN:
        return "clean twin"
    return "difference of two changes" if control.startswith(CHANGE) else "control"
