"""Calibration: is a model as sure as it is right? Pure functions of labels and probabilities.

In all of them ``labels`` is ``(N,)`` int in [0, C), ``probabilities`` is ``(N, C)`` float in
[0, 1] with rows that sum to 1, and the answer is the most probable class, of equals the first.
"""

import numpy as np
from numpy.typing import NDArray

from clip_har.metrics.accuracy import Labels, Scores

BINS = 15
"""Bins of the confidence, as in Guo et al. (2017)."""


def true_class_confidence(labels: Labels, probabilities: Scores) -> float:
    """Return the mean probability of the true class, 1/N Σᵢ pᵢ(yᵢ), in [0, 1].

    The true class probability of Corbière et al. (2019, "Addressing failure prediction by
    learning model confidence"). Unlike the accuracy it also moves when no answer turns.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.

    Example:
        >>> true_class_confidence(np.array([0, 0]), np.array([[0.75, 0.25], [0.25, 0.75]]))
        0.5
    """
    check_distributions(labels, probabilities)
    return float(confidence_in_truth(labels, probabilities).mean())


def expected_calibration_error(labels: Labels, probabilities: Scores, *, bins: int = BINS) -> float:
    """Return the expected calibration error, in [0, 1].

    ECE = Σ_b |B_b| / N · |acc(B_b) − conf(B_b)| (Guo et al. 2017, "On calibration of modern
    neural networks", eq. 3; Naeini et al. 2015). The bins B_b part the answer's probability into
    equal widths ``(lo, hi]``; 0 would fall into the first.

    Args:
        labels: true classes.
        probabilities: the model's.
        bins: number of bins, at least 1.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.

    Example:
        >>> probabilities = np.array([[0.75, 0.25]] * 4)
        >>> expected_calibration_error(np.array([0, 0, 0, 1]), probabilities)
        0.0
        >>> expected_calibration_error(np.array([1, 1, 1, 1]), probabilities)
        0.75
    """
    check_distributions(labels, probabilities)
    gaps = gaps_by_bin(labels, probabilities, bins=bins).sum(axis=0)
    return float(calibration_error(gaps, np.float64(len(labels))))


def confidence_in_truth(labels: Labels, probabilities: Scores) -> NDArray[np.float64]:
    """Return ``(N,)`` the probability of each clip's true class."""
    return probabilities[np.arange(len(labels)), labels].astype(np.float64)


def gaps_by_bin(labels: Labels, probabilities: Scores, *, bins: int = BINS) -> NDArray[np.float64]:
    """Return ``(N, bins)``: 1 if right else 0, less the confidence, in the clip's bin; else 0."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    which = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)  # (lo, hi]
    gaps = np.zeros((len(labels), bins))
    gaps[np.arange(len(labels)), which] = (probabilities.argmax(axis=1) == labels) - confidence
    return gaps


def calibration_error(
    gaps: NDArray[np.float64], clips: NDArray[np.float64] | np.float64
) -> NDArray[np.float64]:
    """Return the calibration error of samples that are given by their sums.

    |B_b| · |acc(B_b) − conf(B_b)| is the absolute sum of (right − confidence) over the bin.

    Args:
        gaps: ``(..., bins)``, `gaps_by_bin` summed over the sample's clips.
        clips: ``(...)``, their number.

    Returns:
        ``(...)``.
    """
    error: NDArray[np.float64] = np.abs(gaps).sum(axis=-1) / clips
    return error


def check_distributions(labels: Labels, probabilities: Scores) -> None:
    """Check that there are clips and a distribution for each.

    Raises:
        ValueError: otherwise.
    """
    if len(labels) == 0:
        raise ValueError("expected at least one clip")
    # Half precision is off by up to 1e-3; logits, the likely mistake, by far more.
    if probabilities.min() < 0 or not np.allclose(probabilities.sum(axis=1), 1, atol=2e-3):
        raise ValueError("expected rows of probabilities that sum to 1; take the softmax first")
