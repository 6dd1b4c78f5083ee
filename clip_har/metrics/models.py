"""Compare models on the same clips: all pairs, ranks, and the front of accuracy and cost.

Pure functions of arrays. ``numbers`` are one number for each clip, such as 1 where a model is
right, or the change of that under masks: ``(M, S, N)`` for M models, S seeds of the masks, N clips.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.core.seeding import generator
from clip_har.metrics.bootstrap import GroupDraws
from clip_har.metrics.intervals import (
    FEWEST_GROUPS,
    UNKNOWN,
    error_of_none,
    error_over_seeds,
    quantile,
    share_difference_interval,
    share_interval,
    standard_error,
    t_interval,
)
from clip_har.metrics.significance import sign_flip, t_test

Numbers = NDArray[np.float64]

_PAIRS = ("model", "other", "difference", "low", "high", "p")
_ROUNDING = 1e-9


class Sampled(Protocol):
    """What an interval needs to know of the groups that were sampled."""

    @property
    def groups(self) -> int:
        """Their number."""

    @property
    def degrees(self) -> float:
        """Degrees of freedom of a standard error."""


def means_of_models(numbers: Numbers, samples: GroupDraws) -> Numbers:
    """Return the mean over clips of each model and seed.

    Args:
        numbers: ``(M, S, N)``.
        samples: of the groups of the N clips.

    Returns:
        ``(R + 1, M, S)``: of the data, then of each sample.
    """
    models, seeds, clips = numbers.shape
    sums = samples.sums(numbers.reshape(models * seeds, clips).T)
    means: Numbers = sums / samples.sums(np.ones(clips))[:, None]
    return means.reshape(-1, models, seeds)


def interval_of(
    values: Numbers, samples: Sampled, *, kind: Literal["share", "difference", "ratio"]
) -> tuple[float, float, float]:
    """Return a mean over seeds with its 95 % interval over groups and seeds.

    Args:
        values: ``(R + 1, S)``: of the data, then of each sample.
        samples: the samples of groups.
        kind: a share of clips has the interval of `share_interval`, a difference of shares that of
            `share_difference_interval`, a ratio that of `t_interval`. A difference that no group
            shows has the error of `error_of_none`; a ratio that all groups share has no interval.

    Returns:
        Value, low, high; low and high are NaN with fewer than `FEWEST_GROUPS` groups.
    """
    value = float(values[0].mean())
    if samples.groups < FEWEST_GROUPS:
        return value, *UNKNOWN
    if kind == "difference":
        error, degrees = error_of_difference(values, samples)
        return value, *share_difference_interval(
            value, error, groups=samples.groups, degrees=degrees
        )
    error, degrees = error_over_seeds(values, samples.degrees)
    if kind == "ratio":
        return value, *t_interval(value, error, degrees)
    return value, *share_interval(value, error, groups=samples.groups, degrees=degrees)


def error_of_difference(values: Numbers, samples: Sampled) -> tuple[float, float]:
    """Return the standard error of a difference of shares, above 0, and its degrees of freedom."""
    error, degrees = error_over_seeds(values, samples.degrees)
    return error or error_of_none(samples.groups, samples.degrees), degrees


def model_pairs(numbers: Numbers, groups: Sequence[str], samples: GroupDraws) -> pd.DataFrame:
    """Return the difference of each pair of models, paired by clip, with interval and test.

    The difference of two means is the mean of the clips' differences, so what makes a clip hard for
    both models cancels. The standard error is that of a bootstrap over groups, and of seeds if
    there are several, see `error_over_seeds`. With one seed the test is
    `sign_flip` over groups: under the null hypothesis the two models are exchangeable within each
    group. Seeds that favour one model in all groups would pass for a difference there, so with
    several seeds the test is `t_test` with the error of the interval.

    Args:
        numbers: ``(M, S, N)``.
        groups: N names.
        samples: of these groups.

    Returns:
        Columns ``model, other, difference, low, high, p``, a row per pair ``model < other`` (their
        places); the difference is model minus other. Intervals are not corrected for their number.

    Example:
        >>> from clip_har.metrics.bootstrap import group_draws
        >>> right = np.array([[[1.0, 1, 1, 1, 1, 1, 0, 0]], [[0.0, 0, 0, 0, 1, 1, 0, 0]]])
        >>> names = list("abcdefgh")
        >>> found = model_pairs(right, names, group_draws(names)).round(3)
        >>> found[["model", "other", "difference", "p"]].to_numpy().tolist()
        [[0.0, 1.0, 0.5, 0.125]]
    """
    means = means_of_models(numbers, samples)
    found = []
    for model, other in combinations(range(len(numbers)), 2):
        change = means[:, model] - means[:, other]  # (R + 1, S)
        difference, low, high = interval_of(change, samples, kind="difference")
        if change.shape[1] > 1 and samples.groups >= FEWEST_GROUPS:
            p = t_test(difference, *error_of_difference(change, samples))
        else:
            p = sign_flip((numbers[model] - numbers[other]).mean(axis=0), groups)
        found.append((model, other, difference, low, high, p))
    return pd.DataFrame(found, columns=list(_PAIRS))


def wider_with_seeds(means: Numbers, samples: GroupDraws) -> float:
    """Return how many times wider the seeds make the widest interval of all pairs of models.

    That of each pair would be too narrow where few seeds differ little by chance: of many pairs
    there is always one.

    Args:
        means: ``(R + 1, M, S)``, see `means_of_models`.
        samples: the samples of groups.

    Returns:
        At least 1, for `clip_har.metrics.ranks.rank_intervals`; infinite if the groups all agree
        but the seeds do not.
    """
    if means.shape[2] == 1 or samples.groups < FEWEST_GROUPS:
        return 1.0
    of_groups, of_both = 0.0, 0.0  # half widths
    for model, other in combinations(range(means.shape[1]), 2):
        change = means[:, model] - means[:, other]
        error, degrees = error_over_seeds(change, samples.degrees)
        own = quantile(samples.degrees) * standard_error(change[1:].mean(axis=1))
        of_groups, of_both = max(of_groups, own), max(of_both, quantile(degrees) * error)
    if not of_groups > 0:
        return float("inf") if of_both > 0 else 1.0
    return max(1.0, of_both / of_groups)


def sampled_seeds(means: Numbers, *, seed: int = 0) -> Numbers:
    """Return the mean over seeds of each model, with other seeds in each bootstrap sample.

    Of S seeds S − 1 are sampled with replacement, the same for all models, as groups are in
    `clip_har.metrics.bootstrap.group_draws`.

    Args:
        means: ``(R + 1, M, S)``, see `means_of_models`.
        seed: of the bootstrap.

    Returns:
        ``(R + 1, M)``: of the data with all seeds, then of each sample of groups and seeds.
    """
    samples, _, seeds = means.shape
    if seeds == 1:
        return means[..., 0]
    sampled = generator(seed, "bootstrap", "seeds").integers(seeds, size=(samples, seeds - 1))
    weights = (sampled[..., None] == np.arange(seeds)).mean(axis=1)  # (R + 1, S)
    weights[0] = 1 / seeds
    found: Numbers = np.einsum("rms,rs->rm", means, weights)
    return found


def average_ranks(values: Numbers) -> Numbers:
    """Return the rank of each model, the highest first; equal models have the mean of their ranks.

    Args:
        values: ``(M,)``.

    Example:
        >>> average_ranks(np.array([0.5, 0.9, 0.5])).tolist()
        [2.5, 1.0, 2.5]
    """
    from scipy.stats import rankdata  # a cell ranks nothing

    ranks: Numbers = rankdata(-np.round(values / _ROUNDING))
    return ranks


def rank_shares(values: Numbers) -> Numbers:
    """Return how often each model has each rank over the bootstrap samples; the highest is first.

    Models that are equal in a sample share their ranks evenly, so that rows and columns sum to 1.
    The shares say how much the order depends on what was sampled. They are no probabilities that a
    model is truly first; for that see `clip_har.metrics.ranks.rank_intervals`.

    Args:
        values: ``(R + 1, M)``: of the data, then of each sample.

    Returns:
        ``(M, M)`` in [0, 1]: model by rank, from the first.

    Example:
        >>> top1 = np.array([[0.9, 0.5], [0.9, 0.5], [0.4, 0.5], [0.6, 0.5], [0.5, 0.5]])
        >>> rank_shares(top1).tolist()
        [[0.625, 0.375], [0.375, 0.625]]
    """
    drawn = values[1:]
    apart = drawn[:, None, :] - drawn[:, :, None]  # [r, j, k]: by how much k is above j
    above = (apart > _ROUNDING).sum(axis=2)  # (R, M)
    equal = (np.abs(apart) <= _ROUNDING).sum(axis=2)  # with itself
    ranks = np.arange(drawn.shape[1])
    has = (ranks >= above[..., None]) & (ranks < (above + equal)[..., None])
    shares: Numbers = (has / equal[..., None]).mean(axis=0)
    return shares


def dominance(accuracy: Numbers, least: Numbers, most: Numbers) -> NDArray[np.bool_]:
    """Return which model dominates which: it is as accurate and as cheap, and better in one.

    A cost was measured several times. Two costs whose ranges overlap count as equal: which one is
    lower may be noise of the measurement. A model that none dominates is on the Pareto front
    (Pareto 1906).

    Args:
        accuracy: ``(…, M)``, higher is better.
        least: ``(M,)``, the lowest measured cost of each model; a model whose costs are NaN neither
            dominates nor is dominated.
        most: ``(M,)``, the highest.

    Returns:
        ``(…, M, M)``, ``[…, j, k]`` whether k dominates j.

    Example:
        >>> least, most = np.array([1.0, 1.9, 3.0]), np.array([2.0, 2.5, 3.5])
        >>> (~dominance(np.array([0.5, 0.5, 0.7]), least, most).any(axis=-1)).tolist()
        [True, True, True]
        >>> (~dominance(np.array([0.6, 0.5, 0.7]), least, most).any(axis=-1)).tolist()
        [True, False, True]
    """
    gain = accuracy[..., None, :] - accuracy[..., :, None]
    cheaper = least[:, None] > most[None, :]  # [j, k]: k surely costs less than j
    as_cheap = most[:, None] >= least[None, :]
    no_worse = (gain >= -_ROUNDING) & as_cheap
    found: NDArray[np.bool_] = no_worse & ((gain > _ROUNDING) | cheaper)
    return found
