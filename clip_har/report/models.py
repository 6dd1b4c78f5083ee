"""The section of a report that compares the models of a data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clip_har.report.answer import Answer
from clip_har.report.charts import Chart
from clip_har.report.comparison import cautions
from clip_har.report.leaderboard import protocol_of
from clip_har.report.model_charts import model_charts
from clip_har.report.model_text import highest, model_answers
from clip_har.report.sections import Records
from clip_har.sweeps.model_tables import AT_RATIO, CHANGE, EACH, MEAN, ModelTables
from clip_har.sweeps.models import UNCHANGED, Condition
from clip_har.sweeps.table import ALPHA

_MARKS = {
    "†": "It hides other shares of the models' tokens, as their patches differ in size.",
    "‡": "Each model hides its own attribution.",
}
"""Why a mask is not the same for all models."""
_MATRICES = {
    UNCHANGED: "Unchanged clips",
    MEAN: "Mean over masks",
    CHANGE: "Change under masks",
}
"""Titles of the families whose pairs are shown as a matrix; those of single masks are in a list."""


@dataclass(frozen=True)
class Pairs:
    """The differences of all pairs of models in answer to one question.

    Attributes:
        title: what differs.
        tests: the number of tests that are corrected together.
        models: names, in the order of the ranks.
        rows: for each model but the last ``model``, and ``cells``: per model but the first a row of
            the pairs, turned so that it is row minus column, with ``sure``; None on and below the
            diagonal.
    """

    title: str
    tests: int
    models: Sequence[str]
    rows: Records


@dataclass(frozen=True)
class ModelsPart:
    """What a page shows of several models on the same clips.

    Attributes:
        tables: their numbers.
        id: added to the anchors of its sections; empty for the first one.
        answers: the first screen.
        charts: accuracy over the hidden share, against robustness, and against cost.
        masks: the columns of ``rows``: ``name``, ``leaks``, ``mark`` if the mask is not the same
            for all models, and ``is_first`` for the headlines.
        rows: for each model, best first: ``model``, ``what`` it reads if that differs, ``cells``
            (per mask its row, or None), ``best`` (per mask whether it has the highest top-1),
            ``change`` (its row with the change, or None).
        pairs: all pairs, by question.
        each: the pairs under each mask, turned so that no difference is negative.
        ranked: per ``mask`` that they are ranked by ``rows``: for each model its ranks, and
            ``shares`` per rank.
        costs: a row per model.
        protocol: what differs between the models: ``key``, and ``texts`` per model.
    """

    tables: ModelTables
    id: str
    answers: Sequence[Answer]
    charts: Sequence[Chart]
    masks: Records
    rows: Records
    pairs: Sequence[Pairs]
    each: Records
    ranked: Records
    costs: Records
    protocol: Records

    @classmethod
    def of(cls, tables: ModelTables, number: int) -> "ModelsPart":
        """Make the section of some models.

        Args:
            tables: their numbers.
            number: its place among the sections of models, from 0.
        """
        order = _order(tables)
        classes = len(tables.models.comparisons[0].cells[0].table.class_names)
        masks = _masks(tables)
        protocol = _protocol(tables, order)
        warnings = _cautions(tables, classes)
        return cls(
            tables=tables,
            id=f"-{number + 1}" if number else "",
            answers=model_answers(tables, order, cautions=warnings),
            charts=model_charts(tables, order, chance=tables.chance),
            masks=masks,
            rows=_rows(tables, order, masks, protocol),
            pairs=_pairs(tables, order),
            each=_each(tables),
            ranked=_ranked(tables, order),
            costs=_costs(tables, order),
            protocol=protocol,
        )

    @property
    def name(self) -> str:
        """The title of the section."""
        return f"{len(self.tables.models.names)} models on {self.tables.models.title}"

    @property
    def models(self) -> Sequence[str]:
        """The names of the models, the best first."""
        return [str(row["model"]) for row in self.rows]

    @property
    def marks(self) -> list[str]:
        """What the signs of its masks mean."""
        used = {str(one["mark"]) for one in self.masks}
        return [f"{sign} {text}" for sign, text in _MARKS.items() if sign in used]

    @property
    def first_columns(self) -> int:
        """The number of columns before those of the change."""
        return sum(bool(one["is_first"]) for one in self.masks)

    @property
    def is_retained_unknown(self) -> bool:
        """Whether what a model retains is not shown: it is not surely above chance."""
        return any(pd.isna(row["change"]["retained"]) for row in self.rows if row["change"])

    @property
    def has_learned_noise(self) -> bool:
        """Whether some cells learned noise, whose passes are in no cost."""
        cells = [cell for one in self.tables.models.comparisons for cell in one.cells]
        return any(one.cell.noise.is_learned for one in cells)

    @property
    def has_seeds(self) -> bool:
        """Whether what they are ranked by is a mean over several seeds."""
        rows = self.tables.of(self.tables.headline).values()
        return any(int(row["seeds"]) > 1 for row in rows)

    @property
    def ranked_by(self) -> str:
        """What the models are ranked by."""
        return self.tables.headline

    @property
    def sections(self) -> list[tuple[str, str]]:
        """The anchors and titles of its parts."""
        found = {
            ("models-charts", "Charts"): self.charts,
            ("models-masks", "Models and masks"): True,
            ("models-pairs", "All pairs"): self.pairs,
            ("models-ranks", "Ranks"): self.ranked,
            ("models-cost", "Cost"): self.costs,
            ("models-protocol", "What else differs"): self.protocol,
        }
        return [section for section, shown in found.items() if shown]


def _order(tables: ModelTables) -> list[str]:
    """Return the models by the mask that they are ranked by, the best first."""
    rows = tables.of(tables.headline)
    known = [name for name in tables.models.names if name in rows]
    best = sorted(known, key=lambda name: -float(rows[name]["top1"]))
    return [*best, *(name for name in tables.models.names if name not in rows)]


def _masks(tables: ModelTables) -> Records:
    """Return the columns of the table: the headlines first, then each mask."""
    shown = tables.rows[tables.rows["kind"] != AT_RATIO].drop_duplicates("mask")
    first = (UNCHANGED, tables.masked)
    conditions = {one.name: one for one in tables.models.conditions}
    return [
        {
            "name": row["mask"],
            "leaks": row["leaks"],
            "mark": _mark(conditions.get(row["mask"])),
            "is_first": row["mask"] in first,
        }
        for row in sorted(shown.to_dict("records"), key=lambda row: row["mask"] not in first)
    ]


def _mark(one: Condition | None) -> str:
    """Return the sign of a mask that is not the same for all models; empty if it is."""
    if one is None:
        return ""
    return "‡" if one.asks_model else "†" if one.other_tokens else ""


def _rows(
    tables: ModelTables, order: Sequence[str], masks: Records, protocol: Records
) -> list[dict[str, Any]]:
    by_mask = {str(one["name"]): tables.of(str(one["name"])) for one in masks}
    frames = next((row["texts"] for row in protocol if row["key"] == "frames"), None)
    found = []
    for place, name in enumerate(order):
        cells = [rows.get(name) for rows in by_mask.values()]
        best = [name in highest(rows) for rows in by_mask.values()]
        change = tables.of(tables.masked)[name] if tables.masked else None
        what = ["video model"] if _is_video(tables, name) else []
        what += [] if frames is None else [f"frames: {frames[place]}"]
        found.append(
            {"model": name, "what": ", ".join(what), "cells": cells, "best": best, "change": change}
        )
    return found


def _is_video(tables: ModelTables, name: str) -> bool:
    place = list(tables.models.names).index(name)
    return not tables.models.comparisons[place].cells[0].cell.model.single_frames


def _pairs(tables: ModelTables, order: Sequence[str]) -> list[Pairs]:
    found = []
    for family, title in _MATRICES.items():
        rows = tables.pairs[tables.pairs["family"] == family]
        if not len(rows):
            continue
        known = {(row["model"], row["other"]): row for row in rows.to_dict("records")}
        known |= {(other, model): _turned(row) for (model, other), row in list(known.items())}
        lines = [
            {
                "model": model,
                "cells": [
                    _sure(known[model, other]) if order.index(other) > place else None
                    for other in order[1:]
                ],
            }
            for place, model in enumerate(order[:-1])
        ]
        found.append(Pairs(title, int(rows["tests"].iloc[0]), order, lines))
    return found


def _turned(row: dict[Any, Any]) -> dict[Any, Any]:
    """Return a pair in the other direction."""
    turned = {"difference": -row["difference"], "low": -row["high"], "high": -row["low"]}
    return row | turned | {"model": row["other"], "other": row["model"]}


def _sure(row: dict[Any, Any]) -> dict[Any, Any]:
    return row | {"sure": row["p_holm"] < ALPHA}


def _each(tables: ModelTables) -> list[dict[Any, Any]]:
    """Return the pairs under single masks, turned so that no difference is negative."""
    rows = tables.pairs[tables.pairs["family"] == EACH].to_dict("records")
    return [_sure(row if row["difference"] >= 0 else _turned(row)) for row in rows]


def _ranked(tables: ModelTables, order: Sequence[str]) -> list[dict[str, Any]]:
    """Return the ranks of each model on unchanged clips and over all masks."""
    masks = dict.fromkeys((UNCHANGED, tables.headline))
    found = []
    for mask in masks:
        rows = tables.of(mask)
        if tables.is_ranked_by(mask):
            columns = [f"rank_{rank}" for rank in range(1, len(order) + 1)]
            lines = [
                {**rows[name], "shares": [rows[name][one] for one in columns]} for name in order
            ]
            found.append({"mask": mask, "rows": lines})
    return found


def _costs(tables: ModelTables, order: Sequence[str]) -> list[dict[str, Any]]:
    rows = tables.of(tables.headline)
    costs = dict(zip(tables.models.names, tables.costs, strict=True))
    found = [
        {
            **rows[name],
            "least": costs[name].least,
            "most": costs[name].most,
            "machines": "; ".join(costs[name].machines),
        }
        for name in order
        if name in rows
    ]
    known = any(pd.notna(row["seconds_per_clip"]) or pd.notna(row["parameters"]) for row in found)
    return found if known else []


def _protocol(tables: ModelTables, order: Sequence[str]) -> list[dict[str, Any]]:
    """Return what differs between the models besides their weights."""
    names = list(tables.models.names)
    cells = [tables.models.comparisons[names.index(name)].cells[0] for name in order]
    cards = [
        {"input": f"{one.protocol.get('input_size', '?')} px", **protocol_of(one)} for one in cells
    ]
    found = [{"key": key, "texts": [card[key] for card in cards]} for key in cards[0]]
    return [row for row in found if len(set(row["texts"])) > 1]


def _cautions(tables: ModelTables, classes: int) -> list[str]:
    """Return the warnings about models and data; those of single models begin with their names."""
    by_text: dict[str, list[str]] = {}
    for name, one in zip(tables.models.names, tables.models.comparisons, strict=True):
        for text in cautions(one.cells, classes):
            by_text.setdefault(text, []).append(name)
    every = len(tables.models.names)
    return [
        text if len(names) == every else f"{', '.join(names)}: {text[0].lower()}{text[1:]}"
        for text, names in by_text.items()
    ]
