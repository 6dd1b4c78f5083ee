"""Intervals for measures of clips that come in groups."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from clip_har.seeding import generator

Means = Mapping[str, NDArray[np.float64]]
_TAILS = (0.025, 0.975)


def cluster_bootstrap(
    columns: Mapping[str, NDArray[np.floating]],
    groups: Sequence[str],
    measures: Callable[[Means], Means],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, tuple[float, float, float]]:
    """Return measures of clips with 95 % percentile intervals from a bootstrap over groups.

    Groups are drawn with replacement, each with all of its clips, since clips of one group share
    actor and place (Field and Welsh 2007, cluster bootstrap). All measures see the same draws.

    Args:
        columns: per name a number for each of the N clips, such as 1 where the answer is right.
        groups: N names.
        measures: computes each measure from the columns' means over clips; called with arrays,
            one entry per draw.
        draws: number of bootstrap samples.
        seed: of the draws.

    Returns:
        Per measure (value, low, high); low and high are NaN with fewer than 2 groups.

    Raises:
        ValueError: when there is no clip.

    Example:
        >>> hits = {"right": np.array([1.0, 1.0, 0.0, 0.0])}
        >>> cluster_bootstrap(hits, ["a", "a", "b", "b"], lambda means: means)["right"]
        (0.5, 0.0, 1.0)
    """
    if not groups:
        raise ValueError("expected at least one clip")
    names, which = np.unique(list(groups), return_inverse=True)
    drawn = generator(seed, "bootstrap", "groups").integers(len(names), size=(draws, len(names)))
    times = np.stack([np.bincount(row, minlength=len(names)) for row in drawn])  # (R, G)
    times = np.concatenate([np.ones((1, len(names)), np.int64), times])  # first: each group once
    clips = times @ np.bincount(which)
    means = {
        name: times @ np.bincount(which, column, minlength=len(names)) / clips
        for name, column in columns.items()
    }
    found = {}
    for name, values in measures(means).items():
        known = values[1:][np.isfinite(values[1:])]  # a ratio has no value in a draw without hits
        spread = len(names) > 1 and len(known)
        low, high = np.quantile(known, _TAILS) if spread else (np.nan, np.nan)
        found[name] = (float(values[0]), float(low), float(high))
    return found
