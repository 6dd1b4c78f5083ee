"""One temperature against a grid, and at the ends of its range."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from clip_har.metrics.calibration import debiased_calibration_error
from clip_har.metrics.temperature import at_temperature, calibrated_measures, fitted_temperature
from tests.tables import made_table


def drawn_labels(scores: np.ndarray, *, temperature: float, seed: int = 0) -> np.ndarray:
    """Return labels for which softmax(scores / temperature) is calibrated."""
    shares = softmax(scores / temperature, axis=1).cumsum(axis=1)
    drawn = np.random.default_rng(seed).random((len(scores), 1))
    labels: np.ndarray = np.minimum((drawn > shares).sum(axis=1), scores.shape[1] - 1)
    return labels


@pytest.mark.parametrize("true", [0.5, 1.0, 4.0])
def test_the_temperature_that_made_the_labels_is_found(true: float) -> None:
    scores = np.random.default_rng(1).normal(scale=3, size=(20_000, 6))
    labels = drawn_labels(scores, temperature=true)
    assert fitted_temperature(labels, scores.astype(np.float32)) == pytest.approx(true, rel=0.05)


def test_it_has_the_least_log_score_of_a_grid() -> None:
    scores = np.random.default_rng(2).normal(scale=20, size=(300, 8))
    labels = drawn_labels(scores, temperature=15)
    grid = np.exp(np.linspace(np.log(0.02), np.log(90), 4000))
    rows = np.arange(300)
    best = grid[np.argmin([-log_softmax(scores / t, axis=1)[rows, labels].mean() for t in grid])]
    assert fitted_temperature(labels, scores) == pytest.approx(best, rel=0.003)


def test_log_probabilities_are_divided_like_logits() -> None:
    scores = np.random.default_rng(3).normal(scale=3, size=(2_000, 5))
    labels = drawn_labels(scores, temperature=2)
    from_logits = fitted_temperature(labels, scores)
    from_logs = fitted_temperature(labels, log_softmax(scores, axis=1))
    assert from_logits is not None
    assert from_logs == pytest.approx(from_logits, rel=1e-4)
    assert at_temperature(log_softmax(scores, axis=1), 2) == pytest.approx(
        at_temperature(scores, 2)
    )


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_there_is_none_if_all_are_right_or_the_scores_mislead(scale: float) -> None:
    scores = scale * np.random.default_rng(4).normal(size=(50, 4))
    assert fitted_temperature(scores.argmax(axis=1), scores) is None
    assert fitted_temperature(scores.argmin(axis=1), scores) is None


def test_there_is_none_with_one_class_and_an_error_without_a_clip() -> None:
    assert fitted_temperature(np.zeros(5, int), np.ones((5, 1))) is None
    with pytest.raises(ValueError, match="at least one clip"):
        fitted_temperature(np.zeros(0, int), np.ones((0, 3)))


def test_the_temperature_of_the_reference_is_applied_to_the_cell() -> None:
    random = np.random.default_rng(5)
    scores = random.normal(scale=3, size=(2, 4_000, 5)).astype(np.float32)
    reference, cell = (
        replace(made_table(labels=labels.tolist(), classes=5, right=[1] * 4_000), scores=one_scores)
        for one_scores in scores
        for labels in [drawn_labels(one_scores, temperature=3)]
    )
    found = calibrated_measures(cell, reference)
    temperature = found["calibrated/temperature"]
    assert temperature == fitted_temperature(reference.labels, reference.scores)
    assert (
        found["calibrated/ece_debiased"]
        < 0.02
        < debiased_calibration_error(cell.labels, cell.probabilities())
    )
    logs = log_softmax(cell.scores / temperature, axis=1)
    assert found["calibrated/nll"] == pytest.approx(-logs[np.arange(4_000), cell.labels].mean())
    assert calibrated_measures(cell, replace(reference, labels=scores[0].argmax(axis=1))) == {}
    with pytest.raises(ValueError, match="expected a reference with logits"):
        calibrated_measures(cell, replace(reference, kind="log_probabilities"))
