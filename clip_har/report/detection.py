"""The section of a report about the detection of named classes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from clip_har.report.numbers import UNKNOWN, number, p_value, points, share
from clip_har.results.result import Result
from clip_har.sweeps.detection import detection_rows

_RULES = {
    "argmax": "An alarm if the predicted class is one of the event's",
    "youden": "An alarm from the threshold with the largest sensitivity + specificity",
    "required": "An alarm from the threshold that finds {share} % of the events of the reference",
}
_ONE_EVENT = ("target", "reference", "required_sensitivity")
_AREAS = {"auroc": "area under the ROC curve", "auprc": "average precision"}
_RATES = {
    "sensitivity": "sensitivity, %",
    "specificity": "specificity, %",
    "ppv": "PPV, %",
    "npv": "NPV, %",
    "false_alarms_per_hour": "false alarms per hour",
}
_CHANGES = ("auroc", "auprc", "sensitivity", "specificity")
"""Measures whose change from the clean twin is shown."""


@dataclass(frozen=True)
class RuleTable:
    """A table of the section: the cells under one rule.

    Attributes:
        title: what raises an alarm.
        columns: headings after that of the cell.
        rows: ``cell``, ``leaks``, and ``values``, texts.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Detection:
    """How well the cells of a comparison detect one target.

    Attributes:
        target: its classes, in words.
        counted: events, clips and groups, in words.
        prevalence: share of the clips that are events.
        chosen_on: the data of the reference; empty without one, or if it shows no event.
        tables: areas, then a table per rule.
    """

    target: str
    counted: str
    prevalence: float
    chosen_on: str
    tables: Sequence[RuleTable]


def detection_of(cells: Sequence[Result]) -> list[Detection]:
    """Return the section's content for each target of some cells; empty without a target.

    Args:
        cells: of one comparison.
    """
    rows = detection_rows(cells)
    found = []
    for _, part in rows.groupby(list(_ONE_EVENT), sort=False):
        one = next(cell for cell in cells if str(cell.folder) in set(part["folder"]))
        labels = one.measures.target_labels(one.table.class_names) or ()
        present = np.isin(one.table.labels, labels)
        groups = len({one.table.groups[row] for row in np.flatnonzero(present)})
        counts = f"{present.sum():,} of {len(present):,} clips are events"
        reference = one.reference if part["threshold"].notna().any() else None
        found.append(
            Detection(
                target=" or ".join(one.measures.target or ()),
                counted=f"{counts}, in {groups} groups",
                prevalence=float(present.mean()),
                chosen_on="" if reference is None else str(reference.protocol["data"]),
                tables=[_table(part, rule) for rule in ("", *_RULES) if rule in set(part["rule"])],
            )
        )
    return found


def _table(rows: pd.DataFrame, rule: str) -> RuleTable:
    shown = rows[rows["rule"] == rule]
    names = _AREAS if rule == "" else _RATES
    names = {name: title for name, title in names.items() if name in set(shown["measure"])}
    columns: list[str] = []
    for name, title in names.items():
        columns.append(title)
        if name in _CHANGES:
            columns.append("change" if rule == "" else "change, points")
            columns += [] if rule == "" else ["p, Holm"]
    title = "Without a threshold"
    if rule:
        required = f"{100 * shown['required_sensitivity'].iloc[0]:g}"
        # Orders of the frames have thresholds of their own; masks and noise have not.
        chosen = shown["threshold"].dropna().drop_duplicates().map(number).tolist()
        title = _RULES[rule].format(share=required) + (f" ({', '.join(chosen)})" if chosen else "")
    cells = []
    for _, lines in shown.groupby("folder", sort=False):
        of = {str(line["measure"]): line for line in lines.to_dict("records")}
        first = lines.iloc[0]
        unknown = dict.fromkeys(lines, np.nan)  # a table of an earlier version has no lengths
        shown_lines = [of.get(name, {**unknown, "measure": name}) for name in names]
        values = [text for line in shown_lines for text in _texts(line)]
        cells.append({"cell": first["cell"], "leaks": bool(first["leaks"]), "values": values})
    return RuleTable(title, columns, cells)


def _texts(line: Mapping[Any, Any]) -> list[str]:
    """Return a value with its interval; its change, and the p-value of its test, if shown."""
    name = str(line["measure"])
    value: Callable[[Any], str] = share
    difference: Callable[[Any], str] = points
    if name in _AREAS:
        value, difference = number, _signed
    elif name not in _RATES or "%" not in _RATES[name]:
        value = number
    texts = [_with_interval(line, "", value)]
    if name in _CHANGES:
        texts.append(_with_interval(line, "change", difference))
        texts += [] if name in _AREAS else [p_value(line["p_holm"])]
    return texts


def _signed(value: Any) -> str:
    text = number(value)
    return text if text == UNKNOWN or text.startswith("−") else f"+{text}"


def _with_interval(line: Mapping[Any, Any], of: str, text: Any) -> str:
    low, high = (line[f"{of}_{end}" if of else end] for end in ("low", "high"))
    shown = text(line[of or "value"])
    if shown == UNKNOWN or pd.isna(low):
        return str(shown)
    return f"{shown} ({text(low)} to {text(high)})"
