"""What a page says of confidence: selective prediction, temperature and conformal sets."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clip_har.core.background import AtOnce, Background
from clip_har.core.work_ahead import in_threads
from clip_har.metrics.conformal import conformal_intervals
from clip_har.metrics.measure import Measure
from clip_har.metrics.measures import find
from clip_har.metrics.selective import COVERAGES, selective_intervals_of
from clip_har.report.charts import Chart, risk_coverage_chart
from clip_har.report.numbers import formatted, points
from clip_har.report.sections import Records
from clip_har.results.files import SCORES
from clip_har.results.result import Result
from clip_har.sweeps.cells import clean_twins

_SCORES = (
    "brier", "brier/miscalibration", "brier/discrimination", "nll", "nll/miscalibration",
    "nll/discrimination", "ece_debiased", "calibrated/ece_debiased", "calibrated/nll",
)  # fmt: skip
_RANKED = (
    "top1",
    *COVERAGES,
    "selective/aurc",
    "selective/aurc_by_chance",
    "selective/excess_aurc",
)
_SETS = ("conformal/coverage", "conformal/set_size", "conformal/single", "conformal/empty")

_WITH_INTERVAL = ("conformal/coverage", "conformal/set_size")
_LEAST, _WARMTH = "conformal/least_probability", "calibrated/temperature"

Intervals = Mapping[str, tuple[float, float, float]]
AskedIntervals = Mapping[Path, "Future[Intervals]"]
"""Intervals that are being computed, by the folder of the cell."""


@dataclass(frozen=True)
class Confidence:
    """What a page says of confidence.

    Attributes:
        curve: risk over coverage, of a few cells.
        ranked: the measures of selective prediction.
        cells: the cells, the clean twins first.
        intervals: of the measures of selective prediction, of each cell.
        scores: the scores and their parts; those of a temperature only with a reference.
        score_rows: a row per cell: ``cell, leaks`` and ``values``, each with its interval as text,
            which may be empty.
        sets: the measures of conformal sets; empty without a reference.
        set_rows: likewise, with ``change`` of the coverage from the clean twin.
        notes: what the reference gave, of temperature and of sets; empty without a reference.
    """

    curve: Chart
    ranked: list[Measure]
    cells: Sequence[Result]
    intervals: "Sequence[Future[Intervals]]"
    scores: list[Measure]
    score_rows: Records
    sets: list[Measure]
    set_rows: Records
    notes: list[str]

    @property
    def ranked_rows(self) -> Records:
        """The rows of selective prediction, as ``score_rows``."""
        return [
            _row(one, _RANKED, found.result())
            for one, found in zip(self.cells, self.intervals, strict=True)
        ]


def confidence_of(
    cells: Sequence[Result],
    looked_at: Sequence[Result],
    asked: AskedIntervals | None = None,
) -> Confidence:
    """Return what a page says of the confidence of some cells.

    Args:
        cells: of one comparison.
        looked_at: the cells whose curve is drawn.
        asked: see `ask_intervals`; None to compute the intervals at once.
    """
    asked = asked or ask_intervals(cells, AtOnce())
    every = _with_twins(cells)
    with_sets = [one for one in every if _LEAST in one.metrics]
    scores = [name for name in _SCORES if any(name in one.metrics for one in every)]
    return Confidence(
        curve=risk_coverage_chart(looked_at),
        ranked=[find(name) for name in _RANKED],
        cells=every,
        intervals=[asked[one.folder] for one in every],
        scores=[find(name) for name in scores],
        score_rows=[_row(one, scores, {}) for one in every],
        sets=[find(name) for name in _SETS] if with_sets else [],
        set_rows=in_threads(_set_row, with_sets),
        notes=_notes(with_sets),
    )


def ask_intervals(cells: Sequence[Result], working: Background | AtOnce) -> AskedIntervals:
    """Begin to compute the intervals of `confidence_of`, which take as long as all tables.

    Args:
        cells: of any comparisons.
        working: computes them.

    Returns:
        Those of each cell and clean twin, by its folder.
    """
    return {
        one.folder: working.run(selective_intervals_of, one.folder / SCORES)
        for one in _with_twins(cells)
    }


def _with_twins(cells: Sequence[Result]) -> list[Result]:
    """Return cells and their clean twins, each result once, the twins first."""
    twins = {twin.folder: twin for twin in clean_twins(cells)}
    return list({**twins, **{one.folder: one for one in cells}}.values())


def _row(one: Result, names: Sequence[str], intervals: Intervals) -> dict[str, Any]:
    values = [
        (formatted(one.metrics.get(name), find(name)), _interval(intervals.get(name), find(name)))
        for name in names
    ]
    return {"cell": one.name, "leaks": one.leaks, "values": values}


def _set_row(one: Result) -> dict[str, Any]:
    clean = None if one.clean is None else one.clean.table
    found = conformal_intervals(one.table, clean, least=one.metrics[_LEAST])
    change = found.get("change", (math.nan, math.nan, math.nan))
    interval = f"{points(change[1])} to {points(change[2])}" if math.isfinite(change[1]) else ""
    shown = {name: found[name] for name in _WITH_INTERVAL}
    return {**_row(one, _SETS, shown), "change": (points(change[0]), interval)}


def _interval(found: tuple[float, float, float] | None, measure: Measure) -> str:
    if found is None or math.isnan(found[1]):
        return ""
    return f"{formatted(found[1], measure)} to {formatted(found[2], measure)}"


def _notes(cells: Sequence[Result]) -> list[str]:
    """Return a sentence about the temperature and one about the sets of cells with a reference."""
    if not cells:
        return []
    one = cells[0]
    split, promised = one.measures.reference, f"{100 * one.measures.coverage:g}"
    temperatures, least = (
        [each.metrics[name] for each in cells if name in each.metrics] for name in (_WARMTH, _LEAST)
    )
    warm = (
        f"The temperature is fitted to the clean clips of {split}: {_listed(temperatures, 'g')}."
        " Above 1 the model is too confident, below 1 not confident enough. A mask or noise does"
        " not change it."
    )
    if not temperatures:
        warm = (
            f"No temperature is the best for the clean clips of {split}: all of them are right, or"
            " the scores tell nothing of the class."
        )
    sets = (
        f"A conformal set is all classes with a probability of {_listed(least, 'f')} or more, so"
        f" that sets of clean clips of new groups hold the true class in {promised} % or more."
    )
    if 0 in least:
        sets = (
            f"{split} has too few groups for sets that hold the true class in {promised} % of the"
            " clips: each set is all classes."
        )
    return [warm, sets]


def _listed(values: Sequence[float], kind: str) -> str:
    """Return the numbers of the reference: one, or one for each order of the frames."""
    texts = dict.fromkeys(f"{value:.3{kind}}" for value in values)
    return ", ".join(texts) + " (each order of the frames has its own)" * (len(texts) > 1)
