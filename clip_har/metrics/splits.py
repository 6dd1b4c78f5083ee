"""One result over several official splits, with intervals that know which clips occur in several.

Official splits are parts of one collection. A clip, and a group of clips of one actor and place,
may be evaluated in several of them (HMDB-51), so three accuracies are not independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import (
    GroupDraws,
    Means,
    difference_interval,
    group_draws,
    with_intervals,
)
from clip_har.metrics.pairing import common_rows
from clip_har.results.score_table import ScoreTable

Interval = tuple[float, float, float]
"""Value, and the ends of its 95 % interval; NaN without one."""


@dataclass(frozen=True)
class OverSplits:
    """Top-1 over several splits.

    Attributes:
        top1: of each split, in [0, 1].
        mean: over the splits, each counts the same, as papers report it.
        sd: sample standard deviation over the splits.
        pooled: over all clips that occur in a split, each counts once; a clip of several splits
            counts with the mean over these.
        change: after minus before, mean over the splits, over the clips that both show in a split;
            None without tables before.
        clips: number of different clips.
        groups: number of different groups.
    """

    top1: tuple[float, ...]
    mean: Interval
    sd: float
    pooled: Interval
    change: Interval | None
    clips: int
    groups: int


def over_splits(
    tables: Sequence[ScoreTable],
    before: Sequence[ScoreTable] | None = None,
    *,
    draws: int = 2000,
    seed: int = 0,
) -> OverSplits:
    """Return top-1 over several splits, with intervals over groups.

    Groups are sampled jointly: a group that occurs in several splits is drawn for all of them.

    Args:
        tables: of one cell under each split, at least two.
        before: of its clean twin under the same splits; None without twins.
        draws: number of bootstrap samples.
        seed: of the bootstrap.

    Raises:
        ValueError: when the tables disagree about classes, or about a clip's label or group; or a
            split shares no clip with its clean twin.
    """
    if len(tables) < 2 or (before is not None and len(before) != len(tables)):
        raise ValueError("expected the tables of at least two splits, and as many before")
    _check(tables)
    right = [(one.predictions() == one.labels).astype(np.float64) for one in tables]
    every = [np.arange(len(one.clip_ids)) for one in tables]
    means, samples = _means(tables, every, right, draws=draws, seed=seed)
    shares = with_intervals(means, samples, shares=means.keys())
    change = None
    if before is not None:
        kept, differences = [], []
        for one, twin, own in zip(tables, before, right, strict=True):
            (of_twin, rows), ids = common_rows([twin, one])
            if not ids:
                raise ValueError("a split shares no clip with its clean twin")
            kept.append(rows)
            known = (twin.predictions() == twin.labels).astype(np.float64)
            differences.append(own[rows] - known[of_twin])
        means, samples = _means(tables, kept, differences, draws=draws, seed=seed)
        _, ends = difference_interval(means["mean"], samples)
        change = (float(means["mean"][0]), *ends)
    top1 = tuple(float(one.mean()) for one in right)
    return OverSplits(
        top1=top1,
        mean=shares["mean"],
        sd=float(np.std(top1, ddof=1)),
        pooled=shares["pooled"],
        change=change,
        clips=len({clip for one in tables for clip in one.clip_ids}),
        groups=len({group for one in tables for group in one.groups}),
    )


def _means(
    tables: Sequence[ScoreTable],
    kept: Sequence[NDArray[np.int64]],
    values: Sequence[NDArray[np.float64]],
    *,
    draws: int,
    seed: int,
) -> tuple[Means, GroupDraws]:
    """Return the mean over splits, and that over clips, of a number per clip and split.

    The means are ``(R + 1,)``: of the data, then of each sample of groups.

    Args:
        tables: of the splits.
        kept: for each split its rows that count.
        values: for each split the numbers of these rows.
        draws: number of bootstrap samples.
        seed: of the bootstrap.
    """
    ids = [one.clip_ids[row] for one, rows in zip(tables, kept, strict=True) for row in rows]
    groups = [one.groups[row] for one, rows in zip(tables, kept, strict=True) for row in rows]
    labels = np.concatenate([one.labels[rows] for one, rows in zip(tables, kept, strict=True)])
    number = np.concatenate(values)
    split = np.repeat(np.arange(len(tables)), [len(rows) for rows in kept])
    samples = group_draws(groups, labels, draws=draws, seed=seed)
    with np.errstate(invalid="ignore", divide="ignore"):  # a sample without a clip of a split
        of_split = [
            samples.sums(number * (split == one)) / samples.sums(split == one)
            for one in range(len(tables))
        ]
    _, which, times = np.unique(ids, return_inverse=True, return_counts=True)
    once = 1 / times[which]  # a clip of several splits counts once
    pooled = samples.sums(number * once) / samples.sums(once)
    return {"mean": np.mean(of_split, axis=0), "pooled": pooled}, samples


def _check(tables: Sequence[ScoreTable]) -> None:
    known: dict[str, tuple[int, str]] = {}
    for one in tables:
        if one.class_names != tables[0].class_names:
            raise ValueError("the splits have different classes")
        for clip_id, label, group in zip(one.clip_ids, one.labels, one.groups, strict=True):
            if known.setdefault(clip_id, (int(label), group)) != (int(label), group):
                raise ValueError(f"the splits disagree about the label or group of {clip_id}")
