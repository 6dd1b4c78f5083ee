"""How sure is the rank of a class? Rank intervals over groups."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import GroupDraws, group_draws
from clip_har.metrics.intervals import FEWEST_GROUPS, quantile

_COLUMNS = ["rank", "rank_low", "rank_high"]
_LEVEL = 0.95
_GROUPS_OF_A_CLASS = 3  # with fewer the bootstrap knows too little about a class's variance
_ROUNDING = 1e-9


def class_ranks(
    numbers: NDArray[np.generic],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    *,
    classes: int,
    draws: int = 1000,
) -> pd.DataFrame:
    """Rank classes by the mean of a number of their clips, the lowest first, with intervals.

    See `rank_intervals`.

    Args:
        numbers: ``(N,)`` a number or bool of each clip, such as 1 if the prediction is right.
        labels: ``(N,)`` the true classes.
        groups: N names.
        classes: number C of classes.
        draws: number of bootstrap samples.

    Returns:
        C rows, columns ``rank, rank_low, rank_high``, whole numbers from 1; all are missing for a
        class without a clip. The ends of the intervals are missing, too, if a class has clips of
        fewer than three groups: its own variance is not known.
    """
    ranks = np.full((classes, len(_COLUMNS)), np.nan)
    if len(labels):
        values, samples = _means(numbers, labels, groups, classes=classes, draws=draws)
        ranks = rank_intervals(values, samples)
        of_class = pd.Series(samples.which).groupby(labels).nunique()
        if of_class.min() < _GROUPS_OF_A_CLASS:
            ranks[:, 1:] = np.nan
    return pd.DataFrame(ranks, columns=_COLUMNS).astype("Int64")


def _means(
    numbers: NDArray[np.generic],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    *,
    classes: int,
    draws: int,
) -> tuple[NDArray[np.float64], GroupDraws]:
    """Return ``(R + 1, C)`` the means of each class, and the samples of groups."""
    samples = group_draws(groups, labels, draws=draws)
    own = labels[:, None] == np.arange(classes)
    sums, clips = samples.sums(own * numbers.astype(np.float64)[:, None]), samples.sums(own)
    means = np.divide(sums, clips, out=np.full(sums.shape, np.nan), where=clips > 0)
    return means, samples


def rank_intervals(
    values: NDArray[np.float64], samples: GroupDraws, *, wider: float = 1.0
) -> NDArray[np.float64]:
    """Return ranks, the lowest value first, with simultaneous 95 % intervals.

    The lowest of many classes is the lowest partly by chance. So two classes count as different
    only if their values differ by more than the largest such difference that chance gives between
    any two classes: the 95 % quantile, over the bootstrap samples of groups, of the range of all
    deviations from the values of the data. A class's rank interval begins after all classes that
    are certainly lower, and ends before all that are certainly higher (Mogstad, Romano, Shaikh and
    Wilhelm 2024, "Inference for ranks"; without studentising, since the few groups of a class
    give no standard error to divide by). All intervals together hold the true ranks in at least
    95 % of data sets; with many classes of few groups more often, where a class has three or four
    groups and others have many times as many, less often (83 to 93 % in simulations).

    Args:
        values: ``(R + 1, F)``, of the data, then of each bootstrap sample; NaN where unknown.
        samples: the groups' samples.
        wider: how many times more than for new groups alone two values must differ, as for new
            seeds, too; at least 1.

    Returns:
        ``(F, 3)``: rank from 1, equal for equal values, and the ends of its interval. NaN for a
        value that is unknown. The ends are NaN with fewer than `FEWEST_GROUPS` groups.
    """
    found = np.full((values.shape[1], 3), np.nan)
    known = np.flatnonzero(np.isfinite(values[0]))
    if not len(known):
        return found
    data = values[0, known]
    apart = data[:, None] - data  # [j, k]: by how much j is above k
    found[known, 0] = 1 + (apart > _ROUNDING).sum(axis=1)
    if samples.groups < FEWEST_GROUPS:
        return found
    deviations = values[1:, known] - data
    ranges = np.nanmax(deviations, axis=1) - np.nanmin(deviations, axis=1)
    few = quantile(samples.degrees) / quantile(np.inf)  # few groups: as t to normal intervals
    certain = apart > wider * max(few * np.quantile(ranges, _LEVEL), _ROUNDING)
    found[known, 1] = 1 + certain.sum(axis=1)
    found[known, 2] = len(known) - certain.sum(axis=0)
    return found
