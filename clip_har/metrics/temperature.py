"""Temperature scaling: one number that corrects confidence that is too high or too low."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import softmax

from clip_har.metrics.accuracy import Labels, Scores
from clip_har.metrics.calibration import debiased_calibration_error, negative_log_likelihood
from clip_har.results.score_table import ScoreTable

COLDEST, HOTTEST = 0.01, 100.0
"""The range of temperatures, relative to the model's own scale."""


def fitted_temperature(labels: Labels, scores: Scores) -> float | None:
    """Return the temperature T with the least log score of softmax(scores / T).

    Guo et al. (2017, "On calibration of modern neural networks", section 4.2). Above 1 the model
    was too confident. The predicted classes stay the same. Scores may be logits, or the logarithms
    of mean probabilities: these are divided by T, too. The clips of a group are alike, which makes
    T less certain but does not shift it.

    Args:
        labels: ``(N,)`` true classes of the reference clips.
        scores: ``(N, C)`` of the reference clips.

    Returns:
        None if there is no best temperature from `COLDEST` to `HOTTEST`: if all reference clips are
        right, colder is always better; if the scores tell nothing of the class, hotter is.

    Raises:
        ValueError: when there is no clip.

    Example:
        >>> scores = np.array([[2.0, 0.0]] * 4)
        >>> temperature = fitted_temperature(np.array([0, 0, 0, 1]), scores)
        >>> softmax(scores[0] / temperature).round(3).tolist()
        [0.75, 0.25]
        >>> fitted_temperature(np.array([0, 0, 0, 0]), scores) is None
        True
    """
    if len(labels) == 0:
        raise ValueError("expected at least one clip")
    logits = scores.astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)  # at most 0: no slope above 0 by rounding
    true = logits[np.arange(len(labels)), labels].mean()

    def slope(inverse: float) -> float:
        """Return the derivative of the log score with respect to 1 / T, which never falls."""
        shares = softmax(logits * inverse, axis=1)
        return float((shares * logits).sum(axis=1).mean() - true)

    if not slope(1 / HOTTEST) < 0 < slope(1 / COLDEST):
        return None
    return 1 / float(brentq(slope, 1 / HOTTEST, 1 / COLDEST))


def calibrated_measures(table: ScoreTable, reference: ScoreTable) -> dict[str, float]:
    """Return the measures of calibration after the temperature that is fitted to the reference.

    - ``calibrated/temperature``: see `fitted_temperature`; one for all cells of a reference;
    - ``calibrated/ece_debiased`` and ``calibrated/nll``: see `debiased_calibration_error` and
      `negative_log_likelihood`.

    Empty if there is no best temperature.

    Args:
        table: of a cell.
        reference: of its reference cell; its scores are of the same kind.

    Raises:
        ValueError: when one has logits and the other has log-probabilities.
    """
    if table.kind != reference.kind:
        raise ValueError(f"expected a reference with {table.kind}, got {reference.kind}")
    temperature = fitted_temperature(reference.labels, reference.scores)
    if temperature is None:
        return {}
    probabilities = at_temperature(table.scores, temperature)
    return {
        "calibrated/temperature": temperature,
        "calibrated/ece_debiased": debiased_calibration_error(table.labels, probabilities),
        "calibrated/nll": negative_log_likelihood(table.labels, probabilities),
    }


def at_temperature(scores: Scores, temperature: float) -> NDArray[np.float64]:
    """Return ``(N, C)`` class distributions, softmax(scores / temperature).

    Args:
        scores: ``(N, C)``.
        temperature: above 0.
    """
    scaled: NDArray[np.float64] = softmax(scores.astype(np.float64) / temperature, axis=1)
    return scaled
