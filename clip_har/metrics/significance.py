"""Is a difference more than chance, or small enough to be none? Tests and corrections."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from clip_har.core.seeding import generator

Correction = Literal["holm", "benjamini_hochberg"]

_LARGEST_UNIT = 1000  # sums that are multiples of 1/1000 or more are counted exactly
_LARGEST_TABLE = 10**8  # steps of the exact count, about 0.1 s
_PATTERNS = 2**16  # of random signs, where an exact count is too large
_BATCH = 2**12


def sign_flip(differences: NDArray[np.float64], groups: Sequence[str]) -> float:
    """Return the p-value of the paired sign-flip test over whole groups, two-sided, in (0, 1].

    Under the null hypothesis of no effect, both signs of a group's sum of differences are equally
    likely (Fisher 1935). Clips of a group share actor and place: they stay together. A test that
    counts clips, as McNemar's does, finds effects that are not there in up to a quarter of such
    data sets.

    The test is exact where the sums are multiples of a common fraction, as those of differences
    between right and wrong answers are, also as means over seeds or masks: the sums of all sign
    patterns are counted. Else it uses 65,536 random patterns. With G groups that differ p is never
    below 2^(1 − G).

    Args:
        differences: ``(N,)``, condition minus control, for each clip.
        groups: N names.

    Example:
        >>> sign_flip(np.ones(5), list("abcde"))
        0.0625
    """
    which, names = pd.factorize(np.asarray(groups, object))
    sums = np.bincount(which, differences, len(names))
    return _tail(np.abs(sums).round(9), float(sums.sum()))  # equal sums must be equal


def _tail(sizes: NDArray[np.float64], total: float) -> float:
    """Return how often random signs give groups a sum that is at least as far from 0."""
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return 1.0
    for unit in range(1, _LARGEST_UNIT + 1):
        counts = sizes * unit
        if np.abs(counts - counts.round()).max() < 1e-6 * unit:
            whole = counts.round().astype(np.int64)
            if len(whole) * int(whole.sum()) > _LARGEST_TABLE:
                break
            return _counted(whole, round(abs(total) * unit))
    return _sampled(sizes, abs(total))


def _counted(sizes: NDArray[np.int64], total: int) -> float:
    """Return the tail from the distribution of the sum of the positive groups, by convolution."""
    whole = int(sizes.sum())
    share = np.zeros(whole + 1)  # of the patterns, by the sum of the groups with a plus
    share[0], filled = 1.0, 0
    for size in np.sort(sizes).tolist():
        filled += size
        share[size : filled + 1] = (share[size : filled + 1] + share[: filled + 1 - size]) / 2
        share[:size] /= 2
    far = np.abs(2 * np.arange(whole + 1) - whole) >= total
    return float(min(share[far].sum(), 1.0))


def _sampled(sizes: NDArray[np.float64], total: float) -> float:
    rng, hits = generator(0, "sign flip", "patterns"), 0
    for _ in range(_PATTERNS // _BATCH):
        bits = np.frombuffer(rng.bytes(_BATCH * -(-len(sizes) // 8)), np.uint8)
        signs = np.unpackbits(bits.reshape(_BATCH, -1), axis=1, count=len(sizes))
        sums = 2 * (signs.astype(np.float64) @ sizes) - sizes.sum()
        hits += int((np.abs(sums) >= total - 1e-9).sum())
    return (hits + 1) / (_PATTERNS + 1)  # the data are one of the patterns (Phipson and Smyth 2010)


def t_test(difference: float, error: float, degrees: float) -> float:
    """Return the p-value of Student's test that a difference is 0, two-sided, in [0, 1].

    It is below 5 % where the interval of `clip_har.metrics.intervals.t_interval` leaves 0 out.

    Args:
        difference: as measured.
        error: its standard error.
        degrees: of freedom of that error.

    Returns:
        NaN without a standard error.

    Example:
        >>> round(t_test(0.1, 0.05, 15), 3)
        0.064
    """
    if not error > 0 or not degrees > 0:
        return float("nan")
    return float(2 * stdtr(degrees, -abs(difference) / error))


def equivalence(difference: float, error: float, degrees: float, *, margin: float) -> float:
    """Return the p-value of two one-sided tests (TOST, Schuirmann 1987), in [0, 1].

    Small if the true difference is nearer to 0 than the margin. A difference that was not found is
    not "no change"; this is. At 5 % it is the same as a 90 % interval inside ±margin.

    Args:
        difference: as measured.
        error: its standard error.
        degrees: of freedom of that error.
        margin: the largest difference that does not matter, above 0.

    Returns:
        NaN without a standard error.

    Example:
        >>> round(equivalence(0.002, 0.003, 600, margin=0.01), 3)
        0.004
    """
    if not error > 0 or not degrees > 0:
        return float("nan")
    return float(stdtr(degrees, -(margin - abs(difference)) / error))


def corrected(p_values: Sequence[float], method: Correction = "holm") -> NDArray[np.float64]:
    """Return p-values corrected for their number, in [0, 1].

    ``holm`` (1979) bounds the chance of any false alarm; ``benjamini_hochberg`` (1995) bounds the
    expected share of false alarms among all alarms. NaN stays NaN and does not count.

    Example:
        >>> corrected([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    # statsmodels takes longer to import than the rest of a cell's end; the tests compare with it.
    values = np.array(p_values, np.float64)
    known = np.flatnonzero(np.isfinite(values))
    known = known[np.argsort(values[known])]  # from the smallest on
    count = len(known)
    if method == "holm":
        raised = np.maximum.accumulate(values[known] * np.arange(count, 0, -1))
    else:
        ranks = np.arange(1, count + 1)
        raised = np.minimum.accumulate((values[known] / (ranks / max(count, 1)))[::-1])[::-1]
    values[known] = np.minimum(raised, 1)
    return values


def minimum_detectable(
    error: float, degrees: float = np.inf, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the smallest true difference that such an experiment would probably find.

    (t_{1−α/2} + t_power) · SE (Bloom 1995, "Minimum detectable effects"): 2.8 standard errors at
    5 % and 80 % with many groups. A difference that was not found says little about smaller ones.

    Args:
        error: the difference's standard error.
        degrees: of freedom of that error.
        alpha: level of the two-sided test.
        power: probability to find it.

    Example:
        >>> round(minimum_detectable(0.01), 4)
        0.028
    """
    return float((stdtrit(degrees, 1 - alpha / 2) + stdtrit(degrees, power)) * error)
