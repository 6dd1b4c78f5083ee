"""Bootstrap samples of clips that come in groups, and the intervals of measures from them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from clip_har.core.seeding import generator
from clip_har.metrics.intervals import (
    FEWEST_GROUPS,
    UNKNOWN,
    error_of_none,
    share_difference_interval,
    share_interval,
    standard_error,
    t_interval,
)

Means = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class GroupDraws:
    """Bootstrap samples of clips, in which whole groups are sampled.

    Attributes:
        which: ``(N,)`` int64, each clip's group in [0, G).
        weights: ``(R + 1, G)``, how much each group counts in each sample; row 0 is the data as
            they are, each group once.
        stratum: ``(G,)`` int64, within which each group is sampled; None for one of all groups.
    """

    which: NDArray[np.int64]
    weights: NDArray[np.float64]
    stratum: NDArray[np.int64] | None = None

    @property
    def groups(self) -> int:
        """The number G of groups."""
        return int(self.weights.shape[1])

    @property
    def strata(self) -> int:
        """The number of strata."""
        return 1 if self.stratum is None else len(np.unique(self.stratum))

    @property
    def degrees(self) -> int:
        """Degrees of freedom of a standard error: groups minus strata."""
        return self.groups - self.strata

    def part(self, clips: NDArray[np.bool_]) -> tuple[int, int]:
        """Return the groups of some clips, and the degrees of freedom that these groups leave.

        Args:
            clips: ``(N,)``.
        """
        groups = np.unique(self.which[clips])
        strata = groups[:1] * 0 if self.stratum is None else self.stratum[groups]
        return len(groups), len(groups) - len(np.unique(strata))

    def sums(self, numbers: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return a column's sum over the clips of each sample.

        Args:
            numbers: ``(N,)`` or ``(N, F)``, real or bool.

        Returns:
            ``(R + 1,)`` or ``(R + 1, F)``.
        """
        sums: NDArray[np.float64] = self.weights @ (self._membership @ numbers.astype(np.float64))
        return sums

    @cached_property
    def _membership(self) -> csr_array:
        """``(G, N)``, 1 where a clip is of a group."""
        clips = len(self.which)
        ones, shape = np.ones(clips), (self.groups, clips)
        return csr_array((ones, (self.which, np.arange(clips))), shape=shape)


def group_draws(
    groups: Sequence[str],
    classes: NDArray[np.int64] | None = None,
    *,
    draws: int = 2000,
    seed: int = 0,
) -> GroupDraws:
    """Sample groups with replacement, each with all of its clips.

    The clips of one group share actor and place, so they are not independent (cluster bootstrap,
    Field and Welsh 2007).

    **Where every group has one class** (UCF-101), groups are sampled within each class: the samples
    are new groups of the same classes. Else each sample would have another mix of classes, which no
    new data set of these classes would have. **Where groups cross classes** (the subjects of
    rendered clips, the films of HMDB-51), they are sampled over all classes.

    Of n groups of a class n − 1 are sampled and each counts n / (n − 1) times (Rao and Wu 1988,
    "Resampling inference with complex survey data"), so that the variance is right also for few
    groups. The groups of classes that have only one form one stratum together (collapsed strata,
    Wolter 2007): they show no variance within their class, and the interval is a little too wide.

    Args:
        groups: N names.
        classes: ``(N,)`` the clips' true classes; None to sample over all classes.
        draws: number R of bootstrap samples.
        seed: of the bootstrap.

    Raises:
        ValueError: when there is no clip.

    Example:
        >>> samples = group_draws(["a", "a", "b"], draws=3)
        >>> samples.weights.sum(axis=1).tolist()
        [2.0, 2.0, 2.0, 2.0]
        >>> float(samples.sums(np.array([1.0, 2.0, 4.0]))[0])
        7.0
        >>> group_draws(list("abcd"), np.array([0, 0, 1, 1])).strata
        2
    """
    if not len(groups):
        raise ValueError("expected at least one clip")
    given = None if classes is None else np.asarray(classes, np.int64).tobytes()
    return _drawn(tuple(groups), given, draws, seed)


@lru_cache(maxsize=8)
def _drawn(groups: tuple[str, ...], classes: bytes | None, draws: int, seed: int) -> GroupDraws:
    """Return the samples of `group_draws`; the cells of a sweep show the same clips."""
    which, names = pd.factorize(np.array(groups, object), sort=True)
    strata = np.zeros(len(names), np.int64)
    if classes is not None:
        strata = _strata(which, np.frombuffer(classes, np.int64), len(names))
    weights = _weights(tuple(strata.tolist()), draws, seed)
    for shared in (which, strata):
        shared.flags.writeable = False
    return GroupDraws(which, weights, strata)


