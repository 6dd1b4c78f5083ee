"""Intervals and tests of detection, over groups of clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import GroupDraws, group_draws
from clip_har.metrics.detection import Events, curve_areas, parts
from clip_har.metrics.intervals import (
    FEWEST_GROUPS,
    UNKNOWN,
    error_of_none,
    share_interval,
    standard_error,
    t_interval,
)
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.significance import sign_flip
from clip_har.results.score_table import ScoreTable

TESTED = ("sensitivity", "specificity")
"""Rates whose clips are the same in two cells, so that their difference can be tested."""

_AREAS = ("auroc", "auprc")
_HOUR = 3600  # seconds
_AT_ONCE = 100  # samples whose clips are weighted at once, for the memory
_Flags = NDArray[np.bool_]
_Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: NaN if it is not defined.
        low: NaN if the interval is not known.
        high: the same.
        p: of the sign-flip test over groups, for a difference that has one; else NaN.
    """

    value: float
    low: float
    high: float
    p: float = np.nan


@dataclass(frozen=True, eq=False)
class _Sampled:
    """A measure in the data and in each bootstrap sample.

    Attributes:
        values: ``(R + 1,)``, of the data first.
        groups: the number of groups that it rests on.
    """

    values: _Numbers
    groups: int

    def degrees(self, samples: GroupDraws) -> int:
        """Degrees of freedom: the groups that it rests on may be fewer than all."""
        return min(samples.degrees, self.groups - 1)


def detection_intervals(
    table: ScoreTable,
    target: Sequence[int],
    thresholds: Mapping[str, float | None],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return how well an event is detected, with 95 % intervals over groups.

    Groups are sampled as in `group_draws`. Rates and areas lie between 0 and 1: their intervals are
    those of `share_interval`. A measure that rests on fewer than `FEWEST_GROUPS` groups (those with
    an event, for the sensitivity) has none. The thresholds are taken as given.

    Args:
        table: the scores.
        target: the labels of the event's classes.
        thresholds: by rule, see `clip_har.metrics.detection`; None for the predicted class.
        draws: number of bootstrap samples.
        seed: of the bootstrap.

    Returns:
        By name: ``auroc``, ``auprc``, and ``<rule>/<rate>``; with known lengths of clips
        ``<rule>/false_alarms_per_hour``.
    """
    samples = group_draws(table.groups, table.labels, draws=draws, seed=seed)
    found = {}
    for name, sampled in _sampled(samples, Events.of(table, target), thresholds).items():
        value, error = float(sampled.values[0]), standard_error(sampled.values[1:])
        low, high = UNKNOWN
        if sampled.groups >= FEWEST_GROUPS:
            degrees = sampled.degrees(samples)
            if name.endswith("per_hour"):
                low, high = t_interval(value, error, degrees)
                low = max(low, 0.0)
            else:
                low, high = share_interval(value, error, groups=sampled.groups, degrees=degrees)
        found[name] = Estimate(value, low, high)
    return found


def detection_changes(
    table: ScoreTable,
    clean: ScoreTable,
    target: Sequence[int],
    thresholds: Mapping[str, float | None],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return how detection differs from that of the clean twin, paired by clip.

    Only clips that both show as intended count. The intervals are the difference ± t standard
    errors over groups. The rates of `TESTED` are shares of the same clips in both: their p-value is
    that of `sign_flip`.

    Args:
        table: of the cell.
        clean: of its clean twin.
        target: the labels of the event's classes.
        thresholds: by rule, the same for both; None for the predicted class.
        draws: number of bootstrap samples.
        seed: of the bootstrap.

    Returns:
        By name, see `detection_intervals`; empty when the tables share no clip.
    """
    (rows, clean_rows), ids = common_rows([table, clean])
    if not ids:
        return {}
    groups = [table.groups[row] for row in rows]
    samples = group_draws(groups, table.labels[rows], draws=draws, seed=seed)
    after, before = (
        _rows(Events.of(table, target), rows),
        _rows(Events.of(clean, target), clean_rows),
    )
    first, second = (_sampled(samples, events, thresholds) for events in (before, after))
    found = {}
    for name in (one for one in second if one in first):  # lengths may be known in one only
        fewest = min(first[name].groups, second[name].groups)
        sampled = _Sampled(second[name].values - first[name].values, fewest)
        rule, _, rate = name.rpartition("/")
        p = np.nan
        if rate in TESTED:
            changed = _changed(before, after, thresholds[rule], rate)
            p = sign_flip(changed, groups) if fewest else np.nan
        value, error = float(sampled.values[0]), standard_error(sampled.values[1:])
        low, high = UNKNOWN
        if fewest >= FEWEST_GROUPS:
            degrees = sampled.degrees(samples)
            if error == 0 and rate in TESTED:
                error = error_of_none(fewest, degrees)
            low, high = t_interval(value, error, degrees)
        found[name] = Estimate(value, low, high, p)
    return found


def _changed(before: Events, after: Events, threshold: float | None, rate: str) -> _Numbers:
    """Return ``(N,)`` the change of each clip that a rate counts, 0 for the other clips."""
    hits = [parts(one.present, one.alarms(threshold))[rate][0] for one in (before, after)]
    return hits[1].astype(np.float64) - hits[0]


def _rows(events: Events, rows: NDArray[np.int64]) -> Events:
    return Events(
        events.present[rows], events.predicted[rows], events.score[rows], events.seconds[rows]
    )


def _sampled(
    samples: GroupDraws, events: Events, thresholds: Mapping[str, float | None]
) -> dict[str, _Sampled]:
    """Return each measure in the data and in all samples."""
    present, which = events.present, samples.which

    def groups_of(clips: _Flags) -> int:
        return len(np.unique(which[clips]))

    fewest = min(groups_of(present), groups_of(~present))
    areas = [
        curve_areas(present, events.score, samples.weights[start : start + _AT_ONCE][:, which])
        for start in range(0, len(samples.weights), _AT_ONCE)
    ]
    found = {
        name: _Sampled(np.concatenate(values), fewest)
        for name, values in zip(_AREAS, zip(*areas, strict=True), strict=True)
    }
    timed = ~present & np.isfinite(events.seconds)
    hours = samples.sums(np.where(timed, events.seconds, 0.0)) / _HOUR
    for rule, threshold in thresholds.items():
        alarms = events.alarms(threshold)
        for name, (hit, of) in parts(present, alarms).items():
            found[f"{rule}/{name}"] = _ratio(samples.sums(hit), samples.sums(of), groups_of(of))
        if timed.any():
            found[f"{rule}/false_alarms_per_hour"] = _ratio(
                samples.sums(alarms & timed), hours, groups_of(timed)
            )
    return found


def _ratio(hits: _Numbers, of: _Numbers, groups: int) -> _Sampled:
    """Return a ratio of sums, NaN in a sample without anything below the line."""
    return _Sampled(hits / np.where(of > 0, of, np.nan), groups)
