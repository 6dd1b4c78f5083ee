"""Bias to classes by hand, at the edges."""

from math import log

import numpy as np
import pytest

from clip_har.metrics.prediction_bias import prediction_bias, skew_kl


def recall_gap(labels: np.ndarray, answers: list[int] | np.ndarray, *, classes: int) -> float:
    return prediction_bias(labels, np.eye(classes)[answers])["bias/recall_gap"]


def test_skew_is_nothing_where_the_mean_is_the_smoothed_prior() -> None:
    labels = np.array([0, 0, 2])
    prior = np.array([2 + 1 / 3, 1 / 3, 1 + 1 / 3]) / 4
    assert skew_kl(labels, np.tile(prior, (3, 1))) == pytest.approx(0, abs=1e-15)
    # The mean counts, not the clips': two opposite errors have no skew.
    shift = np.array([0.1, -0.05, -0.05])
    assert skew_kl(labels, np.stack([prior, prior + shift, prior - shift])) == pytest.approx(
        0, abs=1e-15
    )


def test_skew_by_hand_with_an_absent_class() -> None:
    labels = np.array([0, 1])
    probabilities = np.array([[1.0, 0, 0], [0, 0, 1.0]])  # p̄ = (1/2, 0, 1/2), q = (4, 4, 1) / 9
    assert skew_kl(labels, probabilities) == pytest.approx(
        0.5 * log(0.5 / (4 / 9)) + 0.5 * log(0.5 / (1 / 9))
    )


def test_a_perfect_model_has_next_to_no_skew_though_most_classes_are_absent() -> None:
    labels = np.repeat(np.arange(10), 5)
    assert 0 < skew_kl(labels, np.eye(101)[labels]) < 0.02


def test_recall_gap_by_hand() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 3])
    answers = [0, 0, 0, 2, 1, 0, 3]  # recalls 3/4, 1/2, absent, 1
    assert recall_gap(labels, answers, classes=4) == 0.5


def test_one_clip_one_class_all_right_and_all_wrong_are_no_gap() -> None:
    assert recall_gap(np.array([1]), [1], classes=2) == 0
    assert recall_gap(np.array([1, 1]), [1, 0], classes=2) == 0
    assert skew_kl(np.array([1]), np.array([[0.25, 0.75]])) == pytest.approx(0)
    labels = np.array([0, 1, 2, 2])
    assert recall_gap(labels, labels, classes=5) == 0, "all right"
    assert recall_gap(labels, (labels + 1) % 3, classes=5) == 0, "all wrong"
