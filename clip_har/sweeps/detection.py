"""The table of detection: how well each cell tells an event from all else."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from clip_har.config.measures import MeasureSettings
from clip_har.metrics.detection import thresholds
from clip_har.metrics.detection_intervals import (
    Estimate,
    detection_changes,
    detection_intervals,
    detection_tests,
)
from clip_har.metrics.significance import corrected
from clip_har.results.result import Result
from clip_har.sweeps.cells import clean_twins, over_root_seed
from clip_har.sweeps.comparisons import comparisons_of
from clip_har.sweeps.table import DRAWS

COLUMNS = (
    "cell", "data", "model", "target", "reference", "required_sensitivity", "rule", "threshold",
    "measure", "value", "low", "high", "change", "change_low", "change_high", "p", "p_holm",
    "leaks", "folder",
)  # fmt: skip

_Thresholds = Mapping[str, float | None]
_Tests = Mapping[tuple[Path, str], tuple[float, float]]
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
        change_low, change_high`` against the clean twin, see `detection_changes`; ``p`` of
        `detection_tests`, the same for cells that differ only in the root seed; ``p_holm``:
        corrected for all tests of one comparison and target, seeds counted once, without cells
        that use the true label; ``leaks, folder``. Unknown numbers are NaN.
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
            rows += [named | row for row in _family(alike, settings)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _family(cells: Sequence[Result], settings: MeasureSettings) -> list[dict[str, object]]:
    """Return the rows of cells with one target, whose tests are corrected together."""
    folders = {one.folder for one in cells}
    twins = {twin.folder: twin for twin in clean_twins(cells)}
    first = [twin for folder, twin in twins.items() if folder not in folders]
    target = settings.target_labels(cells[0].table.class_names)
    assert target is not None  # noqa: S101, cells without a target were left out
    # Each order of the frames has a reference of its own; a twin has that of its cell.
    references = {one.clean.folder: one.reference for one in cells if one.clean is not None}
    references |= {one.folder: one.reference for one in cells}
    chosen: dict[Path, dict[str, float | None]] = {}
    for one in (*first, *cells):
        chosen[one.folder] = {"argmax": None}
        if (reference := references[one.folder]) is not None:
            chosen[one.folder] |= thresholds(reference.table, target, settings.sensitivity)
    tests = _tests(cells, target, chosen)
    return [
        row for one in (*first, *cells) for row in _of_cell(one, target, chosen[one.folder], tests)
    ]


def _tests(
    cells: Sequence[Result], target: Sequence[int], chosen: Mapping[Path, _Thresholds]
) -> _Tests:
    """Return p-values and those that Holm's method corrected, by folder and name.

    Cells that differ only in the root seed are one test. Cells that use the true label are tested,
    but in no family.
    """
    found: list[tuple[list[Result], str, float]] = []
    for members in over_root_seed([one for one in cells if one.clean is not None]):
        pairs = [(one.table, one.clean.table) for one in members if one.clean is not None]
        after, before = zip(*pairs, strict=True)
        p_values = detection_tests(after, before, target, [chosen[one.folder] for one in members])
        found += [(members, name, p) for name, p in p_values.items()]
    holm = corrected([np.nan if members[0].leaks else p for members, _, p in found])
    return {
        (one.folder, name): (p, float(p_holm))
        for (members, name, p), p_holm in zip(found, holm, strict=True)
        for one in members
    }


def _of_cell(
    one: Result, target: Sequence[int], chosen: _Thresholds, tests: _Tests
) -> list[dict[str, object]]:
    found = detection_intervals(one.table, target, chosen, draws=DRAWS)
    changes: Mapping[str, Estimate] = {}
    if one.clean is not None:
        changes = detection_changes(one.table, one.clean.table, target, chosen, draws=DRAWS)
    rows: list[dict[str, object]] = []
    for name, value in found.items():
        rule, _, measure = name.rpartition("/")
        change = changes.get(name, _NONE)
        p, p_holm = tests.get((one.folder, name), (np.nan, np.nan))
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
                "p": p,
                "p_holm": p_holm,
                "leaks": one.leaks,
                "folder": str(one.folder),
            }
        )
    return rows
