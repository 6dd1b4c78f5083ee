"""Bias to classes: does a model favour some classes, whatever the clip shows? Pure functions.

In all of them ``labels`` is ``(N,)`` int in [0, C), and ``probabilities`` is ``(N, C)`` float in
[0, 1] with rows that sum to 1. The predicted class is the most probable one, the first of equals.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from clip_har.metrics.accuracy import Labels, Scores, confusion_matrix
from clip_har.metrics.calibration import check_distributions, normalised_entropy


def skew_kl(labels: Labels, probabilities: Scores) -> float:
    """Return how far the mean prediction is from the class frequencies, in nats, ≥ 0.

    KL(p̄ ‖ q) = Σ_c p̄_c ln(p̄_c / q_c) with p̄ the mean of the clips' distributions and q the
    frequencies of the evaluated clips' labels (Kullback and Leibler 1951). Wang et al. (2022,
    "Debiased learning from naturally imbalanced pseudo-labels") showed that CLIP's predictions
    concentrate on few classes although the data are balanced. The measure does not depend on which
    clip got which class: a model that shuffles its predictions among the clips has no skew.

    A class without a clip would have q_c = 0 and make it infinite. So q is smoothed, and the
    choice is ours: q_c = (n_c + 1/C) / (N + 1), one more clip that all classes share. That is
    little enough to leave a fair model near 0 when most classes are absent (half a clip *per
    class* would not), and enough to make probability on an absent class finite. Its penalty grows
    with N, so compare values over the same clips only.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.

    Example:
        >>> probabilities = np.array([[0.5, 0.5], [0.5, 0.5]])
        >>> skew_kl(np.array([0, 1]), probabilities)
        0.0
        >>> round(skew_kl(np.array([0, 0]), probabilities), 3)  # q = (2.5 / 3, 0.5 / 3)
        0.294
    """
    check_distributions(labels, probabilities)
    clips = one_hot(labels, probabilities.shape[1]).sum(axis=0, dtype=np.float64)
    return float(skew_of_sums(probabilities.sum(axis=0, dtype=np.float64), clips))


def prediction_bias(labels: Labels, probabilities: Scores) -> dict[str, float]:
    """Return the measures of a cell's bias to classes under their MLflow names.

    ``bias/skew_kl`` of the mean distribution, see `skew_kl`. Of the histogram h of the predictions,
    with q the frequencies of the labels:

    - ``bias/prediction_kl`` the same for h; ``bias/prediction_tv`` the total variation
      ½ Σ_c |h_c − q_c|; ``bias/prediction_entropy`` H(h) / ln C, 1 when all classes are predicted
      equally often;
    - ``bias/never_predicted`` the number of classes that are present and never predicted;
      ``bias/overprediction`` the largest ratio of predictions to clips of a present class (ours).

    Of the recalls of the present classes: ``bias/recall_sd`` their population standard deviation;
    ``bias/worst10``, see `worst_tenth`; ``bias/recall_gini``, see `gini`; ``bias/recall_gap`` the
    largest minus the smallest (Benz et al. 2021, "Robustness may be at odds with fairness"), which
    is 1 for nearly every model of many classes. And ``bias/confusion_asymmetry``, see
    `confusion_asymmetry`.

    With few clips per class chance alone moves all of them: compare values over the same clips,
    and read them beside what chance gives, see `clip_har.metrics.chance`.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.
    """
    check_distributions(labels, probabilities)
    confusion = confusion_matrix(labels, probabilities)
    clips = confusion.sum(axis=1, dtype=np.float64)  # of each class
    predicted = confusion.sum(axis=0, dtype=np.float64)
    hits = np.diag(confusion).astype(np.float64)
    present = clips > 0
    recall = hits[present] / clips[present]
    share = predicted / len(labels)
    return {
        "bias/skew_kl": skew_kl(labels, probabilities),
        "bias/prediction_kl": float(skew_of_sums(predicted, clips)),
        "bias/prediction_tv": float(np.abs(share - clips / len(labels)).sum() / 2),
        "bias/prediction_entropy": normalised_entropy(share[None]),
        "bias/never_predicted": float((present & (predicted == 0)).sum()),
        "bias/overprediction": float((predicted[present] / clips[present]).max()),
        "bias/recall_gap": float(recall.max() - recall.min()),
        "bias/recall_sd": float(recall.std()),
        "bias/recall_gini": gini(recall),
        "bias/worst10": float(worst_tenth(recall)),
        "bias/confusion_asymmetry": confusion_asymmetry(confusion),
    }


def gini(values: NDArray[np.floating]) -> float:
    """Return the Gini coefficient, Σᵢⱼ |xᵢ − xⱼ| / (2 n² x̄), in [0, 1); 0 where all are 0.

    Gini (1912). Of recalls it is 0 when all classes have the same.

    Args:
        values: ``(n,)``, at least 0.

    Example:
        >>> gini(np.array([0.0, 1.0]))
        0.5
    """
    ordered = np.sort(values)
    total, count = float(ordered.sum()), len(ordered)
    if total == 0:
        return 0.0
    ranks = 2 * np.arange(1, count + 1) - count - 1
    return max(0.0, float((ranks * ordered).sum() / (count * total)))  # rounding may give -1e-17


def confusion_asymmetry(confusion: NDArray[np.int64]) -> float:
    """Return how one-sided confusions are, Σ_{i<j} |K_ij − K_ji| / Σ_{i≠j} K_ij, in [0, 1].

    Ours. 0: two classes are mistaken for each other equally often; 1: always in one direction
    only. 0 without an error.

    Args:
        confusion: ``(C, C)`` counts, row true, column predicted.

    Example:
        >>> confusion_asymmetry(np.array([[5, 3], [1, 5]]))
        0.5
    """
    wrong = confusion.sum() - np.trace(confusion)
    return float(np.abs(confusion - confusion.T).sum() / 2 / wrong) if wrong else 0.0


def one_hot(labels: Labels, classes: int) -> NDArray[np.bool_]:
    """Return ``(N, C)``, true at each clip's label."""
    here: NDArray[np.bool_] = labels[:, None] == np.arange(classes)
    return here


