"""Calibration beyond the ECE, against torchmetrics, scikit-learn and scipy, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from clip_har.metrics.calibration import (
    adaptive_calibration_error,
    brier_score,
    expected_calibration_error,
    margin,
    negative_log_likelihood,
    normalised_entropy,
    reliability,
    true_class_confidence,
)
from clip_har.metrics.prediction_bias import prediction_bias, skew_kl

MEASURES = (
    adaptive_calibration_error, brier_score, negative_log_likelihood, reliability,
    expected_calibration_error, true_class_confidence, skew_kl, prediction_bias,
)  # fmt: skip


def answers(clips=500, classes=7, seed=0, sure=1.5):
    draws = np.random.default_rng(seed)
    probabilities = softmax(sure * draws.standard_normal((clips, classes)), axis=1)
    return draws.integers(classes, size=clips), probabilities


def test_equal_mass_by_hand():
    confidence = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    labels = np.array([1, 0, 0, 1, 0, 0])  # right: no, yes, yes, no, yes, yes
    bins = [(1 - 1.1) / 2, (1 - 1.5) / 2, (2 - 1.9) / 2]
    expected = sum(abs(gap) for gap in bins) * 2 / 6
    shuffled = [3, 1, 5, 0, 4, 2]
    for order in (range(6), shuffled):
        found = adaptive_calibration_error(labels[order], probabilities[order], bins=3)
        assert found == pytest.approx(expected)


def test_one_bin_is_the_gap_of_the_means_and_a_bin_per_clip_the_mean_gap():
    labels, probabilities = answers()
    off = (probabilities.argmax(axis=1) == labels) - probabilities.max(axis=1)
    one = adaptive_calibration_error(labels, probabilities, bins=1)
    assert one == pytest.approx(abs(off.mean()))
    each = adaptive_calibration_error(labels, probabilities, bins=len(labels))
    assert each == pytest.approx(np.abs(off).mean())


def test_a_calibrated_model_has_little_error_and_a_sure_one_much():
    draws = np.random.default_rng(0)
    probabilities = softmax(2 * draws.standard_normal((20_000, 5)), axis=1)
    lots = draws.random((20_000, 1))
    labels = (probabilities.cumsum(axis=1) < lots).sum(axis=1).clip(max=4)
    for measure in (adaptive_calibration_error, expected_calibration_error):
        errors = [
            measure(labels, softmax(sure * np.log(probabilities), axis=1)) for sure in (1, 2, 4)
        ]
        assert errors[0] < 0.02 < errors[1] < errors[2]


@given(st.integers(1, 60), st.integers(1, 6), st.integers(0, 99))
def test_ranges_and_invariance_to_the_order_of_clips(clips, classes, seed):
    labels, probabilities = answers(clips, classes, seed)
    order = np.random.default_rng(seed).permutation(clips)
    ranges = {
        adaptive_calibration_error: 1, brier_score: 2, negative_log_likelihood: np.inf,
    }  # fmt: skip
    for measure, most in ranges.items():
        value = measure(labels, probabilities)
        assert 0 <= value <= most
        assert measure(labels[order], probabilities[order]) == pytest.approx(value)
    assert 0 <= margin(probabilities) <= 1
    assert 0 <= normalised_entropy(probabilities) <= 1 + 1e-12


def test_one_class_all_right_all_wrong_and_no_chance():
    alone = np.ones((3, 1))
    zeros = np.zeros(3, np.int64)
    assert (margin(alone), normalised_entropy(alone)) == (1, 0)
    assert brier_score(zeros, alone) == negative_log_likelihood(zeros, alone) == 0
    sure = np.eye(3)
    assert brier_score(np.arange(3), sure) == adaptive_calibration_error(np.arange(3), sure) == 0
    wrong = np.array([1, 2, 0])
    assert brier_score(wrong, sure) == 2
    assert adaptive_calibration_error(wrong, sure) == 1
    assert np.isfinite(negative_log_likelihood(wrong, sure))


@pytest.mark.parametrize("measure", MEASURES)
def test_no_clip_logits_and_nan_are_refused(measure):
    for labels, probabilities in (
        (np.zeros(0, np.int64), np.zeros((0, 3))),
        (np.array([0]), np.array([[2.0, 1.0]])),
        (np.array([0]), np.array([[2.0, -1.0]])),  # sums to 1, and is no distribution
        (np.array([0]), np.array([[np.nan, 1.0]])),
        (np.array([2]), np.array([[0.5, 0.5]])),
        (np.array([-1]), np.array([[0.5, 0.5]])),
        (np.array([0, 1]), np.array([[0.5, 0.5]])),
    ):
        with pytest.raises(ValueError, match="expected"):
            measure(labels, probabilities)


def test_the_reliability_diagram_holds_the_ece():
    labels, probabilities = answers()
    table = reliability(labels, probabilities)
    assert table["clips"].sum() == 500
    assert ((table["low"] < table["confidence"]) & (table["confidence"] <= table["high"])).all()
    gaps = (table["accuracy"] - table["confidence"]).abs() * table["clips"] / 500
    assert gaps.sum() == pytest.approx(expected_calibration_error(labels, probabilities))
