"""The section of a report that compares the domains of a model."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from clip_har.figures.domains import domains_figure
from clip_har.figures.models import Span
from clip_har.metrics.measures import find
from clip_har.report.answer import Answer
from clip_har.report.charts import Chart
from clip_har.report.comparison import cautions
from clip_har.report.domain_text import domain_answers
from clip_har.report.numbers import UNKNOWN, formatted
from clip_har.report.sections import Records
from clip_har.sweeps.domain_tables import POOLED, DomainTables
from clip_har.sweeps.model_tables import CHANGE, EACH, MEAN, Row
from clip_har.sweeps.models import UNCHANGED
from clip_har.sweeps.table import ALPHA

_QUESTIONS = {
    UNCHANGED: "accuracy, unchanged clips",
    MEAN: "accuracy, mean over masks",
    CHANGE: "change under the masks",
}
"""The families of tests that are shown first; those of single masks follow."""
_COUNT = re.compile(r" \(([\d,]+ of [\d,]+ \w+)\)")  # see `ClipSet.title`; operations
_PART = " (a part)"


@dataclass(frozen=True)
class DomainsPart:
    """What a page shows of one model in several domains.

    Attributes:
        tables: the numbers.
        id: added to the anchors of its sections; empty for the first one.
        answers: the first screen.
        charts: accuracy of domains and masks.
        masks: a row per mask: ``name``, ``leaks``, ``cells`` (per domain its row, or None) and
            ``pooled`` (the row of all domains, or None).
        pairs: the pairs of domains by question: ``question``, and the columns of a pair.
        each: the same under each mask.
        bias: a row per measure: ``title``, ``values`` per domain.
        classes: a row per class: ``name``, ``cells`` per domain.
    """

    tables: DomainTables
    id: str
    answers: Sequence[Answer]
    charts: Sequence[Chart]
    masks: Records
    pairs: Records
    each: Records
    bias: Records
    classes: Records

    @classmethod
    def of(cls, tables: DomainTables, number: int) -> "DomainsPart":
        """Make the section of some domains.

        Args:
            tables: their numbers.
            number: its place among the sections of domains, from 0.
        """
        chance = 1 / len(tables.domains.class_names)
        full = tables.domains.names
        tables = _with_short_names(tables)
        doubts = _partial(dict(zip(tables.domains.names, full, strict=True)))
        return cls(
            tables=tables,
            id=f"-{number + 1}" if number else "",
            answers=domain_answers(tables, chance=chance, cautions=[*_cautions(tables), *doubts]),
            charts=_charts(tables, chance),
            masks=_masks(tables),
            pairs=[
                row | {"question": title}
                for family, title in _QUESTIONS.items()
                for row in _pairs(tables, family)
            ],
            each=_pairs(tables, EACH),
            bias=_bias(tables),
            classes=_classes(tables),
        )

    @property
    def domains(self) -> Sequence[str]:
        """The names of the domains."""
        return self.tables.domains.names

    @property
    def name(self) -> str:
        """The title of the section."""
        classes = len(self.tables.domains.class_names)
        return f"{self.tables.domains.model} in {len(self.domains)} domains, {classes} classes"

    @property
    def calibrated(self) -> Records:
        """The rows of the masks under which calibration is known."""
        return [
            row
            for row in self.masks
            if any(cell is not None and pd.notna(cell["ece"]) for cell in row["cells"])
        ]

    @property
    def sections(self) -> list[tuple[str, str]]:
        """The anchors and titles of its parts."""
        found = {
            ("domains-masks", "Domains and masks"): True,
            ("domains-pairs", "Differences"): self.pairs or self.each,
            ("domains-calibration", "Calibration"): self.calibrated,
            ("domains-bias", "Bias"): self.bias,
            ("domains-classes", "Classes"): True,
        }
        return [section for section, shown in found.items() if shown]


def _with_short_names(tables: DomainTables) -> DomainTables:
    """Return the tables with ``(a part)`` for how many clips of a domain are there.

    The page says the numbers once. Names that would be alike stay as they are.
    """
    full = tables.domains.names
    short = [_COUNT.sub(_PART, name) for name in full]
    if len(set(short)) < len(full):
        return tables
    names = dict(zip(full, short, strict=True))
    return DomainTables(
        domains=replace(tables.domains, names=short),
        rows=_renamed(tables.rows, names),
        pairs=_renamed(tables.pairs, names),
        classes=_renamed(tables.classes, names),
        bias=_renamed(tables.bias, names),
    )


def _renamed(rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    columns = [key for key in ("domain", "other") if key in rows]
    return rows.assign(
        **{key: rows[key].map(lambda name: names.get(name, name)) for key in columns}
    )


def _partial(full: Mapping[str, str]) -> list[str]:
    """Return how many clips of each domain are there, if some are not.

    Args:
        full: the full name of each domain.
    """
    found = {name: _COUNT.search(text) for name, text in full.items()}
    texts = [f"{name.removesuffix(_PART)} {its[1]}" for name, its in found.items() if its]
    return [f"Only a part of the data was shown: {'; '.join(texts)}."] if texts else []


def _masks(tables: DomainTables) -> list[dict[str, Any]]:
    rows = []
    for mask in tables.masks:
        known = tables.of(mask)
        rows.append(
            {
                "name": mask,
                "leaks": any(bool(row["leaks"]) for row in known.values()),
                "cells": [known.get(name) for name in tables.domains.names],
                "pooled": known.get(POOLED),
            }
        )
    first = (UNCHANGED, tables.masked)
    return sorted(rows, key=lambda row: first.index(row["name"]) if row["name"] in first else 2)


def _pairs(tables: DomainTables, family: str) -> list[dict[Any, Any]]:
    """Return the pairs of a question, turned so that no difference is negative."""
    return [_turned(row) | {"sure": row["p_holm"] < ALPHA} for row in tables.family(family)]


def _turned(row: Row) -> dict[Any, Any]:
    if not row["difference"] < 0:
        return dict(row)
    turned = {"difference": -row["difference"], "low": -row["high"], "high": -row["low"]}
    return dict(row) | turned | {"domain": row["other"], "other": row["domain"]}


def _bias(tables: DomainTables) -> list[dict[str, Any]]:
    found = []
    for (measure, of), rows in tables.bias.groupby(["measure", "of"], sort=False):
        declared = find(str(measure))
        by_domain = {str(row["domain"]): row for row in rows.to_dict("records")}
        values = [by_domain.get(name) for name in tables.domains.names]
        found.append(
            {
                "title": declared.label,
                "key": measure,
                "of": of,
                "values": [
                    UNKNOWN if row is None else formatted(row["value"], declared) for row in values
                ],
                "ends": [
                    ""
                    if row is None or pd.isna(row["low"])
                    else f"{formatted(row['low'], declared)} to {formatted(row['high'], declared)}"
                    for row in values
                ],
            }
        )
    return found


def _classes(tables: DomainTables) -> list[dict[str, Any]]:
    found = []
    for name, rows in tables.classes.groupby("class", sort=False):
        by_domain = {str(row["domain"]): row for row in rows.to_dict("records")}
        found.append({"name": name, "cells": [by_domain.get(one) for one in tables.domains.names]})
    return found


def _charts(tables: DomainTables, chance: float) -> list[Chart]:
    shown = {}
    for row in _masks(tables):
        cells = [*row["cells"], row["pooled"]]
        shown[str(row["name"])] = {
            str(one["domain"]): _span(one) for one in cells if one is not None
        }
    draw = partial(domains_figure, shown, chance=chance)
    return [Chart("domains_by_masks", "class-balanced accuracy of each domain and mask", draw)]


def _span(row: Row) -> Span:
    return Span(*(float(row[f"accuracy{end}"]) for end in ("", "_low", "_high")))


def _cautions(tables: DomainTables) -> list[str]:
    """Return the warnings about model and data; those of single domains begin with their names."""
    by_text: dict[str, list[str]] = {}
    for name, one in zip(tables.domains.names, tables.domains.comparisons, strict=True):
        for text in cautions(one.cells, len(tables.domains.class_names)):
            by_text.setdefault(text, []).append(name)
    every = len(tables.domains.names)
    return [
        text if len(names) == every else f"{', '.join(names)}: {text[0].lower()}{text[1:]}"
        for text, names in by_text.items()
    ]
