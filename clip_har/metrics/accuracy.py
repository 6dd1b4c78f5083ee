"""Accuracy: pure functions of labels and scores.

In all of them ``labels`` is ``(N,)`` int in [0, C), ``scores`` is ``(N, C)`` float, and a clip's
classes are ranked by falling score, equal scores by class index.
"""

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Scores = NDArray[np.floating]


def ranking(scores: Scores) -> NDArray[np.int64]:
    """Return ``(N, C)`` class indices, best first."""
    return np.argsort(-scores, axis=1, kind="stable")


def top_k(labels: Labels, scores: Scores, k: int) -> float:
    """Return the share of clips whose label is among the k best classes, in [0, 1].

    With k ≥ C it is 1 by definition.

    Raises:
        ValueError: when there is no clip.

    Example:
        >>> scores = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]])
        >>> top_k(np.array([1, 1]), scores, 1), top_k(np.array([1, 1]), scores, 2)
        (0.5, 1.0)
    """
    _check(labels)
    return float((ranking(scores)[:, :k] == labels[:, None]).any(axis=1).mean())


def balanced_accuracy(labels: Labels, scores: Scores) -> float:
    """Return the mean recall over the classes that are present, in [0, 1].

    Example:
        >>> scores = np.eye(3)[[0, 0, 0, 1]]
        >>> round(balanced_accuracy(np.array([0, 0, 1, 1]), scores), 3)
        0.75
    """
    _check(labels)
    hit = ranking(scores)[:, 0] == labels
    present, which = np.unique(labels, return_inverse=True)
    return float((np.bincount(which, hit) / np.bincount(which)).mean() if len(present) else np.nan)


def macro_f1(labels: Labels, scores: Scores) -> float:
    """Return the mean F1 over the classes that are present, in [0, 1].

    Predictions of a class that is absent count as misses of the true class; the absent class
    itself, which has no recall, is left out of the mean (scikit-learn's ``f1_score`` with
    ``labels=present, average="macro"``).
    """
    from sklearn.metrics import f1_score

    _check(labels)
    return float(
        f1_score(
            labels,
            ranking(scores)[:, 0],
            labels=np.unique(labels),
            average="macro",
            zero_division=0,
        )
    )


def confidence(probabilities: Scores) -> float:
    """Return the mean of the best class's probability, in [1/C, 1].

    Args:
        probabilities: ``(N, C)``, rows sum to 1.
    """
    return float(probabilities.max(axis=1).mean())


def confusion_matrix(labels: Labels, scores: Scores) -> NDArray[np.int64]:
    """Return ``(C, C)`` counts: row the true class, column the predicted one."""
    classes = scores.shape[1]
    pairs = labels * classes + ranking(scores)[:, 0]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def _check(labels: Labels) -> None:
    if len(labels) == 0:
        raise ValueError("expected at least one clip")
