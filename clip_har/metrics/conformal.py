"""Conformal sets: for each clip the classes that may be true, at a promised coverage.

The sets need clips with known classes that are like those to come: the reference clips.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.accuracy import Labels, Scores
from clip_har.metrics.calibration import check_distributions, confidence_in_truth

_ROUNDING = 1e-9


def least_probability(
    labels: Labels, probabilities: Scores, groups: Sequence[str], *, level: float
) -> float:
    """Return the probability that a class needs to be in a clip's set, from reference clips.

    **What it promises.** Take a new group like the reference groups, and any clip of it. In a share
    ``level`` of such draws or more, the clip's set holds its true class. This needs no assumption
    about the model; it needs that the new group might as well have been a reference group. A mask
    breaks that, so coverage under a mask is not promised but measured.

    Split conformal prediction (Vovk et al. 2005) would promise it for clips that are independent.
    Clips of one group are not: here groups take the place of clips. Each of the K reference groups
    weighs 1 / (K + 1), divided evenly among its clips, and the new group's weight lies at a
    probability of 0 (hierarchical conformal prediction, Lee, Barber and Willett 2023,
    "Distribution-free inference with hierarchical data"; Dunn, Wasserman and Ramdas 2022 take one
    clip of each group instead). The sets are those of the least mean size (Sadinle, Lei and
    Wasserman 2019, "Least ambiguous set-valued classifiers"): all classes at least this probable.

    Args:
        labels: ``(N,)`` true classes of the reference clips.
        probabilities: ``(N, C)`` of the reference clips.
        groups: N names.
        level: promised coverage, in (0, 1).

    Returns:
        In [0, 1]. 0 with fewer than level / (1 − level) groups (9 for 90 %): only the set of all
        classes keeps the promise then.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.

    Example:
        >>> true = np.linspace(0.05, 0.95, 19)
        >>> probabilities = np.stack([true, 1 - true], axis=1)
        >>> names = [str(n) for n in range(19)]
        >>> round(least_probability(np.zeros(19, int), probabilities, names, level=0.9), 2)
        0.1
        >>> least_probability(np.zeros(19, int), probabilities, ["one"] * 19, level=0.9)
        0.0
    """
    check_distributions(labels, probabilities)
    true = confidence_in_truth(labels, probabilities)
    order = np.argsort(-true, kind="stable")
    held = evenly_by_group(groups)[order].cumsum()
    count = len(set(groups))
    enough = np.flatnonzero(held * count >= level * (count + 1) - _ROUNDING)
    return float(true[order[enough[0]]]) if len(enough) else 0.0


def evenly_by_group(groups: Sequence[str]) -> NDArray[np.float64]:
    """Return ``(N,)`` weights of clips that sum to 1, the same for each group.

    Example:
        >>> evenly_by_group(["a", "a", "b"]).tolist()
        [0.25, 0.25, 0.5]
    """
    which = pd.factorize(np.array(groups, object))[0]
    sizes = np.bincount(which)
    weights: NDArray[np.float64] = 1 / (sizes[which] * len(sizes))
    return weights


def set_columns(
    labels: Labels, probabilities: Scores, *, least: float
) -> dict[str, NDArray[np.float64]]:
    """Return ``(N,)`` per clip: ``coverage`` (0 or 1), ``set_size``, ``single`` and ``empty``.

    Args:
        labels: true classes.
        probabilities: the model's.
        least: see `least_probability`.
    """
    sizes = (probabilities >= least).sum(axis=1)
    return {
        "conformal/coverage": (confidence_in_truth(labels, probabilities) >= least) * 1.0,
        "conformal/set_size": sizes * 1.0,
        "conformal/single": (sizes == 1) * 1.0,
        "conformal/empty": (sizes == 0) * 1.0,
    }
