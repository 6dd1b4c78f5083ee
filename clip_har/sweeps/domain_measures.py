"""Calibration and bias of one model in each of several domains."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import GroupDraws, group_draws
from clip_har.metrics.domains import Estimate, balanced_error, balanced_mean
from clip_har.metrics.models import interval_of
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.prediction_bias import (
    hits_by_class,
    one_hot,
    recall_sd_of_sums,
    skew_of_sums,
)
from clip_har.results.result import Result
from clip_har.results.score_table import ScoreTable
from clip_har.sweeps.domains import DomainSet
from clip_har.sweeps.measures import scene_parts

_COLUMNS = ["measure", "domain", "of", "value", "low", "high", "clips", "groups"]
_ONLY_OF = ("bias/recall_sd_by_chance",)
_CALIBRATION = {"ece": 1.0, "brier": 2.0}
"""Measures of calibration, with the largest value of each."""


def draws_of(groups: Sequence[str], labels: NDArray[np.int64], place: int) -> GroupDraws:
    """Return bootstrap samples of the groups of a domain.

    Those of two domains must not depend on each other, so each has a seed of its own.

    Args:
        groups: N names.
        labels: ``(N,)``.
        place: of the domain in its set.
    """
    return group_draws(groups, labels, seed=place)


def calibration(
    seeds: Sequence[Result], place: int, classes: NDArray[np.int64]
) -> dict[str, float]:
    """Return ECE and Brier score, in which each class counts the same, with their intervals.

    Args:
        seeds: the cells of a domain and condition.
        place: of the domain in its set.
        classes: the labels of the classes that count.

    Returns:
        ``ece, ece_low, ece_high, brier, brier_low, brier_high``: means over seeds; NaN if a class
        has no clip.
    """
    unknown = {f"{name}{end}": np.nan for name in _CALIBRATION for end in ("", "_low", "_high")}
    tables = [one.table for one in seeds]
    kept, ids = common_rows(tables)
    if not ids or not set(classes) <= set(tables[0].labels[kept[0]]):
        return unknown
    labels = tables[0].labels[kept[0]]
    samples = draws_of([tables[0].groups[row] for row in kept[0]], labels, place)
    shown = [one.probabilities()[rows] for one, rows in zip(tables, kept, strict=True)]
    errors = [balanced_error(labels, one, samples, classes).values for one in shown]
    wanted = one_hot(labels, len(tables[0].class_names))
    brier = np.stack([((one - wanted) ** 2).sum(axis=1) for one in shown])
    estimates = {
        "ece": Estimate(np.concatenate(errors, axis=1), samples.groups, samples.degrees),
        "brier": balanced_mean(brier, labels, samples, classes),
    }
    found: dict[str, float] = {}
    for name, one in estimates.items():
        ends = np.clip(interval_of(one.values, one, kind="ratio"), 0, _CALIBRATION[name])
        found |= dict(zip((name, f"{name}_low", f"{name}_high"), ends.tolist(), strict=True))
    return found


def bias_measures(domains: DomainSet) -> pd.DataFrame:
    """Return the bias of the model in each domain.

    Of the unchanged clips ``bias/skew_kl`` and ``bias/recall_sd`` (with what chance gives); and the
    measures ``scene/*`` if the sweep has their cells. Each is over the clips of the domain as they
    are.

    Args:
        domains: the domains.

    Returns:
        Columns ``measure, domain, of, value, low, high, clips, groups``; a row per measure, domain
        and group of cells ``of``.
    """
    rows: list[Mapping[Any, Any]] = []
    clean = next((one for one in domains.conditions if one.is_clean), None)
    for place, (name, comparison) in enumerate(
        zip(domains.names, domains.comparisons, strict=True)
    ):
        if clean is not None and clean.cells[place]:
            one = clean.cells[place][0]
            rows += [row | {"domain": name} for row in _of_predictions(one.table, place)]
            known = {key: one.metrics[key] for key in _ONLY_OF if key in one.metrics}
            rows += [{"measure": key, "domain": name, "value": known[key]} for key in known]
        for part in scene_parts(comparison.jobs)[0]:
            rows += [dict(row) | {"domain": name} for row in part.to_dict("records")]
    return pd.DataFrame([{"of": "", **row} for row in rows], columns=_COLUMNS)


def _of_predictions(table: ScoreTable, place: int) -> list[dict[str, object]]:
    labels, classes = table.labels, len(table.class_names)
    samples = draws_of(table.groups, labels, place)
    clips = samples.sums(one_hot(labels, classes))
    values = {
        "bias/skew_kl": skew_of_sums(samples.sums(table.probabilities()), clips),
        "bias/recall_sd": recall_sd_of_sums(
            samples.sums(hits_by_class(labels, table.scores)), clips
        ),
    }
    sizes = {"clips": len(labels), "groups": samples.groups}
    rows: list[dict[str, object]] = []
    for name, drawn in values.items():
        ends = np.maximum(interval_of(drawn[:, None], samples, kind="ratio"), 0)  # NaN stays
        numbers = dict(zip(("value", "low", "high"), ends.tolist(), strict=True))
        rows.append({"measure": name, **numbers, **sizes})
    return rows
