"""Accuracy: pure functions of labels and scores.

In all of them ``labels`` is ``(N,)`` int in [0, C), ``scores`` is ``(N, C)`` float, and a clip's
classes are ranked from the highest score to the lowest, equal scores by class index.
"""

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Scores = NDArray[np.floating]


def best(scores: Scores) -> NDArray[np.int64]:
    """Return ``(N,)``, the best class of each clip."""
    found: NDArray[np.int64] = scores.argmax(axis=1)
    return found


def among_best(scores: Scores, k: int) -> NDArray[np.bool_]:
    """Return ``(N, C)``: whether a class is among the k ≥ 1 best of a clip; all are with k ≥ C.

    Example:
        >>> among_best(np.array([[0.1, 0.7, 0.1]]), 2)
        array([[ True,  True, False]])
    """
    if k >= scores.shape[1]:
        return np.ones(scores.shape, np.bool_)
    least = np.partition(scores, -k, axis=1)[:, -k, None]  # the score of the last of them
    better, equal = scores > least, scores == least
    left = k - better.sum(axis=1, keepdims=True)
    found: NDArray[np.bool_] = better | (equal & (equal.cumsum(axis=1) <= left))
    return found


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
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    equal_before = (scores == own) & (np.arange(scores.shape[1]) < labels[:, None])
    place = ((scores > own) | equal_before).sum(axis=1)  # in the order of this module, from 0
    return float((place < k).mean())


def top1(labels: Labels, scores: Scores) -> float:
    """Return `top_k` for k = 1."""
    return top_k(labels, scores, 1)


def top5(labels: Labels, scores: Scores) -> float | None:
    """Return `top_k` for k = 5; None with five classes or fewer, where it is always 1."""
    return top_k(labels, scores, 5) if scores.shape[1] > 5 else None


def balanced_accuracy(labels: Labels, scores: Scores) -> float:
    """Return the mean recall over the classes that are present, in [0, 1].

    Raises:
        ValueError: when there is no clip.

    Example:
        >>> scores = np.eye(3)[[0, 0, 0, 1]]
        >>> round(balanced_accuracy(np.array([0, 0, 1, 1]), scores), 3)
        0.75
    """
    _check(labels)
    hits, clips, _ = class_counts(labels, best(scores), scores.shape[1])
    present = clips > 0
    return float((hits[present] / clips[present]).mean())


def macro_f1(labels: Labels, scores: Scores) -> float:
    """Return the mean F1 over the classes that are present, in [0, 1].

    A prediction of an absent class counts as a miss of the true class. The absent class itself has
    no recall and is left out of the mean.

    Raises:
        ValueError: when there is no clip.
    """
    _check(labels)
    hits, clips, predicted = class_counts(labels, best(scores), scores.shape[1])
    present = clips > 0
    return float((2 * hits[present] / (clips + predicted)[present]).mean())


def class_counts(labels: Labels, answers: Labels, classes: int) -> NDArray[np.int64]:
    """Return what precision, recall and F1 of each class are made of.

    Args:
        labels: ``(N,)`` int in [0, C).
        answers: ``(N,)`` int in [0, C), the predicted classes.
        classes: number C of classes.

    Returns:
        ``(3, C)``: hits, clips and predictions of each class.
    """
    counted = (labels[labels == answers], labels, answers)
    return np.stack([np.bincount(one, minlength=classes) for one in counted])


def confidence(probabilities: Scores) -> float:
    """Return the mean probability of the best class, in [1/C, 1].

    Args:
        probabilities: ``(N, C)``, rows sum to 1.
    """
    return float(probabilities.max(axis=1).mean())


def confusion_matrix(labels: Labels, scores: Scores) -> NDArray[np.int64]:
    """Return ``(C, C)`` counts: row the true class, column the predicted one.

    scikit-learn counts the same, but warns about a single class even if ``labels`` names it.
    """
    classes = scores.shape[1]
    pairs = labels * classes + best(scores)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def _check(labels: Labels) -> None:
    if len(labels) == 0:
        raise ValueError("expected at least one clip")
