"""Bias between kinds of clips: does a model do worse for some viewpoint, person or type of action?

An attribute gives each clip a value (see `clip_har.data.clips.Clip`); clips without a value are
left out. The fairness literature calls it the sensitive feature.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.accuracy import Labels
from clip_har.metrics.bootstrap import cluster_bootstrap
from clip_har.results.score_table import ScoreTable


def attribute_gaps(
    labels: Labels, answers: Labels, values: Sequence[str | None], *, classes: int
) -> dict[str, float]:
    """Return how much accuracy and error rates differ between the values of an attribute.

    - ``accuracy_difference``: top-1 of the best value minus that of the worst, in [0, 1];
      ``accuracy_ratio``: that of the worst over that of the best, in [0, 1], left out if the best
      is 0 (``MetricFrame.difference`` and ``ratio`` of fairlearn, Bird et al. 2020).
    - ``equalised_odds``: the mean over classes c of max(ΔTPR_c, ΔFPR_c), in [0, 1]. TPR_c is the
      share of the clips of c that are predicted as c, FPR_c that of all other clips, Δ the largest
      minus the smallest over the values. For one class this is fairlearn's equalised odds
      difference (Hardt et al. 2016); the mean over classes is ours. A rate is not known for a value
      without such clips. If the attribute follows from the class (a type of action), only the false
      positives remain.

    All are extremes: chance alone makes them large if a value has few clips. So read them beside
    the intervals of `attribute_table`, and compare them over the same clips only.

    fairlearn computes the same numbers, but it is not needed for three lines of arithmetic.

    Args:
        labels: ``(N,)`` true classes.
        answers: ``(N,)`` predicted classes.
        values: N values, None where one is not known.
        classes: number C of classes.

    Returns:
        Empty if fewer than two values are known.

    Example:
        >>> labels, answers = np.array([0, 1, 0, 1]), np.array([0, 1, 0, 0])
        >>> attribute_gaps(labels, answers, ["left", "left", "right", "right"], classes=2)
        {'accuracy_difference': 0.5, 'accuracy_ratio': 0.5, 'equalised_odds': 1.0}
    """
    names, which = np.unique([value or "" for value in values], return_inverse=True)
    known = np.array([value is not None for value in values], bool)
    confusion = np.zeros((len(names), classes, classes), np.int64)
    np.add.at(confusion, (which[known], labels[known], answers[known]), 1)
    confusion = confusion[confusion.sum(axis=(1, 2)) > 0]  # (V, C, C): value, true, predicted
    if len(confusion) < 2:
        return {}
    clips = confusion.sum(axis=(1, 2))
    accuracy = np.trace(confusion, axis1=1, axis2=2) / clips
    found = {"accuracy_difference": float(accuracy.max() - accuracy.min())}
    if accuracy.max() > 0:
        found["accuracy_ratio"] = float(accuracy.min() / accuracy.max())
    hits = np.diagonal(confusion, axis1=1, axis2=2)  # (V, C)
    of_class, predicted = confusion.sum(axis=2), confusion.sum(axis=1)
    present = of_class.sum(axis=0) > 0
    gaps = np.maximum(_spread(hits, of_class), _spread(predicted - hits, clips[:, None] - of_class))
    return found | {"equalised_odds": float(gaps[present].mean())}


def _spread(counts: NDArray[np.int64], of: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``(C,)`` the largest minus the smallest of the ``(V, C)`` rates that are known."""
    rates = counts / np.maximum(of, 1)
    highest = np.where(of > 0, rates, -np.inf).max(axis=0)
    lowest = np.where(of > 0, rates, np.inf).min(axis=0)
    spread: NDArray[np.float64] = np.maximum(highest - lowest, 0)  # 0 where no rate is known
    return spread


def attribute_metrics(table: ScoreTable) -> dict[str, float]:
    """Return `attribute_gaps` of each attribute under its MLflow name, ``bias/<attribute>/…``."""
    answers = table.predictions()
    return {
        f"bias/{attribute}/{measure}": value
        for attribute, values in table.attributes.items()
        for measure, value in attribute_gaps(
            table.labels, answers, values, classes=len(table.class_names)
        ).items()
    }


def attribute_table(table: ScoreTable, *, draws: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Return the accuracy for each value of each attribute.

    Args:
        table: of a cell.
        draws: number of bootstrap samples.
        seed: of the bootstrap.

    Returns:
        Columns ``attribute, value, clips, groups, top1, low, high``: 95 % intervals over groups,
        see `cluster_bootstrap`; values sorted.
    """
    right = (table.predictions() == table.labels).astype(np.float64)
    groups = np.array(table.groups)
    rows = []
    for attribute, values in table.attributes.items():
        column = np.array([value or "" for value in values])
        known = np.array([value is not None for value in values], bool)
        for value in sorted(set(column[known])):
            here = known & (column == value)
            found = cluster_bootstrap(
                {"top1": right[here]}, groups[here].tolist(), lambda means: means,
                classes=table.labels[here], shares={"top1"}, draws=draws, seed=seed,
            )  # fmt: skip
            rows.append((attribute, value, int(here.sum()), len(set(groups[here])), *found["top1"]))
    names = ["attribute", "value", "clips", "groups", "top1", "low", "high"]
    return pd.DataFrame(rows, columns=names)