def hits_by_class(labels: Labels, scores: Scores) -> NDArray[np.bool_]:
    """Return ``(N, C)``, true at each clip's label if that is predicted."""
    right: NDArray[np.bool_] = scores.argmax(axis=1) == labels  # the first of equal ones
    return np.logical_and(one_hot(labels, scores.shape[1]), right[:, None])


def skew_of_sums(
    probabilities: NDArray[np.float64], clips: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `skew_kl` of samples that are given as sums over their clips.

    Args:
        probabilities: ``(..., C)``, summed over the sample's clips.
        clips: ``(..., C)``, number of the sample's clips of each class.

    Returns:
        ``(...)``.
    """
    mean = probabilities / probabilities.sum(axis=-1, keepdims=True)
    prior = (clips + 1 / clips.shape[-1]) / (clips.sum(axis=-1, keepdims=True) + 1)
    skew: NDArray[np.float64] = rel_entr(mean, prior).sum(axis=-1)
    return np.maximum(skew, 0)  # rounding may give -1e-17


def recall_sd_of_sums(hits: NDArray[np.float64], clips: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the population standard deviation of recall over the present classes, in [0, 0.5].

    The samples are given as sums over their clips.

    Args:
        hits: ``(..., C)``, number of the sample's clips of each class that are predicted correctly.
        clips: ``(..., C)``, number of the sample's clips of each class.

    Returns:
        ``(...)``.

    Example:
        >>> float(recall_sd_of_sums(np.array([1.0, 2.0, 0.0]), np.array([2.0, 2.0, 0.0])))
        0.25
    """
    present = clips > 0
    recall = np.divide(hits, clips, out=np.zeros(hits.shape), where=present)
    mean = recall.sum(axis=-1, keepdims=True) / present.sum(axis=-1, keepdims=True)
    spread = np.where(present, recall - mean, 0) ** 2
    found: NDArray[np.float64] = np.sqrt(spread.sum(axis=-1) / present.sum(axis=-1))
    return found


def worst_tenth(recall: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the worst tenth of classes, at least one, in [0, 1].

    Args:
        recall: ``(..., C)``, of the present classes.

    Example:
        >>> float(worst_tenth(np.linspace(0, 1, 11)))
        0.05
    """
    worst = np.sort(recall, axis=-1)[..., : -(-recall.shape[-1] // 10)]
    mean: NDArray[np.float64] = worst.mean(axis=-1)
    return mean


def worst_tenth_of_sums(
    hits: NDArray[np.float64], clips: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `worst_tenth` of the present classes of samples, given as sums over their clips.

    Args:
        hits: ``(..., C)``, number of the sample's clips of each class that are predicted correctly.
        clips: ``(..., C)``, number of the sample's clips of each class.

    Returns:
        ``(...)`` in [0, 1].

    Example:
        >>> float(worst_tenth_of_sums(np.array([1.0, 2.0, 0.0]), np.array([2.0, 2.0, 0.0])))
        0.5
    """
    present = clips > 0
    recall = np.divide(hits, clips, out=np.full(hits.shape, np.inf), where=present)
    count = -(-present.sum(axis=-1, keepdims=True) // 10)  # a tenth, at least one
    ordered = np.sort(recall, axis=-1)
    worst = np.arange(recall.shape[-1]) < count
    found: NDArray[np.float64] = np.where(worst, ordered, 0).sum(axis=-1) / count[..., 0]
    return found
