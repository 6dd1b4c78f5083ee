"""Bias to classes against scipy and scikit-learn, and by hand at the edges."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn.metrics import recall_score

from clip_har.metrics.prediction_bias import recall_gap, skew_kl


def random_answers(seed: int, clips: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, classes, clips), random.dirichlet(np.ones(classes), size=clips)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(2, 9))
def test_skew_against_scipy(seed: int, clips: int, classes: int) -> None:
    labels, probabilities = random_answers(seed, clips, classes)
    prior = [((labels == c).sum() + 1 / classes) / (clips + 1) for c in range(classes)]
    expected = entropy(probabilities.mean(axis=0), prior)
    assert skew_kl(labels, probabilities) == pytest.approx(expected, abs=1e-12)
    assert skew_kl(labels, probabilities) >= -1e-12


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(2, 9))
def test_recall_gap_against_scikit_learn(seed: int, clips: int, classes: int) -> None:
    labels, scores = random_answers(seed, clips, classes)
    recalls = recall_score(
        labels, scores.argmax(axis=1), labels=np.unique(labels), average=None, zero_division=0
    )
    assert recall_gap(labels, scores) == pytest.approx(recalls.max() - recalls.min())


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
    scores = np.eye(4)[[0, 0, 0, 2, 1, 0, 3]]  # recalls 3/4, 1/2, absent, 1
    assert recall_gap(labels, scores) == 0.5


@pytest.mark.parametrize("right", [True, False])
def test_all_right_and_all_wrong_are_no_gap(right: bool) -> None:
    labels = np.array([0, 1, 2, 2])
    assert recall_gap(labels, np.eye(5)[labels if right else (labels + 1) % 3]) == 0


def test_one_clip_and_one_class_are_no_gap() -> None:
    assert recall_gap(np.array([1]), np.array([[0.2, 0.8]])) == 0
    assert recall_gap(np.array([1, 1]), np.array([[0.2, 0.8], [0.9, 0.1]])) == 0
    assert skew_kl(np.array([1]), np.array([[0.25, 0.75]])) == pytest.approx(0)


def test_ties_go_to_the_lower_class() -> None:
    assert recall_gap(np.array([0, 1]), np.zeros((2, 2))) == 1


@pytest.mark.parametrize("metric", [skew_kl, recall_gap])
def test_no_clip_is_refused(metric) -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        metric(np.array([], np.int64), np.zeros((0, 3)))


def test_logits_have_no_skew() -> None:
    with pytest.raises(ValueError, match="take the softmax"):
        skew_kl(np.array([0]), np.array([[3.0, -1.0]]))
