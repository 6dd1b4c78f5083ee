"""A specification curve: one conclusion under all choices that could have been made."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.core.seeding import generator
from clip_har.metrics.bootstrap import difference_interval, group_draws

Expected = Literal["lower", "higher"]

LEVEL = 0.05
"""A specification whose p-value is below counts as significant."""


@dataclass(frozen=True, eq=False)
class SpecificationCurve:
    """The estimates of all specifications, and what they say together.

    Attributes:
        specifications: a row for each, in the order given, with the columns ``difference, low,
            high, p``: its mean difference, the 95 % interval over groups (NaN without one), and
            the two-sided p-value of the flips that all specifications share.
        joint: rows ``median``, ``expected`` and ``significant`` with the columns ``value, p``: the
            median difference; the share of specifications whose difference has the expected sign;
            the number that have it and a p-value below `LEVEL`. Each p is one-sided: how often a
            curve without any effect is at least as far in the expected direction. Specifications
            that are much alike often have one sign without any effect, so the p of ``expected``
            may be large where all have the expected sign.
        clips: number of clips.
        groups: number of their groups.
    """

    specifications: pd.DataFrame
    joint: pd.DataFrame
    clips: int
    groups: int


def specification_curve(
    differences: NDArray[np.float64],
    groups: Sequence[str],
    *,
    expected: Expected,
    classes: NDArray[np.int64] | None = None,
    patterns: int = 2**13,
    draws: int = 2000,
    seed: int = 0,
) -> SpecificationCurve:
    """Return the curve of Simonsohn, Simmons and Nelson (2020, "Specification curve analysis").

    The specifications answer one question on the same clips, so they are not independent: a test
    of each says little about all. Under the null hypothesis that no specification has an effect,
    both signs of a group's differences are equally likely. The sign of a group is flipped in all
    specifications at once, which keeps how they hang together, and the whole curve is computed
    again for each pattern of signs: all 2^G if they are no more than ``patterns``, else as many
    random ones, of which the data are one. So the smallest p is one over their number.

    Args:
        differences: ``(S, N)``, condition minus control, of each specification and clip.
        groups: N names.
        expected: the sign that was expected before the numbers were seen.
        classes: ``(N,)`` the clips' true classes, see `group_draws`.
        patterns: largest number of sign patterns.
        draws: number of bootstrap samples of the intervals.
        seed: of patterns and bootstrap.

    Raises:
        ValueError: without a specification, or when the clips and groups differ in number.

    Example:
        >>> differences = np.array([[-1.0] * 6, [-1.0] * 5 + [1.0]])
        >>> curve = specification_curve(differences, list("abcdef"), expected="lower")
        >>> curve.specifications["p"].tolist()
        [0.03125, 0.21875]
        >>> curve.joint["value"].round(2).to_dict()
        {'median': -0.83, 'expected': 1.0, 'significant': 1.0}
    """
    if differences.ndim != 2 or not differences.size or differences.shape[1] != len(groups):
        raise ValueError(
            f"expected differences of at least one specification and one clip, and a group for each"
            f" clip; got {differences.shape} and {len(groups)} groups"
        )
    samples = group_draws(groups, classes, draws=draws, seed=seed)
    clips = len(groups)
    means = samples.sums(differences.T) / samples.sums(np.ones(clips))[:, None]  # (R + 1, S)
    intervals = [difference_interval(values, samples)[1] for values in means.T]
    sums = np.stack([np.bincount(samples.which, one, samples.groups) for one in differences])
    signs = _signs(samples.groups, patterns, seed)
    flipped = (signs @ sums.T / clips).round(9)  # (patterns, S); equal ones must be equal
    p_values = np.stack([_two_sided(one) for one in np.abs(flipped).T], axis=1)
    towards = -flipped if expected == "lower" else flipped
    found = {
        "median": np.median(towards, axis=1),
        "expected": (towards > 0).mean(axis=1),
        "significant": ((towards > 0) & (p_values < LEVEL)).sum(axis=1).astype(np.float64),
    }
    joint = pd.DataFrame(
        {
            "value": {name: float(values[0]) for name, values in found.items()},
            "p": {name: float((values >= values[0]).mean()) for name, values in found.items()},
        }
    )
    joint.loc["median", "value"] = float(np.median(means[0]))
    rows = {
        "difference": means[0],
        "low": [low for low, _ in intervals],
        "high": [high for _, high in intervals],
        "p": p_values[0],
    }
    return SpecificationCurve(pd.DataFrame(rows), joint, clips, samples.groups)


def _signs(groups: int, patterns: int, seed: int) -> NDArray[np.float64]:
    """Return patterns of signs, ``(P, G)``; the first leaves all as they are."""
    if groups < 63 and 2**groups <= patterns:
        return np.array(list(product((1.0, -1.0), repeat=groups)))
    rng = generator(seed, "specification curve", "patterns")
    signs: NDArray[np.float64] = 2 * rng.integers(2, size=(patterns, groups)).astype(float) - 1
    signs[0] = 1
    return signs


def _two_sided(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each pattern how often one is at least as far from 0, in (0, 1]."""
    below = np.searchsorted(np.sort(sizes), sizes, side="left")
    p_values: NDArray[np.float64] = 1 - below / len(sizes)
    return p_values
