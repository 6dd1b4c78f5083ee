"""Conformal sets: for each clip the classes that may be true, at a promised coverage.

The sets need clips with known classes that are like those to come: the reference clips.
"""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.accuracy import Labels, Scores
from clip_har.metrics.bootstrap import Means, cluster_bootstrap
from clip_har.metrics.calibration import check_distributions, confidence_in_truth
from clip_har.metrics.pairing import common_rows
from clip_har.results.score_table import ScoreTable

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


def conformal_measures(
    table: ScoreTable, reference: ScoreTable, coverage: float
) -> dict[str, float]:
    """Return the coverage and size of the conformal sets of a cell's clips.

    All are means over groups, as the promise is: each group counts the same, and within it each
    clip.

    - ``conformal/least_probability``: see `least_probability`; one for all cells of a reference;
    - ``conformal/coverage``: share of clips whose set holds the true class;
    - ``conformal/set_size``: mean number of classes in a set;
    - ``conformal/single`` and ``conformal/empty``: share of sets of one class, and of none.

    Args:
        table: of the cell.
        reference: of its reference cell.
        coverage: the promised coverage, in (0, 1).
    """
    least = least_probability(
        reference.labels, reference.probabilities(), reference.groups, level=coverage
    )
    columns = _set_columns(table, least)
    weights = evenly_by_group(table.groups)
    total = weights @ np.ones(len(weights))  # 1, with the rounding of the other sums
    means = {name: float(weights @ column / total) for name, column in columns.items()}
    return {"conformal/least_probability": least, **means}


def conformal_intervals(
    table: ScoreTable, clean: ScoreTable | None = None, *, least: float, draws: int = 1000
) -> dict[str, tuple[float, float, float]]:
    """Return the coverage and size of conformal sets with 95 % intervals over groups.

    They hold for new groups and the reference clips as they are: few reference groups may give a
    coverage above or below the promised one for all cells alike. So the effect of a mask is the
    change from the clean twin, with the same least probability and paired by clip.

    Args:
        table: of a cell.
        clean: of its clean twin; None if there is none.
        least: see `least_probability`.
        draws: number of bootstrap samples.

    Returns:
        Per measure (value, low, high), see `clip_har.metrics.bootstrap.cluster_bootstrap`; with a
        twin also ``change``, that of coverage over the clips that both show.
    """
    columns = _set_columns(table, least)
    shares = set(columns) - {"conformal/set_size"}
    found = _over_groups(columns, table.groups, table.labels, shares=shares, draws=draws)
    if clean is not None:
        (rows, before), clip_ids = common_rows([table, clean])
        if clip_ids:
            held = "conformal/coverage"
            change = columns[held][rows] - _set_columns(clean, least)[held][before]
            groups = [table.groups[row] for row in rows]
            found |= _over_groups({"change": change}, groups, table.labels[rows], draws=draws)
    return found


def _over_groups(
    columns: Means,
    groups: Sequence[str],
    labels: Labels,
    *,
    shares: Collection[str] = (),
    draws: int,
) -> dict[str, tuple[float, float, float]]:
    """Return the means of columns in which each group counts the same, with intervals."""
    weights = evenly_by_group(groups)
    weighted = {name: column * weights for name, column in columns.items()}

    def means(sums: Means) -> Means:
        return {name: sums[name] / sums["weight"] for name in columns}

    return cluster_bootstrap(
        {**weighted, "weight": weights}, groups, means, classes=labels, shares=shares, draws=draws
    )


def _set_columns(table: ScoreTable, least: float) -> dict[str, NDArray[np.float64]]:
    """Return ``(N,)`` per clip what `conformal_measures` averages, under the same names."""
    probabilities = table.probabilities()
    sizes = (probabilities >= least).sum(axis=1)
    held = confidence_in_truth(table.labels, probabilities) >= least
    return {
        "conformal/coverage": held.astype(np.float64),
        "conformal/set_size": sizes.astype(np.float64),
        "conformal/single": (sizes == 1).astype(np.float64),
        "conformal/empty": (sizes == 0).astype(np.float64),
    }
