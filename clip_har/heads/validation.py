"""How good scores are on validation clips, at the temperature that is best for them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from clip_har.heads.clips import balanced

_LOG_SCALES = (-5, 3)  # of the temperatures that are searched


def best_log_probability(
    scores: NDArray[np.float64],
    labels: NDArray[np.int64] | None = None,
    *,
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Return max over a > 0 of the mean of ln softmax(a · s) at the true class.

    Args:
        scores: ``(N, K)``; −inf for classes that are no candidates.
        labels: ``(N,)``, the column of the true class; None: it is the first column.
        weights: ``(N,)`` of the clips; None for equal ones.

    Example:
        >>> scores = np.array([[1.0, 0.0], [0.0, 1.0]])  # no better than chance: ln 1/2
        >>> round(best_log_probability(scores), 3)
        -0.693
    """
    return -float(_search(scores, labels, weights).fun)


def best_scale(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the factor of logits ``(N, C)`` with which `validation_score` is reached."""
    found = _search(logits.astype(np.float64), labels, balanced(labels))
    return float(np.exp(found.x))


def validation_score(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the score of a head on validation clips; larger is better.

    It is the mean log-probability of the true class at the best temperature, as noise is validated:
    a head that is only more or less sure is neither better nor worse. All classes count the same.

    Args:
        logits: ``(N, C)``.
        labels: ``(N,)``.
    """
    return best_log_probability(logits.astype(np.float64), labels, weights=balanced(labels))


def _search(
    scores: NDArray[np.float64],
    labels: NDArray[np.int64] | None,
    weights: NDArray[np.float64] | None,
) -> Any:
    """Return scipy's result over ln a, see `best_log_probability`."""
    true = np.zeros(len(scores), np.int64) if labels is None else labels
    rows = np.arange(len(scores))

    def loss(log_scale: float) -> float:
        logs = log_softmax(np.exp(log_scale) * scores, axis=1)[rows, true]
        return -float(np.average(logs, weights=weights))

    return minimize_scalar(loss, bounds=_LOG_SCALES, method="bounded")
