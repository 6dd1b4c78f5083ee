"""The study in one picture: lift against stacked universal by mask, and each arm by its mean."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from clip_har.figures.style import BLUE, ORANGE
from clip_har.noise.learned.arms import LIFT, STACKED
from clip_har.noise.variants import NONE, SHUFFLED
from experiments.class_noise.effects import ALL


def noise_figure(effects: pd.DataFrame, *, caption: str) -> Figure:
    """Draw differences of top-1 with their 95 % intervals over subjects and fits.

    Args:
        effects: see `experiments.class_noise.effects.effects_table`.
        caption: the model and the data; it is shown in the picture.
    """
    top1 = effects[effects["measure"] == "top1"]
    pooled = top1[(top1["mask"] == ALL) & (top1["control"] == NONE)]
    masks = list(dict.fromkeys(top1["mask"]))
    rows = max(len(masks), len(pooled))
    figure = Figure(figsize=(9.6, 1.6 + 0.26 * rows), layout="constrained")
    left, right = figure.subplots(1, 2)
    for offset, (control, colour) in zip(
        (-0.14, 0.14), {STACKED: BLUE, SHUFFLED: ORANGE}.items(), strict=True
    ):
        of = top1[(top1["condition"] == LIFT) & (top1["control"] == control)].set_index("mask")
        if len(of):
            _plot(left, of.reindex(masks), offset, colour, f"lift − {control}")
    _finish(left, masks, "lift minus its control, by mask")
    _plot(right, pooled, 0.0, BLUE, None)
    most = pooled["fits"].max()
    names = [
        name if fits == most else f"{name} ({fits} of {most} fits)"
        for name, fits in zip(pooled["condition"], pooled["fits"], strict=True)
    ]
    _finish(right, names, "each arm minus no noise, mean over masks")
    figure.suptitle(f"class noise: {caption}", fontsize=10)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def _plot(axes: Axes, rows: pd.DataFrame, offset: float, colour: str, label: str | None) -> None:
    value = rows["difference"].to_numpy()
    ends = [value - rows["low"].to_numpy(), rows["high"].to_numpy() - value]
    height = [number + offset for number in range(len(rows))]
    axes.errorbar(
        value, height, xerr=ends, fmt="o", color=colour, markersize=4, linewidth=1.3, label=label
    )


def _in_points(value: float, _: int) -> str:
    """Return a share in points, with as many decimals as it needs."""
    found = round(100 * value, 6)
    return f"{found:+g}".replace("-", "−") if found else "0"


def _finish(axes: Axes, names: list[str], title: str) -> None:
    axes.axvline(0, color="0.4", linewidth=1)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(_in_points))
    axes.set_xlabel("top-1, percentage points, 95 %", fontsize=9)
    axes.set_title(title, loc="left", fontsize=9)
    axes.grid(axis="x", color="0.5", alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)