def _strata(which: NDArray[np.int64], classes: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Return ``(G,)`` the stratum of each group: its class, or one for all."""
    found = np.zeros(groups, np.int64)
    found[which] = classes
    if (found[which] != classes).any():  # a group has several classes
        return np.zeros(groups, np.int64)
    _, number, sizes = np.unique(found, return_inverse=True, return_counts=True)
    alone = np.flatnonzero(sizes == 1)
    if len(alone) == 1 and len(sizes) > 1:  # a stratum needs two groups: with the next smallest
        alone = np.append(alone, np.argsort(sizes, kind="stable")[1])
    joined: NDArray[np.int64] = np.where(np.isin(number, alone), len(sizes), number)
    return joined


@lru_cache(maxsize=8)
def _weights(strata: tuple[int, ...], draws: int, seed: int) -> NDArray[np.float64]:
    """Return ``(R + 1, G)`` Rao-Wu weights; rows sum to G; row 0 is the data, all ones."""
    rng = generator(seed, "bootstrap", "groups")
    of = np.array(strata)
    found = np.ones((draws + 1, len(of)))
    numbers, sizes = np.unique(of, return_counts=True)
    for size in np.unique(sizes[sizes > 1]).tolist():
        members = np.stack([np.flatnonzero(of == n) for n in numbers[sizes == size]])  # (K, n)
        many = draws * len(members)
        sampled = rng.integers(size, size=(many, size - 1)) + size * np.arange(many)[:, None]
        times = np.bincount(sampled.ravel(), minlength=many * size)
        found[1:, members.ravel()] = times.reshape(draws, -1) * (size / (size - 1))
    found.flags.writeable = False  # it is shared
    return found


def difference_interval(
    values: NDArray[np.float64], samples: GroupDraws
) -> tuple[float, tuple[float, float]]:
    """Return the standard error and the 95 % interval of a difference of shares of clips.

    The interval is that of `share_difference_interval`. If no group shows a difference, the error
    is that of `error_of_none`.

    Args:
        values: ``(R + 1,)`` of the data, then of each sample.
        samples: the samples of groups.

    Returns:
        All NaN with fewer than `FEWEST_GROUPS` groups.
    """
    if samples.groups < FEWEST_GROUPS:
        return np.nan, UNKNOWN
    error = standard_error(values[1:]) or error_of_none(samples.groups, samples.degrees)
    ends = share_difference_interval(
        float(values[0]), error, groups=samples.groups, degrees=samples.degrees
    )
    return error, ends


def cluster_bootstrap(
    columns: Mapping[str, NDArray[np.floating]],
    groups: Sequence[str],
    measures: Callable[[Means], Means],
    *,
    classes: NDArray[np.int64] | None = None,
    shares: Collection[str] = (),
    differences: Collection[str] = (),
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, tuple[float, float, float]]:
    """Return measures of clips with 95 % intervals over groups.

    Groups are sampled as in `group_draws`; all measures see the same samples. See
    `clip_har.metrics.intervals` for the intervals: `share_interval` of shares of clips,
    `share_difference_interval` of their differences, `t_interval` of the rest.

    Args:
        columns: per name a number for each of the N clips, such as 1 if the prediction is right.
        groups: N names.
        measures: computes each measure from the columns' means over clips; called with arrays,
            one entry per sample.
        classes: ``(N,)`` the clips' true classes, see `group_draws`.
        shares: the measures that are a share of clips.
        differences: the measures that are a difference of two such shares.
        draws: number of bootstrap samples.
        seed: of the bootstrap.

    Returns:
        Per measure (value, low, high); low and high are NaN with fewer than `FEWEST_GROUPS`
        groups.

    Raises:
        ValueError: when there is no clip.

    Example:
        >>> hits, names = {"right": np.arange(16) % 4 > 0}, [str(n // 2) for n in range(16)]
        >>> found = cluster_bootstrap(hits, names, lambda means: means, shares={"right"})
        >>> [round(number, 2) for number in found["right"]]
        [0.75, 0.49, 0.9]
    """
    samples = group_draws(groups, classes, draws=draws, seed=seed)
    clips = samples.sums(np.ones(len(groups)))
    means = {name: samples.sums(column) / clips for name, column in columns.items()}
    return with_intervals(measures(means), samples, shares=shares, differences=differences)


def with_intervals(
    measures: Means,
    samples: GroupDraws,
    *,
    shares: Collection[str] = (),
    differences: Collection[str] = (),
) -> dict[str, tuple[float, float, float]]:
    """Return measures of clips with 95 % intervals, from their values in bootstrap samples.

    Args:
        measures: ``(R + 1,)`` by name: of the data, then of each sample.
        samples: the samples.
        shares: the measures that are a share of clips, see `cluster_bootstrap`.
        differences: the measures that are a difference of two such shares.

    Returns:
        Per measure (value, low, high), see `cluster_bootstrap`.
    """
    found = {}
    for name, values in measures.items():
        value, error = float(values[0]), standard_error(values[1:])
        if samples.groups < FEWEST_GROUPS:
            low, high = UNKNOWN
        elif name in shares:
            low, high = share_interval(value, error, groups=samples.groups, degrees=samples.degrees)
        elif name in differences:
            _, (low, high) = difference_interval(values, samples)
        else:
            low, high = t_interval(value, error, samples.degrees)
        found[name] = (value, low, high)
    return found
