"""Bias to classes: does a model favour some classes, whatever it is shown? Pure functions.

In all of them ``labels`` is ``(N,)`` int in [0, C), ``scores`` is ``(N, C)`` float with ties in
class order, and ``probabilities`` is ``(N, C)`` float in [0, 1] with rows that sum to 1.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from clip_har.metrics.accuracy import Labels, Scores, ranking
from clip_har.metrics.calibration import check_distributions


def skew_kl(labels: Labels, probabilities: Scores) -> float:
    """Return how far the mean prediction is from the class frequencies, in nats, ≥ 0.

    KL(p̄ ‖ q) = Σ_c p̄_c ln(p̄_c / q_c) with p̄ the mean of the clips' distributions and q the
    frequencies of the evaluated clips' labels (Kullback and Leibler 1951). That CLIP's answers
    pile up on few classes though the data are balanced was shown by Wang et al. (2022, "Debiased
    learning from naturally imbalanced pseudo-labels"). Which clip got which class is not asked:
    a model that shuffles its answers among the clips has no skew.

    A class without a clip would have q_c = 0 and make it infinite. So q is smoothed, and the
    choice is ours: q_c = (n_c + 1/C) / (N + 1), one clip more that all classes share. That is
    little enough to leave a fair model near 0 when most classes are absent (half a clip *per
    class* would not), and enough to make mass on an absent class finite, though dear: its price
    grows with N, so compare values over the same clips only.

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


def recall_gap(labels: Labels, scores: Scores) -> float:
    """Return the best class's recall less the worst's, over the classes present, in [0, 1].

    max_c recall_c − min_c recall_c, with recall_c the share of class c's clips that are answered
    with c: the class-wise accuracy of Benz et al. (2021, "Robustness may be at odds with
    fairness"). It is made of two extremes, so with few clips per class chance alone makes it
    large: compare values over the same clips only.

    Raises:
        ValueError: when there is no clip.

    Example:
        >>> scores = np.eye(3)[[0, 0, 0, 1]]
        >>> recall_gap(np.array([0, 0, 1, 1]), scores)
        0.5
    """
    if len(labels) == 0:
        raise ValueError("expected at least one clip")
    clips = one_hot(labels, scores.shape[1]).sum(axis=0, dtype=np.float64)
    hits = hits_by_class(labels, scores).sum(axis=0, dtype=np.float64)
    return float(recall_gap_of_sums(hits, clips))


def one_hot(labels: Labels, classes: int) -> NDArray[np.bool_]:
    """Return ``(N, C)``, true at each clip's label."""
    here: NDArray[np.bool_] = labels[:, None] == np.arange(classes)
    return here


def hits_by_class(labels: Labels, scores: Scores) -> NDArray[np.bool_]:
    """Return ``(N, C)``, true at each clip's label if that is the answer."""
    right: NDArray[np.bool_] = ranking(scores)[:, 0] == labels
    return np.logical_and(one_hot(labels, scores.shape[1]), right[:, None])


def skew_of_sums(
    probabilities: NDArray[np.float64], clips: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `skew_kl` of samples that are given by their sums.

    Args:
        probabilities: ``(..., C)``, summed over the sample's clips.
        clips: ``(..., C)``, number of the sample's clips of each class.

    Returns:
        ``(...)``.
    """
    mean = probabilities / probabilities.sum(axis=-1, keepdims=True)
    prior = (clips + 1 / clips.shape[-1]) / (clips.sum(axis=-1, keepdims=True) + 1)
    skew: NDArray[np.float64] = rel_entr(mean, prior).sum(axis=-1)
    return skew


def recall_gap_of_sums(
    hits: NDArray[np.float64], clips: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `recall_gap` of samples that are given by their sums.

    Args:
        hits: ``(..., C)``, number of the sample's clips of each class that are answered rightly.
        clips: ``(..., C)``, number of the sample's clips of each class.

    Returns:
        ``(...)``.
    """
    recall = hits / np.maximum(clips, 1)
    present = clips > 0
    best = np.where(present, recall, 0).max(axis=-1)
    worst = np.where(present, recall, 1).min(axis=-1)
    gap: NDArray[np.float64] = best - worst
    return gap
