"""Calibration: does confidence match accuracy? Pure functions of labels and probabilities.

In all of them ``labels`` is ``(N,)`` int in [0, C), ``probabilities`` is ``(N, C)`` float in
[0, 1] with rows that sum to 1. The predicted class is the most probable one, the first of equals;
its probability is the confidence.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import entr, erf

from clip_har.metrics.accuracy import Labels, Scores

BINS = 15
"""Bins of the confidence, as in Guo et al. (2017)."""


def true_class_confidence(labels: Labels, probabilities: Scores) -> float:
    """Return the mean probability of the true class, 1/N Σᵢ pᵢ(yᵢ), in [0, 1].

    The true class probability of Corbière et al. (2019, "Addressing failure prediction by
    learning model confidence"). Unlike accuracy it also changes when no prediction changes.

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
    neural networks", eq. 3; Naeini et al. 2015). The bins B_b ``(lo, hi]`` of the confidence have
    equal widths; 0 belongs to the first.

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


def debiased_calibration_error(labels: Labels, probabilities: Scores) -> float:
    """Return the expected calibration error without most of its bias, in [-1, 1].

    In a bin with few clips accuracy is off confidence by chance, and the ECE counts that as an
    error. The bias of each bin is estimated as E|a − conf_b| − |acc_b − conf_b|, where a is normal
    around acc_b with the variance acc_b (1 − acc_b) / |B_b| of independent clips, and subtracted
    (Kumar, Liang and Ma 2019, "Verified uncertainty calibration", the ℓ1 error of their package;
    Roelofs et al. 2022). Of a calibrated model it removes two fifths of the bias, of a model that
    is far off all of it; so it can be a little below 0. Groups of clips that are right or wrong
    together make the bias larger than this estimate.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.

    Example:
        >>> probabilities = np.array([[0.75, 0.25]] * 4)
        >>> round(debiased_calibration_error(np.array([0, 0, 0, 1]), probabilities), 3)
        -0.173
        >>> debiased_calibration_error(np.array([1, 1, 1, 1]), probabilities)
        0.75
    """
    bins = reliability(labels, probabilities)
    clips = bins["clips"].to_numpy()
    accuracy, gap = bins["accuracy"].to_numpy(), (bins["accuracy"] - bins["confidence"]).to_numpy()
    spread = np.sqrt(accuracy * (1 - accuracy) / clips)
    bias = folded_mean(gap, spread) - np.abs(gap)
    return float((clips * (np.abs(gap) - bias)).sum() / len(labels))


def folded_mean(mean: NDArray[np.float64], sd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return E|X| of normal X (the folded normal distribution, Leone et al. 1961)."""
    z = np.divide(np.abs(mean), sd, out=np.full(mean.shape, np.inf), where=sd > 0)
    inside = np.where(np.isfinite(z), np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2), 0.0)
    found: NDArray[np.float64] = sd * inside + np.abs(mean) * erf(z / np.sqrt(2))
    return found


def adaptive_calibration_error(labels: Labels, probabilities: Scores, *, bins: int = BINS) -> float:
    """Return the calibration error over bins of equal mass, in [0, 1].

    As `expected_calibration_error`, but the clips are sorted by confidence and divided into bins
    with equally many clips, up to one (Nixon et al. 2019, "Measuring calibration in deep learning",
    for the predicted class alone), so that no bin is nearly empty. Clips with equal confidence stay
    in the order of the table, so the result may depend on that order.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.

    Example:
        >>> probabilities = np.array([[0.75, 0.25]] * 4)
        >>> adaptive_calibration_error(np.array([0, 0, 1, 1]), probabilities, bins=2)
        0.5
    """
    check_distributions(labels, probabilities)
    order = np.argsort(probabilities.max(axis=1), kind="stable")
    off = _off(labels, probabilities)[order]
    return float(sum(abs(part.sum()) for part in np.array_split(off, bins)) / len(labels))


def brier_score(labels: Labels, probabilities: Scores) -> float:
    """Return 1/N Σᵢ Σ_c (pᵢ(c) − 1[c = yᵢ])², in [0, 2] (Brier 1950); 0 is best.

    scikit-learn's ``brier_score_loss`` with ``scale_by_half=False`` gives the same number, but
    refuses a single class and rows in half precision, whose sums are off by 1e-3.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.

    Example:
        >>> brier_score(np.array([0]), np.array([[0.5, 0.5]]))
        0.5
    """
    check_distributions(labels, probabilities)
    wanted = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - wanted) ** 2).sum(axis=1).mean())


def negative_log_likelihood(labels: Labels, probabilities: Scores) -> float:
    """Return 1/N Σᵢ −ln pᵢ(yᵢ) in nats, ≥ 0 (the log score, Good 1952).

    A probability of 0 counts as the smallest normal double, so that the result is finite.
    scikit-learn's ``log_loss`` clips at 2e-16 instead, so it does not see how wrong a confident
    model is, and refuses a single class.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.

    Example:
        >>> round(negative_log_likelihood(np.array([0]), np.array([[0.5, 0.5]])), 3)
        0.693
    """
    check_distributions(labels, probabilities)
    true = confidence_in_truth(labels, probabilities)
    return float(-np.log(np.maximum(true, np.finfo(np.float64).tiny)).mean())


def margin(probabilities: Scores) -> float:
    """Return the mean of best minus second-best probability, 1/N Σᵢ (p₍₁₎ − p₍₂₎), in [0, 1].

    Scheffer et al. (2001). With a single class, which has no second, it is 1; NaN stays NaN.

    Example:
        >>> margin(np.array([[0.75, 0.25, 0.0]]))
        0.5
    """
    if probabilities.shape[1] == 1:
        return 1.0
    best = np.sort(probabilities, axis=1)[:, -2:]
    return float((best[:, 1] - best[:, 0]).mean())


def normalised_entropy(probabilities: Scores) -> float:
    """Return the mean entropy over ln C, 1/N Σᵢ H(pᵢ) / ln C, in [0, 1]; 0 for one class.

    Shannon (1948). 1 means that all classes are equally likely; NaN stays NaN.

    Example:
        >>> normalised_entropy(np.array([[0.5, 0.5], [1.0, 0.0]]))
        0.5
    """
    classes = probabilities.shape[1]
    return 0.0 if classes == 1 else float(entr(probabilities).sum(axis=1).mean() / np.log(classes))


def reliability(labels: Labels, probabilities: Scores, *, bins: int = BINS) -> pd.DataFrame:
    """Return the reliability diagram (DeGroot and Fienberg 1983): bins as in the ECE.

    Returns:
        Columns ``low, high`` (edges), ``clips, confidence, accuracy`` (means over the bin's clips);
        empty bins are left out.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.
    """
    check_distributions(labels, probabilities)
    edges = np.linspace(0, 1, bins + 1)
    which = bin_of(probabilities.max(axis=1), bins=bins)
    sums = pd.DataFrame(
        {
            "bin": which,
            "confidence": probabilities.max(axis=1).astype(np.float64),
            "accuracy": (probabilities.argmax(axis=1) == labels).astype(np.float64),
        }
    ).groupby("bin")
    table = sums.mean()
    table.insert(0, "clips", sums.size())
    table.insert(0, "high", edges[table.index + 1])
    table.insert(0, "low", edges[table.index])
    return table.reset_index(drop=True)


def confidence_in_truth(labels: Labels, probabilities: Scores) -> NDArray[np.float64]:
    """Return ``(N,)`` the probability of each clip's true class."""
    return probabilities[np.arange(len(labels)), labels].astype(np.float64)


def doubt(probabilities: Scores) -> NDArray[np.float64]:
    """Return ``(N,)`` one minus the confidence, as the sum of the other classes' probabilities.

    As a sum it also tells apart clips whose confidence rounds to 1.

    Example:
        >>> doubt(np.array([[1.0, 1e-20], [0.25, 0.75]])).tolist()
        [1e-20, 0.25]
    """
    others: NDArray[np.float64] = np.sort(probabilities.astype(np.float64), axis=1)[:, :-1].sum(1)
    return others


def steps(positive: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithms of numbers so that those that differ by rounding alone are equal."""
    with np.errstate(divide="ignore"):
        rounded: NDArray[np.float64] = np.log(positive).round(9)
    return rounded


def gaps_by_bin(labels: Labels, probabilities: Scores, *, bins: int = BINS) -> NDArray[np.float64]:
    """Return ``(N, bins)``: right (1 or 0) minus confidence in the clip's bin, 0 in the others."""
    gaps = np.zeros((len(labels), bins))
    which = bin_of(probabilities.max(axis=1), bins=bins)
    gaps[np.arange(len(labels)), which] = _off(labels, probabilities)
    return gaps


def bin_of(confidence: NDArray[np.floating], *, bins: int = BINS) -> NDArray[np.int64]:
    """Return ``(N,)`` the index of each confidence's bin ``(lo, hi]``, of equal width."""
    which: NDArray[np.int64] = np.searchsorted(
        np.linspace(0, 1, bins + 1)[1:-1], confidence.astype(np.float64)
    )
    return which


def _off(labels: Labels, probabilities: Scores) -> NDArray[np.float64]:
    """Return ``(N,)``: right (1 or 0) minus confidence."""
    off: NDArray[np.float64] = (probabilities.argmax(axis=1) == labels) - probabilities.max(
        axis=1
    ).astype(np.float64)
    return off


def calibration_error(
    gaps: NDArray[np.float64], clips: NDArray[np.float64] | np.float64
) -> NDArray[np.float64]:
    """Return the calibration error of samples that are given as sums over their clips.

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
    """Check that there are clips, and for each a class and a distribution.

    Raises:
        ValueError: otherwise, also for numbers that are not finite.
    """
    if len(labels) == 0:
        raise ValueError("expected at least one clip")
    if probabilities.ndim != 2 or len(labels) != len(probabilities):
        raise ValueError(
            f"expected a row of probabilities for each of {len(labels)} clips, got the shape"
            f" {probabilities.shape}"
        )
    if not 0 <= labels.min() <= labels.max() < probabilities.shape[1]:
        raise ValueError(f"expected labels from 0 to {probabilities.shape[1] - 1}")
    # Half precision is off by up to 1e-3; logits, the likely mistake, by much more.
    if not probabilities.min() >= 0 or not np.allclose(probabilities.sum(axis=1), 1, atol=2e-3):
        raise ValueError("expected rows of probabilities that sum to 1; take the softmax first")
