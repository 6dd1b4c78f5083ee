"""Intervals for measures of clips that come in groups."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from clip_har.core.seeding import generator
from clip_har.metrics.significance import wilson_interval

Means = Mapping[str, NDArray[np.float64]]
_TAILS = (0.025, 0.975)


@dataclass(frozen=True, eq=False)
class GroupDraws:
    """Bootstrap samples of clips, in which whole groups are sampled.

    Attributes:
        which: ``(N,)`` int64, each clip's group in [0, G).
        times: ``(R + 1, G)`` int64, how often each sample holds each group; row 0 is the data as
            they are, each group once.
    """

    which: NDArray[np.int64]
    times: NDArray[np.int64]

    def sums(self, numbers: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return a column's sum over the clips of each sample.

        Args:
            numbers: ``(N,)`` or ``(N, F)``, real or bool.

        Returns:
            ``(R + 1,)`` or ``(R + 1, F)``.
        """
        sums: NDArray[np.float64] = self._weights @ (self._membership @ numbers.astype(np.float64))
        return sums

    @cached_property
    def _membership(self) -> csr_array:
        """``(G, N)``, 1 where a clip is of a group."""
        clips = len(self.which)
        ones, shape = np.ones(clips), (self.times.shape[1], clips)
        return csr_array((ones, (self.which, np.arange(clips))), shape=shape)

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        return self.times.astype(np.float64)  # products of floats are fast, of integers not


def group_draws(groups: Sequence[str], *, draws: int = 2000, seed: int = 0) -> GroupDraws:
    """Sample groups with replacement, each with all of its clips.

    The clips of one group share actor and place, so they are not independent (cluster bootstrap,
    Field and Welsh 2007).

    Args:
        groups: N names.
        draws: number R of bootstrap samples.
        seed: of the bootstrap.

    Raises:
        ValueError: when there is no clip.

    Example:
        >>> samples = group_draws(["a", "a", "b"], draws=3)
        >>> samples.times.shape, samples.times.sum(axis=1).tolist()
        ((4, 2), [2, 2, 2, 2])
        >>> float(samples.sums(np.array([1.0, 2.0, 4.0]))[0])
        7.0
    """
    if not groups:
        raise ValueError("expected at least one clip")
    which, names = pd.factorize(np.array(groups, object), sort=True)
    return GroupDraws(which, multiplicities(len(names), draws=draws, seed=seed, of="groups"))


@lru_cache(maxsize=8)  # the cells of a sweep have the same groups
def multiplicities(count: int, *, draws: int, seed: int, of: str) -> NDArray[np.int64]:
    """Sample ``count`` of ``count`` items with replacement, and count each.

    Args:
        count: number of items, at least 1.
        draws: number R of bootstrap samples.
        seed: of the bootstrap.
        of: what is sampled; each kind has an independent random stream.

    Returns:
        ``(R + 1, count)``, rows sum to ``count``; row 0 is the data as they are, all ones.
    """
    sampled = generator(seed, "bootstrap", of).integers(count, size=(draws, count))
    cells = sampled + count * np.arange(draws)[:, None]
    times = np.bincount(cells.ravel(), minlength=draws * count).reshape(draws, count)
    found = np.concatenate([np.ones((1, count), np.int64), times])
    found.flags.writeable = False  # it is shared
    return found


def percentile_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 2.5 % and 97.5 % points of a measure's ``(R,)`` bootstrap values.

    Values that are not finite, such as a ratio in a sample without hits, are left out; NaN if none
    is left.
    """
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, _TAILS) if len(known) else (np.nan, np.nan)
    return float(low), float(high)


def cluster_bootstrap(
    columns: Mapping[str, NDArray[np.floating]],
    groups: Sequence[str],
    measures: Callable[[Means], Means],
    *,
    shares: Collection[str] = (),
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, tuple[float, float, float]]:
    """Return measures of clips with 95 % percentile intervals from a bootstrap over groups.

    Groups are sampled as in `group_draws`. All measures see the same samples. With fewer than about
    30 groups the intervals are a little too narrow (Cameron, Gelbach and Miller 2008).

    Where a share of clips is 0 or 1, every sample has the same value, and a bootstrap interval
    would claim certainty. There Wilson's interval takes its place. Clips of one group may all
    be right or wrong together, so its number of independent observations is that of the groups,
    not of the clips: 0 of 8 clips in 4 groups count as 0 of 4. That is the widest choice (a
    correlation of 1 within groups); without groups, each clip is its own.

    Args:
        columns: per name a number for each of the N clips, such as 1 if the prediction is right.
        groups: N names.
        measures: computes each measure from the columns' means over clips; called with arrays,
            one entry per sample.
        shares: the measures that are a share of clips; differences and ratios are not.
        draws: number of bootstrap samples.
        seed: of the bootstrap.

    Returns:
        Per measure (value, low, high); low and high are NaN with fewer than 2 groups.

    Raises:
        ValueError: when there is no clip.

    Example:
        >>> hits = {"right": np.array([1.0, 1.0, 0.0, 0.0])}
        >>> cluster_bootstrap(hits, ["a", "a", "b", "b"], lambda means: means)["right"]
        (0.5, 0.0, 1.0)
        >>> nothing = {"right": np.zeros(4)}
        >>> found = cluster_bootstrap(
        ...     nothing, ["a", "a", "b", "b"], lambda means: means, shares={"right"}
        ... )
        >>> [round(number, 3) for number in found["right"]]  # Wilson's interval of 0 of 2
        [0.0, 0.0, 0.658]
    """
    samples = group_draws(groups, draws=draws, seed=seed)
    clips = samples.sums(np.ones(len(groups)))
    means = {name: samples.sums(column) / clips for name, column in columns.items()}
    count = samples.times.shape[1]
    found = {}
    for name, values in measures(means).items():
        value = float(values[0])
        if count < 2:
            interval = (np.nan, np.nan)
        elif name in shares and value in (0, 1):
            interval = wilson_interval(count * int(value), count)
        else:
            interval = percentile_interval(values[1:])
        found[name] = (value, *interval)
    return found
