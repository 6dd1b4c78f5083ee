"""95 % intervals from a measure's bootstrap samples: pure functions.

The samples give the standard error, Student's t the width: with few groups a standard error is
itself uncertain. Such an interval always holds the estimate, also of a measure that is larger in a
bootstrap sample than in the data (a calibration error, a spread over classes), which quantiles of
the samples do not.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, stdtridf, stdtrit

FEWEST_GROUPS = 6
"""With fewer groups an interval means nothing: its standard error is of a handful of numbers."""

UNKNOWN = (np.nan, np.nan)
_LEVEL = 0.95
_ROUNDING = 1e-12


def standard_error(values: NDArray[np.float64]) -> float:
    """Return the standard deviation of ``(R,)`` bootstrap values, at least 0.

    Values that are not finite, such as a ratio in a sample without hits, are left out. NaN if
    fewer than two are left.
    """
    known = values[np.isfinite(values)]
    error = float(known.std(ddof=1)) if len(known) > 1 else np.nan
    return 0.0 if error < _ROUNDING else error


def quantile(degrees: float, *, level: float = _LEVEL) -> float:
    """Return how many standard errors an interval extends to each side (Student 1908).

    Args:
        degrees: of freedom, above 0.
        level: how often the interval holds the truth.

    Example:
        >>> round(quantile(2), 2), round(quantile(606), 2)
        (4.3, 1.96)
    """
    return float(stdtrit(degrees, (1 + level) / 2))


def t_interval(value: float, error: float, degrees: float) -> tuple[float, float]:
    """Return ``value`` ± t · ``error``.

    NaN without a standard error, and with one of 0: that all groups agree in the data does not
    mean that the next will.

    Example:
        >>> [round(end, 3) for end in t_interval(0.5, 0.1, 15)]
        [0.287, 0.713]
    """
    if not error > 0 or not degrees > 0:
        return UNKNOWN
    half = quantile(degrees) * error
    return value - half, value + half


def share_interval(
    share: float, error: float, *, groups: float, degrees: float
) -> tuple[float, float]:
    """Return the interval of a share of clips, in [0, 1].

    Wilson's interval (1927) of as many independent observations as have the same standard error,
    share · (1 − share) / error² (the effective sample size of Kish 1965). Of the intervals for
    shares in samples of clusters it covers best (Franco et al. 2019, "Comparative study of
    confidence intervals for proportions in complex sample surveys").

    Where all groups agree, the standard error is 0. Clips of one group may all be right or wrong
    together, so there each group counts as one observation: 0 of 8 clips in 4 groups are 0 of 4.
    So it does for any other share of 0 or 1: its standard error says nothing of a sample size.

    Args:
        share: in [0, 1].
        error: its standard error.
        groups: their number, or that of independent observations where the error is 0; at least 1.
        degrees: of freedom of the standard error, above 0.

    Example:
        >>> [round(end, 3) for end in share_interval(0.5, 0.05, groups=40, degrees=39)]
        [0.401, 0.599]
        >>> [round(end, 3) for end in share_interval(1.0, 0.0, groups=10, degrees=9)]
        [0.661, 1.0]
    """
    if not degrees > 0 or np.isnan(error):
        return UNKNOWN
    count = share * (1 - share) / error**2 if error > 0 and 0 < share < 1 else groups
    count = max(count, 1.0)
    z2 = quantile(degrees) ** 2
    centre = share + z2 / (2 * count)
    half = np.sqrt(z2 * (share * (1 - share) / count + z2 / (4 * count**2)))
    low, high = (centre - half) / (1 + z2 / count), (centre + half) / (1 + z2 / count)
    # The share itself lies inside: rounding may not put it outside.
    return float(max(0.0, min(low, share))), float(min(1.0, max(high, share)))


def share_difference_interval(
    difference: float, error: float, *, groups: float, degrees: float
) -> tuple[float, float]:
    """Return the interval of a difference of two shares of clips, in [-1, 1].

    It is Student's interval where that is far from the ends of the range. Near an end, Student's
    leaves the range and holds the truth in 85 % of simulations only. So the interval reaches at
    least as far as Wilson's: (1 + difference) / 2 is the mean of a number in [0, 1] of each clip
    (lost, unchanged, gained) and has the interval of `share_interval` (ours). Together they held
    the truth in 92 % or more.

    Args:
        difference: in [-1, 1].
        error: its standard error; 0 only for a difference of -1 or 1, which has the interval of a
            share of 0 or 1 among the groups.
        groups: their number.
        degrees: of freedom of the standard error, above 0.

    Example:
        >>> [round(end, 3) for end in share_difference_interval(0.1, 0.02, groups=90, degrees=80)]
        [0.06, 0.14]
        >>> [round(end, 3) for end in share_difference_interval(-0.9, 0.1, groups=9, degrees=8)]
        [-1.0, -0.42]
    """
    # Half the range is one observation of a share.
    ends = share_interval((1 + difference) / 2, error / 2, groups=2 * groups, degrees=degrees)
    low, high = (2 * end - 1 for end in ends)
    student = t_interval(difference, error, degrees)
    return float(max(-1.0, np.fmin(low, student[0]))), float(min(1.0, np.fmax(high, student[1])))


def area_interval(
    values: NDArray[np.float64], *, clips: float, groups: float, degrees: float
) -> tuple[float, float]:
    """Return the interval of an area under a curve, in [0, 1].

    Areas of small samples are skew, an average precision above all: Wilson's interval of an
    effective sample size held it in 90 % of simulations. So it is the t interval of the empirical
    logit (Haldane 1956, half a clip is added to each side), which no bound cuts.

    Args:
        values: ``(R + 1,)`` in [0, 1]: of the data, then of each bootstrap sample.
        clips: the number of clips with the event.
        groups: as in `share_interval`, for an area that all samples share.
        degrees: of freedom of the standard error, above 0.

    Example:
        >>> values = np.array([0.9, 0.8, 0.85, 0.95, 0.97])
        >>> [round(end, 2) for end in area_interval(values, clips=40, groups=12, degrees=11)]
        [0.55, 0.99]
    """
    logits = np.log((values * clips + 0.5) / ((1 - values) * clips + 0.5))
    error = standard_error(logits[1:])
    if not error > 0:
        return share_interval(float(values[0]), error, groups=groups, degrees=degrees)
    ends = expit(np.array(t_interval(float(logits[0]), error, degrees)))
    low, high = ((ends * (clips + 1) - 0.5) / clips).clip(0, 1).tolist()
    return low, high


def error_of_none(groups: float, degrees: float) -> float:
    """Return the standard error of a change that no group shows.

    Its interval reaches as far as that of a share of 0 among as many groups.

    Example:
        >>> round(error_of_none(707, 606), 4)
        0.0028
    """
    _, high = share_interval(0.0, 0.0, groups=groups, degrees=degrees)
    return float(high / quantile(degrees))


def error_over_seeds(
    changes: NDArray[np.float64], degrees: float, strata: NDArray[np.int64] | None = None
) -> tuple[float, float]:
    """Return the standard error of a mean over seeds, and its degrees of freedom.

    The variance of the mean has two parts: what groups differ by in all seeds, and what seeds
    differ by, with S − 1 degrees of freedom. Each part has a t quantile of its own, and the
    interval's half width is the root of the sum of their squared half widths (Graybill and Wang
    1980): two seeds that happen to be alike prove nothing of the next one. The degrees of freedom
    are those whose t quantile gives this width. What single groups do under single seeds is in both
    parts and counts once (two-way clusters, Cameron, Gelbach and Miller 2011).

    With strata, seeds are new in each stratum and strata are fixed, as the seeds of several models:
    seeds differ from the mean of their stratum only, with S minus the number of strata degrees of
    freedom. The mean then holds for these strata, new seeds and new groups.

    Args:
        changes: ``(R + 1, S)``, of the data, then of each sample of groups.
        degrees: of freedom of the samples of groups.
        strata: ``(S,)``, as many seeds in each; None for one stratum.

    Raises:
        ValueError: for strata with unequal numbers of seeds.

    Example:
        >>> samples = np.random.default_rng(0).normal(size=(1001, 1)) * [0.01, 0.01, 0.01]
        >>> samples[0] = 0.1, 0.2, 0.3
        >>> error, degrees = error_over_seeds(samples, 15)
        >>> round(error, 2), round(degrees, 1)  # of 0.1 / sqrt(3), almost all from the seeds
        (0.06, 2.0)
    """
    seeds = changes.shape[1]
    apart, free = _from_strata(changes, strata)
    of_groups = standard_error(changes[1:].mean(axis=1)) ** 2
    of_seeds = 0.0 if free == 0 else float((apart[0] ** 2).sum()) / free / seeds
    if not of_seeds > _ROUNDING**2 or degrees < 1:
        return float(np.sqrt(of_groups)), float(degrees)
    of_groups = max(0.0, of_groups - _of_single_seeds(apart[1:], free))
    error = float(np.sqrt(of_groups + of_seeds))
    half = np.hypot(quantile(degrees) * np.sqrt(of_groups), quantile(free) * np.sqrt(of_seeds))
    return error, float(stdtridf((1 + _LEVEL) / 2, half / error))


def _from_strata(
    changes: NDArray[np.float64], strata: NDArray[np.int64] | None
) -> tuple[NDArray[np.float64], int]:
    """Return how far each seed is from the mean of its stratum, and the degrees of freedom."""
    seeds = changes.shape[1]
    if strata is None:
        return changes - changes.mean(axis=1, keepdims=True), seeds - 1
    names, which, counts = np.unique(strata, return_inverse=True, return_counts=True)
    if len(set(counts.tolist())) > 1:
        raise ValueError(f"expected as many seeds in each stratum, got {counts.tolist()}")
    means = np.stack([changes[:, which == n].mean(axis=1) for n in range(len(names))], axis=1)
    return changes - means[:, which], seeds - len(names)


def _of_single_seeds(apart: NDArray[np.float64], free: int) -> float:
    """Return how much of the groups' variance of a mean over seeds is that of single seeds.

    Seeds differ because their masks or noise do, and because each clip reacts in its own way to
    each of them. The second part is in the seeds' variance already. Its size is how far the seeds'
    difference from their mean varies over the samples of groups.

    Args:
        apart: ``(R, S)`` this difference, of each sample.
        free: the degrees of freedom of the seeds.
    """
    known = apart[np.isfinite(apart).all(axis=1)]
    if len(known) < 2:
        return 0.0
    return float(known.var(axis=0, ddof=1).sum() / free / apart.shape[1])
