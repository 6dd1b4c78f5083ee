"""Compare one model on the clips of several domains: class-balanced, and never clip by clip.

Domains have different clips, so nothing is paired between them, and each has its own samples of
groups. Pure functions of arrays. ``numbers`` are one number for each clip, such as 1 where the
model is right: ``(S, N)`` for S seeds of the masks and N clips.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import GroupDraws
from clip_har.metrics.calibration import gaps_by_bin
from clip_har.metrics.intervals import FEWEST_GROUPS
from clip_har.metrics.models import error_of_difference, interval_of, rank_shares
from clip_har.metrics.significance import t_test

Numbers = NDArray[np.float64]

_PAIRS = ("domain", "other", "difference", "low", "high", "p")


@dataclass(frozen=True, eq=False)
class Estimate:
    """A number of each seed, with its values in bootstrap samples of groups.

    Attributes:
        values: ``(R + 1, S)``: of the data, then of each sample.
        groups: their number.
        degrees: of freedom that they leave to a standard error.
    """

    values: Numbers
    groups: int
    degrees: float

    @property
    def value(self) -> float:
        """The mean over seeds."""
        return float(self.values[0].mean())


def balanced_mean(
    numbers: Numbers,
    labels: NDArray[np.int64],
    samples: GroupDraws,
    classes: NDArray[np.int64],
) -> Estimate:
    """Return the mean over classes of the mean over the clips of each class.

    Each class counts the same, however many clips it has, so another mix of the same classes
    changes nothing. The samples give the error of the linearised mean (Woodruff 1971): the mean of
    a class is not divided by the number of its clips in a sample, which may be 0. A group that is a
    share h of a class pulls the mean of the class towards itself, so its deviation is divided by
    √(1 − h) (HC2 of MacKinnon and White 1985); where groups are sampled within classes, the samples
    raise all G groups of a class by √(G / (G − 1)) already, which is taken out. A class with one
    group shows no variance of its own: there the deviations from the mean over all classes count,
    which is too much rather than too little.

    Args:
        numbers: ``(S, N)``.
        labels: ``(N,)``.
        samples: of the groups of the N clips.
        classes: the labels of the classes that count; each has a clip.

    Example:
        >>> from clip_har.metrics.bootstrap import group_draws
        >>> right, labels = np.array([[1.0, 1, 1, 0]]), np.array([0, 0, 0, 1])
        >>> samples = group_draws(list("abcd"), draws=3)
        >>> balanced_mean(right, labels, samples, np.array([0, 1])).value
        0.5
    """
    own = labels == classes[:, None]  # (C, N)
    counts = own.sum(axis=1)
    of_class = own @ numbers.T / counts[:, None]  # (C, S)
    mean = of_class.mean(axis=0)
    clips = np.flatnonzero(own.any(axis=0))
    place = own[:, clips].argmax(axis=0)
    pairs = np.zeros((len(classes), samples.groups))  # clips of each class and group
    np.add.at(pairs, (place, samples.which[clips]), 1)
    groups = (pairs > 0).sum(axis=1)
    left = 1 - pairs / counts[:, None]
    if samples.strata > 1:
        left *= (groups / np.maximum(groups - 1, 1))[:, None]
    alone = groups < 2
    left[alone] = 1
    centre = np.where(alone[:, None], mean, of_class)
    weight = 1 / (len(classes) * counts[place] * np.sqrt(left[place, samples.which[clips]]))
    off = np.zeros((len(labels), len(numbers)))
    off[clips] = (numbers.T[clips] - centre[place]) * weight[:, None]
    spread = samples.sums(off)
    return Estimate(mean + spread - spread[0], samples.groups, samples.degrees)


def plain_mean(numbers: Numbers, samples: GroupDraws) -> Estimate:
    """Return the mean over clips; each clip counts the same.

    Args:
        numbers: ``(S, N)``.
        samples: of the groups of the N clips.
    """
    values = samples.sums(numbers.T) / samples.sums(np.ones(numbers.shape[1]))[:, None]
    return Estimate(values, samples.groups, samples.degrees)


def balanced_error(
    labels: NDArray[np.int64],
    probabilities: Numbers,
    samples: GroupDraws,
    classes: NDArray[np.int64],
) -> Estimate:
    """Return the calibration error (ECE) in which each class counts the same.

    As `clip_har.metrics.calibration.expected_calibration_error`, but a clip of a class with n clips
    counts 1 / n.

    Args:
        labels: ``(N,)``.
        probabilities: ``(N, C)``.
        samples: of the groups of the N clips.
        classes: the labels of the classes that count; each has a clip.
    """
    counts = (labels == classes[:, None]).sum(axis=1)
    weight = np.zeros(len(labels))
    for label, count in zip(classes, counts, strict=True):
        weight[labels == label] = 1 / (len(classes) * count)
    gaps = samples.sums(gaps_by_bin(labels, probabilities) * weight[:, None])
    errors = np.abs(gaps).sum(axis=1) / samples.sums(weight)
    return Estimate(errors[:, None], samples.groups, samples.degrees)


def mean_of(estimates: Sequence[Estimate], weights: Sequence[float] | None = None) -> Estimate:
    """Return the weighted mean of the estimates of several domains.

    Args:
        estimates: at least one, with the same seeds; one seed counts for each of the others.
        weights: their sum is not 0; None: the same for all.
    """
    given = np.ones(len(estimates)) if weights is None else np.asarray(weights, np.float64)
    return _sum(estimates, given / given.sum())


def difference_of(one: Estimate, other: Estimate) -> Estimate:
    """Return one minus another, of domains without a clip in common."""
    return _sum([one, other], np.array([1.0, -1.0]))


def _sum(estimates: Sequence[Estimate], factors: NDArray[np.float64]) -> Estimate:
    """Return a weighted sum of independent estimates.

    The degrees of freedom are those of Welch and Satterthwaite (1946).
    """
    seeds = {one.values.shape[1] for one in estimates}
    values = [one.values for one in estimates]
    if len(seeds - {1}) > 1:  # there is no sum of each seed
        values = [one.mean(axis=1, keepdims=True) for one in values]
    shaped = np.stack(np.broadcast_arrays(*values))  # (D, R + 1, S)
    variances = (factors * shaped[:, 1:].mean(axis=2).std(axis=1, ddof=1)) ** 2
    known = np.array([one.degrees for one in estimates])
    degrees = float(known.sum())
    if variances.sum() > 0:
        parts = np.divide(variances**2, known, out=np.zeros(len(known)), where=known > 0)
        degrees = float(variances.sum() ** 2 / parts.sum()) if parts.sum() > 0 else 0.0
    groups = [one.groups for one in estimates]
    # With too few groups in one domain there is no interval at all.
    enough = min(groups) >= FEWEST_GROUPS
    summed = np.tensordot(factors, shaped, axes=1)
    return Estimate(summed, sum(groups) if enough else min(groups), degrees)


def domain_pairs(estimates: Sequence[Estimate]) -> pd.DataFrame:
    """Return the difference of each pair of domains, with interval and test; unpaired.

    The test is Student's, with the errors of both domains and the degrees of freedom of Welch and
    Satterthwaite. The interval has the same error; near the ends of the range it reaches further,
    see `clip_har.metrics.intervals.share_difference_interval`.

    Args:
        estimates: of each domain.

    Returns:
        Columns ``domain, other, difference, low, high, p``, a row per pair ``domain < other``
        (their places). Intervals are not corrected for their number. NaN with fewer than
        `FEWEST_GROUPS` groups in one of the two.
    """
    found = []
    for one, other in combinations(range(len(estimates)), 2):
        apart = difference_of(estimates[one], estimates[other])
        difference, low, high = interval_of(apart.values, apart, kind="difference")
        p = np.nan
        if apart.groups >= FEWEST_GROUPS:
            p = t_test(difference, *error_of_difference(apart.values, apart))
        found.append((one, other, difference, low, high, p))
    return pd.DataFrame(found, columns=list(_PAIRS))


def worst_shares(estimates: Sequence[Estimate]) -> Numbers:
    """Return in which share of the bootstrap samples each domain has the lowest value, ``(D,)``."""
    values = np.stack([one.values.mean(axis=1) for one in estimates], axis=1)
    shares: Numbers = rank_shares(-values)[:, 0]
    return shares
