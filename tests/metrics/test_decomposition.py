"""The parts of the scores: they add up, and by hand, and against scikit-learn's isotonic fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

from clip_har.metrics.calibration import brier_score, negative_log_likelihood
from clip_har.metrics.decomposition import isotonic, recalibrated, score_parts

SCORES = {"brier": brier_score, "nll": negative_log_likelihood}


def random_answers(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    clips, classes = int(random.integers(1, 61)), int(random.integers(1, 10))
    probabilities = random.dirichlet(np.full(classes, random.choice([0.05, 1.0, 10.0])), clips)
    if random.random() < 0.3:  # many equal values, and exact zeros and ones
        probabilities = np.eye(classes)[random.integers(0, classes, (clips, 4))].mean(axis=1)
    return random.integers(0, classes, clips), probabilities


@given(st.integers(0, 2**32 - 1))
def test_the_parts_add_up_to_the_scores(seed: int) -> None:
    labels, probabilities = random_answers(seed)
    found = score_parts(labels, probabilities)
    for name, score in SCORES.items():
        miscalibration, discrimination, uncertainty = (
            found[f"{name}/{part}"] for part in ("miscalibration", "discrimination", "uncertainty")
        )
        total = miscalibration - discrimination + uncertainty
        assert total == pytest.approx(score(labels, probabilities), rel=1e-9, abs=1e-9)
        assert uncertainty >= 0
    if probabilities[np.arange(len(labels)), labels].min() > 1e-200:  # else the score is cut off
        assert found["nll/miscalibration"] > -1e-8


def test_by_hand() -> None:
    """Four clips: two sure and right, two unsure, one of them right."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    found = score_parts(np.array([0, 0, 0, 1]), probabilities)
    brier = (0.02 + 0.02 + 2 * 0.4**2 + 2 * 0.6**2) / 4
    assert found["brier/miscalibration"] == pytest.approx(brier - (0.5 + 0.5) / 4)
    assert found["brier/uncertainty"] == pytest.approx(2 * 0.75 * 0.25)
    assert found["brier/discrimination"] == pytest.approx(0.375 - 0.25)
    log = -(2 * np.log(0.9) + np.log(0.6) + np.log(0.4)) / 4
    assert found["nll/miscalibration"] == pytest.approx(log - np.log(2) / 2)
    assert found["nll/uncertainty"] == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))


def test_against_scikit_learn_with_two_classes() -> None:
    random = np.random.default_rng(0)
    second = random.uniform(0.01, 0.49, 300)  # the first class is always predicted
    probabilities = np.stack([1 - second, second], axis=1)
    labels = (random.random(300) < second**2).astype(np.int64)
    held = 1 - labels
    fitted = IsotonicRegression(y_min=0, y_max=1).fit_transform(1 - second, held)
    found = score_parts(labels, probabilities)
    for name, oracle, factor in (("brier", brier_score_loss, 2), ("nll", log_loss, 1)):
        again, known = (factor * oracle(held, p) for p in (fitted, np.full(300, held.mean())))
        before = factor * oracle(held, 1 - second)
        assert found[f"{name}/miscalibration"] == pytest.approx(before - again)
        assert found[f"{name}/discrimination"] == pytest.approx(known - again)


def test_the_confidence_is_recalibrated_and_the_others_keep_their_proportions() -> None:
    random = np.random.default_rng(5)
    labels, probabilities = random.integers(0, 6, 200), random.dirichlet(np.ones(6), 200)
    best, rows = probabilities.argmax(axis=1), np.arange(200)
    confidence = probabilities.max(axis=1)
    expected = probabilities.copy()
    fitted = IsotonicRegression().fit_transform(confidence, (best == labels) * 1.0)
    expected *= ((1 - fitted) / (1 - confidence))[:, None]
    expected[rows, best] = fitted
    found = recalibrated(labels, probabilities)
    assert found == pytest.approx(expected)
    assert found.sum(axis=1) == pytest.approx(1)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_isotonic_against_scikit_learn(seed: int, clips: int) -> None:
    random = np.random.default_rng(seed)
    ranks = random.integers(0, 10, clips) / 10
    outcomes = random.integers(0, 2, clips).astype(np.float64)
    assert isotonic(ranks, outcomes) == pytest.approx(
        IsotonicRegression().fit_transform(ranks, outcomes)
    )


def test_clips_that_differ_by_rounding_alone_are_recalibrated_together() -> None:
    """In the order of their rounding errors they would seem to tell right from wrong."""
    confidence = 0.7 + np.array([0, 0, 1, 1]) * 1e-15
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    found = score_parts(np.array([1, 1, 0, 0]), probabilities)
    for name in SCORES:
        assert found[f"{name}/discrimination"] == pytest.approx(0)


def test_perfect_answers_are_all_discrimination() -> None:
    labels = np.array([0, 1, 2, 2])
    found = score_parts(labels, np.eye(3)[labels])
    for name in SCORES:
        assert found[f"{name}/miscalibration"] == 0
        assert found[f"{name}/discrimination"] == found[f"{name}/uncertainty"] > 0


def test_overconfidence_is_miscalibration_alone() -> None:
    """Sharper probabilities rank the clips as before: only miscalibration grows."""
    random = np.random.default_rng(1)
    scores = random.normal(size=(300, 2))
    labels = (random.random(300) < softmax(scores, axis=1)[:, 1]).astype(np.int64)
    plain, sharp = (score_parts(labels, softmax(n * scores, axis=1)) for n in (1, 4))
    for name in SCORES:
        same = f"{name}/discrimination"
        assert plain[same] == pytest.approx(sharp[same])
        assert sharp[f"{name}/miscalibration"] > 2 * plain[f"{name}/miscalibration"]


def test_a_calibrated_model_of_ucf_101_s_size_shows_hardly_any_miscalibration() -> None:
    random = np.random.default_rng(2)
    labels = np.repeat(np.arange(101), 37)
    scores = random.normal(size=(len(labels), 101)) + 3 * np.eye(101)[labels]
    found = score_parts(labels, softmax(3 * scores, axis=1))  # Bayes' rule for these normals
    assert abs(found["brier/miscalibration"]) < 0.01
    assert 0 < found["nll/miscalibration"] < 0.015
    assert found["nll/uncertainty"] == pytest.approx(np.log(101))
