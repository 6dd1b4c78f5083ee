"""The charts of the section that compares models."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from clip_har.figures.models import Point, Span, cost_figure, robustness_figure
from clip_har.figures.over_ratio import Measured, over_ratio_figure
from clip_har.report.charts import Chart
from clip_har.sweeps.model_tables import AT_RATIO, ModelTables, Row
from clip_har.sweeps.models import UNCHANGED

_STRATEGIES = 3  # largest number of strategies with a chart of their own, beside that of the mean


def model_charts(tables: ModelTables, order: Sequence[str], *, chance: float) -> list[Chart]:
    """Return accuracy over the hidden share, against robustness, and against cost.

    Accuracy over the hidden share is that of the mean over masks; those of single masks come last.

    A chart is left out if its numbers are not known of at least two models, or two shares.

    Args:
        tables: the numbers.
        order: the models, as in the table: they keep colour and sign in all charts.
        chance: top-1 of random guessing, in (0, 1].
    """
    over_ratio = _over_ratio(tables, order, chance)
    charts = over_ratio[:1]
    if tables.masked:
        changes, clean = tables.of(tables.masked), tables.of(UNCHANGED)
        points = {
            name: Point(_span(clean[name], "top1"), _span(changes[name], "change"))
            for name in order
        }
        draw = partial(robustness_figure, points, chance=chance)
        charts.append(Chart("models_robustness", "change under masks over clean accuracy", draw))
    costs, rows = (
        dict(zip(tables.models.names, tables.costs, strict=True)),
        tables.of(tables.headline),
    )
    points = {
        name: Point(
            Span(*(1000 * s for s in (costs[name].seconds, costs[name].least, costs[name].most))),
            _span(rows[name], "top1"),
        )
        for name in order
        if name in rows and pd.notna(rows[name]["front"])
    }
    if len(points) > 1:
        front = [name for name in points if rows[name]["front"] == 1]
        measure = f"top-1, {tables.headline}"
        draw = partial(cost_figure, points, front=front, measure=measure, chance=chance)
        charts.append(Chart("models_cost", "accuracy over the time of a clip", draw))
    return [*charts, *over_ratio[1:]]


def _over_ratio(tables: ModelTables, order: Sequence[str], chance: float) -> list[Chart]:
    """Return a chart of the mean over strategies, and one for each of a few strategies."""
    masks = [one for one in tables.models.conditions if one.is_mask and one.ratio is not None]
    by_strategy: dict[str, list[str]] = {}
    for one in masks:
        by_strategy.setdefault(one.strategy, []).append(one.name)
    means = tables.rows.loc[tables.rows["kind"] == AT_RATIO, "mask"].unique().tolist()
    several = {f"mean of {len(by_strategy)} masks": means} if means else {}
    if len(by_strategy) <= _STRATEGIES or not means:
        several |= by_strategy
    charts = []
    for title, names in several.items():
        lines = {name: _line(tables, name, names) for name in order}
        if len(names) > 1 and all(len({one.ratio for one in line}) > 2 for line in lines.values()):
            draw = partial(
                over_ratio_figure, lines, measure="top-1", chance=chance,
                title=f"top-1 over the hidden share, {title}", unchanged=False,
            )  # fmt: skip
            charts.append(
                Chart(f"models_over_ratio {title}", f"top-1 of each model, {title}", draw)
            )
    return charts


def _line(tables: ModelTables, model: str, masks: Sequence[str]) -> list[Measured]:
    """Return the points of a model, from the unchanged clips on."""
    rows = [tables.of(mask) for mask in (UNCHANGED, *masks)]
    return [_measured(one[model]) for one in rows if model in one]


def _measured(row: Row) -> Measured:
    span = _span(row, "top1")
    ends = (None, None) if np.isnan(span.low) else (span.low, span.high)
    return Measured(float(row["hidden"]), span.value, *ends)


def _span(row: Row, name: str) -> Span:
    return Span(float(row[name]), float(row[f"{name}_low"]), float(row[f"{name}_high"]))
