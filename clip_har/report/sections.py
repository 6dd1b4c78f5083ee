"""The tables of a report, one function per section."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from clip_har.metrics.accuracy import confusion_matrix
from clip_har.metrics.attributes import attribute_table
from clip_har.metrics.measure import Measure
from clip_har.metrics.measures import by_chance, find, shown_in
from clip_har.metrics.tables import confused_pairs, recall_changes
from clip_har.report.clips.links import clips_link, of_attribute
from clip_har.report.numbers import UNKNOWN, formatted
from clip_har.report.pictures import confusion_picture
from clip_har.report.text import may_lose_most
from clip_har.results.result import Result
from clip_har.sweeps.table import DRAWS

Records = Sequence[Mapping[Any, Any]]

_MOVED = 5  # number of classes with the largest loss, and with the largest gain
_VALUES = 30  # largest number of values of an attribute
_FEW_ERRORS = 20  # with fewer errors, measures of errors are not shown
_NOT_SHOWN = ("command", "clean_twin", "notes", "varies", "counted")  # in the card


@dataclass(frozen=True)
class Detail:
    """What is shown of a single cell.

    Attributes:
        name: of the cell.
        result: the name of the folder of its files.
        clips: the number of its clips.
        confusion: the confusion matrix as a picture.
        pairs: the most confused pairs of classes.
        losing: classes whose recall falls most; empty for a clean cell.
        gaining: classes whose recall rises most.
        first: how sure it is which class loses most; empty if none does.
    """

    name: str
    result: str
    clips: int
    confusion: Markup
    pairs: Records
    losing: list[Any]
    gaining: list[Any]
    first: str


def detail_of(one: Result, comparison: int) -> Detail:
    """Return what is shown of a single cell.

    Args:
        one: the cell.
        comparison: the place of its comparison on the page, from 0.
    """
    table, own = one.table, one.folder.name

    def link(true: int, predicted: int) -> str:
        names = table.class_names[true], table.class_names[predicted]
        return clips_link(comparison, own, **{"class": names[0], "predicted": names[1]})

    confusion = confusion_matrix(table.labels, table.scores)
    losing: list[Any] = []
    gaining: list[Any] = []
    first = ""
    if one.clean is not None:
        changes = recall_changes(one.clean.table, table)
        losing = changes[changes["change"] < 0].head(_MOVED).to_dict("records")
        gaining = changes[changes["change"] > 0].tail(_MOVED)[::-1].to_dict("records")
        first = may_lose_most(changes) if losing else ""
    return Detail(
        name=one.name,
        result=own,
        clips=len(table.clip_ids),
        confusion=confusion_picture(confusion, table.class_names, link),
        pairs=confused_pairs(confusion, table.class_names, limit=_MOVED).to_dict("records"),
        losing=losing,
        gaining=gaining,
        first=first,
    )


def hidden_rows(cells: Sequence[Result]) -> Records:
    """Return what the mask of each masked cell hid, in the measures that are known of some cell."""
    masked = [one for one in cells if not one.cell.masking.is_clean]
    names = [one.name for one in hidden_terms(masked)]
    return [
        {
            "cell": one.name,
            "values": [
                formatted(one.metrics[name], find(name)) if name in one.metrics else UNKNOWN
                for name in names
            ],
        }
        for one in masked
    ]


def hidden_terms(cells: Sequence[Result]) -> list[Measure]:
    """Return the measures of what a mask hid that are known of some cell."""
    every = {name for one in cells for name in one.metrics}
    return [one for one in shown_in("report: mask") if one.name in every]


def bias_rows(cells: Sequence[Result]) -> Records:
    """Return the bias of each cell's predictions, beside that of its clean twin."""
    return [
        {
            "cell": one.name,
            "values": [
                tuple(_bias_value(found, name) for found in (one.clean, one) if found is not None)
                for name in (measure.name for measure in shown_in("report: bias"))
            ],
        }
        for one in cells
    ]


def _bias_value(one: Result, name: str) -> str:
    errors = round((1 - one.metrics["top1"]) * one.metrics["data/clips"])
    if name == "bias/confusion_asymmetry" and errors < _FEW_ERRORS:
        return UNKNOWN
    text = formatted(one.metrics[name], find(name))
    chance = one.metrics.get(by_chance(name) or "")
    return text if chance is None else f"{text} (by chance {formatted(chance, find(name))})"


def measures_rows(rows: pd.DataFrame) -> Records:
    """Return the measures over several cells with their names in plain English."""
    found = []
    for row in rows.to_dict("records"):
        known = find(str(row["measure"]))
        interval = ""
        if pd.notna(row["low"]):
            interval = f"{formatted(row['low'], known)} to {formatted(row['high'], known)}"
        found.append(
            {
                "name": known.label,
                "value": formatted(row["value"], known),
                "interval": interval,
                "key": row["measure"],
                "of": row["of"],
                "clips": row["clips"],
            }
        )
    return found


@dataclass(frozen=True)
class Kinds:
    """Accuracy for the values of an attribute.

    Attributes:
        attribute: its name.
        cells: names of the cells.
        rows: ``value``, and ``cells``: for each cell None, or a row of `attribute_table` and
            ``link``, the address of its clips.
        left_out: the number of values that are not shown; the shown ones have the lowest accuracy.
    """

    attribute: str
    cells: Sequence[str]
    rows: Records
    left_out: int


def kinds_rows(cells: Sequence[Result], comparison: int) -> list[Kinds]:
    """Return accuracy for the values of each attribute of the clips.

    Args:
        cells: of one comparison.
        comparison: its place on the page, from 0.
    """
    tables = [attribute_table(one.table, draws=DRAWS) for one in cells]
    found = []
    for attribute in dict.fromkeys(name for table in tables for name in table["attribute"]):
        parts = [table[table["attribute"] == attribute].set_index("value") for table in tables]
        worst = pd.concat(part["top1"] for part in parts).groupby(level=0).min().sort_values()
        rows = []
        for value in sorted(worst.index[:_VALUES]):
            chosen = of_attribute(str(attribute), str(value))
            links = [clips_link(comparison, one.folder.name, attribute=chosen) for one in cells]
            shown = [
                dict(part.loc[value]) | {"link": link} if value in part.index else None
                for part, link in zip(parts, links, strict=True)
            ]
            rows.append({"value": value, "cells": shown})
        if len(worst) > 1:
            names = [one.name for one in cells]
            found.append(Kinds(str(attribute), names, rows, max(0, len(worst) - _VALUES)))
    return found


def costs_rows(cells: Sequence[Result]) -> Records:
    """Return the cost of each cell for which it is known."""
    costs = [(one.name, one.cost) for one in cells]
    return [{"cell": name, **cost} for name, cost in costs if cost]


def protocol_rows(cells: Sequence[Result]) -> list[tuple[str, str]]:
    """Return each entry of the protocol cards, or the number of its values if cells differ."""
    keys = [key for key in cells[0].protocol if key not in _NOT_SHOWN]
    found = []
    for key in keys:
        values = list(dict.fromkeys(str(one.protocol.get(key)) for one in cells))
        found.append((key, values[0] if len(values) == 1 else f"{len(values)} values"))
    return found
