"""Is a difference more than chance? Intervals, paired tests, corrections, detectable effects."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Correction = Literal["holm", "benjamini_hochberg"]
_METHODS = {"holm": "holm", "benjamini_hochberg": "fdr_bh"}


def wilson_interval(hits: int, clips: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), in [0, 1].

    It holds for independent clips. Clips of one group are not, so for them it is too narrow. Unlike
    a bootstrap interval it does not collapse at 0 and 1.

    Args:
        hits: number of hits, at most ``clips``.
        clips: number of clips, at least 1.

    Example:
        >>> [round(end, 3) for end in wilson_interval(10, 10)]
        [0.722, 1.0]
    """
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, clips, method="wilson")
    return float(max(low, 0.0)), float(min(high, 1.0))


def mcnemar(right: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the p-value of the exact McNemar test (1947), two-sided, in [0, 1].

    A binomial test of the clips that are right in one cell only: under the null hypothesis either
    cell is equally likely. It assumes independent clips; read it beside the interval over groups.
    1 without such a clip.

    Args:
        right: ``(N,)``, whether one cell's prediction is right.
        other: ``(N,)``, the same for the other cell and the same clips.

    Example:
        >>> mcnemar(np.array([True] * 6), np.array([False] * 6))
        0.03125
    """
    from statsmodels.stats.contingency_tables import mcnemar as exact

    lost, gained = int((right & ~other).sum()), int((~right & other).sum())
    if lost + gained == 0:
        return 1.0
    return float(min(exact([[0, lost], [gained, 0]], exact=True).pvalue, 1.0))


def corrected(p_values: Sequence[float], method: Correction = "holm") -> NDArray[np.float64]:
    """Return p-values corrected for their number, in [0, 1].

    ``holm`` (1979) bounds the chance of any false alarm; ``benjamini_hochberg`` (1995) bounds the
    expected share of false alarms among all alarms. NaN stays NaN and does not count.

    Example:
        >>> corrected([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    from statsmodels.stats.multitest import multipletests

    values = np.array(p_values, np.float64)
    known = np.isfinite(values)
    if known.any():
        values[known] = multipletests(values[known], method=_METHODS[method])[1]
    return values


def minimum_detectable(standard_error: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the smallest true difference that such an experiment would probably find.

    (z_{1−α/2} + z_power) · SE (Bloom 1995, "Minimum detectable effects"): 2.8 standard errors at
    5 % and 80 %. A difference that was not found says little about smaller ones.

    Args:
        standard_error: of the difference; here from its bootstrap over groups.
        alpha: level of the two-sided test.
        power: probability to find it.

    Example:
        >>> round(minimum_detectable(0.01), 4)
        0.028
    """
    return float((norm.ppf(1 - alpha / 2) + norm.ppf(power)) * standard_error)
