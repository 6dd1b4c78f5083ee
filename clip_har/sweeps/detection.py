"""The table of detection: how well each cell tells an event from all else."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import pandas as pd

from clip_har.config.measures import MeasureSettings
from clip_har.metrics.detection import thresholds
from clip_har.metrics.detection_intervals import (
    Estimate,
    detection_changes,
    detection_intervals,
)
from clip_har.metrics.significance import corrected
from clip_har.results.result import Result
from clip_har.sweeps.cells import clean_twins
from clip_har.sweeps.comparisons import comparisons_of
from clip_har.sweeps.table import DRAWS

COLUMNS = (
    "cell", "data", "model", "target", "reference", "required_sensitivity", "rule", "threshold",
    "measure", "value", "low", "high", "change", "change_low", "change_high", "p", "p_holm",
    "leaks", "folder",
)  # fmt: skip

_NONE = Estimate(np.nan, np.nan, np.nan)


def detection_rows(cells: Sequence[Result]) -> pd.DataFrame:
    """Return how well each cell detects the target of its measures, a tidy row per number.

    Clean twins that are no cells of their own come first. Cells without a target have no row.

    Args:
        cells: each result once.

    Returns:
        Columns ``cell, data, model, target`` (its classes), ``reference`` (the split),
        ``required_sensitivity``; ``rule``:
        empty for areas, else ``argmax``, ``youden`` or ``required`` with its ``threshold``, chosen
        on the cell's own reference;
        ``measure``: ``auroc``, ``auprc``, ``sensitivity``, ``specificity``, ``ppv``, ``npv`` or
        ``false_alarms_per_hour``; ``value, low, high``, see `detection_intervals`; ``change,
        change_low, change_high, p`` against the clean twin, see `detection_changes`; ``p_holm``:
        corrected for all tests of one comparison and target, without cells that use the true
        label; ``leaks, folder``. Unknown numbers are NaN.
    """
    rows: list[dict[str, object]] = []
    for comparison in comparisons_of(cells):
        for settings in dict.fromkeys(one.measures for one in comparison.cells):
            if settings.target is None:
                continue
            alike = [one for one in comparison.cells if one.measures == settings]
            named = {
                "data": comparison.data,
                "model": comparison.model,
                "target": ", ".join(settings.target),
                "reference": settings.reference or "",
                "required_sensitivity": settings.sensitivity,
            }
            rows += [named | row for row in _corrected(_family(alike, settings))]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _family(cells: Sequence[Result], settings: MeasureSettings) -> list[dict[str, object]]:
    """Return the rows of cells with one target."""
    folders = {one.folder for one in cells}
    twins = {twin.folder: twin for twin in clean_twins(cells)}
    first = [twin for folder, twin in twins.items() if folder not in folders]
    target = settings.target_labels(cells[0].table.class_names)
    assert target is not None  # noqa: S101, cells without a target were left out
    # Each order of the frames has a reference of its own; a twin has that of its cell.
    references = {one.clean.folder: one.reference for one in cells if one.clean is not None}
    references |= {one.folder: one.reference for one in cells}
    rows: list[dict[str, object]] = []
    for one in (*first, *cells):
        chosen: dict[str, float | None] = {"argmax": None}
        if (reference := references[one.folder]) is not None:
            chosen |= thresholds(reference.table, target, settings.sensitivity)
        rows += _of_cell(one, target, chosen)
    return rows


def _of_cell(
    one: Result, target: Sequence[int], chosen: Mapping[str, float | None]
) -> list[dict[str, object]]:
    found = detection_intervals(one.table, target, chosen, draws=DRAWS)
    changes: Mapping[str, Estimate] = {}
    if one.clean is not None:
        changes = detection_changes(one.table, one.clean.table, target, chosen, draws=DRAWS)
    rows: list[dict[str, object]] = []
    for name, value in found.items():
        rule, _, measure = name.rpartition("/")
        change = changes.get(name, _NONE)
        rows.append(
            {
                "cell": one.name,
                "rule": rule,
                "threshold": chosen.get(rule),
                "measure": measure,
                "value": value.value,
                "low": value.low,
                "high": value.high,
                "change": change.value,
                "change_low": change.low,
                "change_high": change.high,
                "p": change.p,
                "leaks": one.leaks,
                "folder": str(one.folder),
            }
        )
    return rows


def _corrected(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the rows with the p-values corrected for the number of tests."""
    tested = [np.nan if row["leaks"] else cast(float, row["p"]) for row in rows]
    return [row | {"p_holm": p} for row, p in zip(rows, corrected(tested), strict=True)]
