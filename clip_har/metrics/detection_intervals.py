"""Intervals and tests of detection, over groups of clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import GroupDraws, group_draws
from clip_har.metrics.detection import Events, curve_areas, parts
from clip_har.metrics.intervals import (
    FEWEST_GROUPS,
    UNKNOWN,
    area_interval,
    error_of_none,
    share_difference_interval,
    share_interval,
    standard_error,
)
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.significance import sign_flip
from clip_har.results.score_table import ScoreTable

TESTED = ("sensitivity", "specificity")
"""Rates whose clips are the same in two cells, so that their difference can be tested."""

_OF_BOTH = ("ppv", "npv")
"""Rates that depend on events and on other clips, so on the fewer degrees of the two."""
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
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class _Sampled:
    """A measure in the data and in each bootstrap sample.

    Attributes:
        values: ``(R + 1,)``, of the data first.
        groups: the number of groups that it rests on, which may be fewer than all.
        degrees: of freedom: these groups minus the strata that they are of.
        clips: the number of clips that it is a share of; of an area, those with the event.
        largest: what it is if all of these clips count.
    """

    values: _Numbers
    groups: int
    degrees: int
    clips: int
    largest: float = 1.0

    def interval(self, name: str) -> tuple[float, float]:
        """Return the 95 % interval; unknown with fewer than `FEWEST_GROUPS` groups."""
        known = {"groups": self.groups, "degrees": self.degrees}
        if self.groups < FEWEST_GROUPS:
            return UNKNOWN
        if name in _AREAS:
            return area_interval(self.values, clips=self.clips, **known)
        shares = self.values / self.largest
        low, high = share_interval(float(shares[0]), standard_error(shares[1:]), **known)
        return low * self.largest, high * self.largest


def detection_intervals(
    table: ScoreTable,
    target: Sequence[int],
    thresholds: Mapping[str, float | None],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return how well an event is detected, with 95 % intervals over groups.

    Groups are sampled as in `group_draws`. Intervals of rates are those of `share_interval`, of
    areas those of `area_interval`. A clip has at most one alarm, so false alarms per hour are the
    share of clips with one, times clips per hour, and have its interval: also none in an hour is
    not sure to stay none. A measure that rests on fewer than `FEWEST_GROUPS` groups (those with
    an event, for the sensitivity) has no interval. The thresholds are taken as given.

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
        found[name] = Estimate(float(sampled.values[0]), *sampled.interval(name))
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
    errors over groups; a change that no group shows has that of `error_of_none`.

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
        degrees = min(first[name].degrees, second[name].degrees)
        changes = second[name].values - first[name].values
        value, error = float(changes[0]), standard_error(changes[1:])
        low, high = UNKNOWN
        if fewest >= FEWEST_GROUPS:
            error = error or error_of_none(fewest, degrees) * second[name].largest
            largest = second[name].largest
            low, high = (
                end * largest
                for end in share_difference_interval(
                    value / largest, error / largest, groups=fewest, degrees=degrees
                )
            )
        found[name] = Estimate(value, low, high)
    return found


def detection_tests(
    after: Sequence[ScoreTable],
    before: Sequence[ScoreTable],
    target: Sequence[int],
    thresholds: Sequence[Mapping[str, float | None]],
) -> dict[str, float]:
    """Return the p-values of `sign_flip` for the rates of `TESTED`, against the clean twins.

    Seeds are one test, of each clip's mean over them. Only clips that all tables show count.

    Args:
        after: of a cell, by seed.
        before: of the clean twins, in the same order.
        target: the labels of the event's classes.
        thresholds: by rule, of each seed; the same rules.

    Returns:
        By name, such as ``youden/sensitivity``; NaN if no clip counts. Empty without a common clip.
    """
    rows, ids = common_rows([*after, *before])
    if not ids:
        return {}
    groups = [after[0].groups[row] for row in rows[0]]
    seeds = [
        _rows(Events.of(table, target), kept)
        for table, kept in zip([*after, *before], rows, strict=True)
    ]
    found = {}
    for rule in thresholds[0]:
        by_rate = [
            parts(one.present, one.alarms(of_seed[rule]))
            for one, of_seed in zip(seeds, [*thresholds, *thresholds], strict=True)
        ]
        for rate in TESTED:
            hits = np.array([of_seed[rate][0] for of_seed in by_rate], np.float64)
            counted = by_rate[0][rate][1].any()
            changed = (hits[len(after) :] - hits[: len(after)]).mean(axis=0)
            found[f"{rule}/{rate}"] = sign_flip(changed, groups) if counted else np.nan
    return found


def _rows(events: Events, rows: NDArray[np.int64]) -> Events:
    return Events(
        events.present[rows], events.predicted[rows], events.score[rows], events.seconds[rows]
    )


def _sampled(
    samples: GroupDraws, events: Events, thresholds: Mapping[str, float | None]
) -> dict[str, _Sampled]:
    """Return each measure in the data and in all samples."""
    present, which = events.present, samples.which
    sides = [samples.part(clips) for clips in (present, ~present)]
    groups, degrees = (min(numbers) for numbers in zip(*sides, strict=True))
    clips = int(present.sum())
    areas = [
        curve_areas(present, events.score, samples.weights[start : start + _AT_ONCE][:, which])
        for start in range(0, len(samples.weights), _AT_ONCE)
    ]
    found = {
        name: _Sampled(np.concatenate(values), groups, degrees, clips)
        for name, values in zip(_AREAS, zip(*areas, strict=True), strict=True)
    }
    timed = ~present & np.isfinite(events.seconds)
    hours = np.where(timed, events.seconds, 0.0) / _HOUR
    for rule, threshold in thresholds.items():
        alarms = events.alarms(threshold)
        for name, (hit, of) in parts(present, alarms).items():
            one = _ratio(samples, hit, of, of.astype(np.float64))
            if name in _OF_BOTH:
                one = replace(one, degrees=min(degrees, one.degrees))
            found[f"{rule}/{name}"] = one
        if timed.any():
            found[f"{rule}/false_alarms_per_hour"] = _ratio(samples, alarms & timed, timed, hours)
    return found


def _ratio(samples: GroupDraws, hit: _Flags, of: _Flags, size: _Numbers) -> _Sampled:
    """Return hits over the size of what is counted; NaN in a sample without any."""
    sizes = samples.sums(size)
    values = samples.sums(hit) / np.where(sizes > 0, sizes, np.nan)
    groups, degrees = samples.part(of)
    clips = int(of.sum())
    return _Sampled(values, groups, degrees, clips, clips / sizes[0] if sizes[0] > 0 else 1.0)
