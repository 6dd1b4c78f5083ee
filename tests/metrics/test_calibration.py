"""Calibration against scikit-learn's reliability curve, and by hand at the edges."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from clip_har.metrics.calibration import expected_calibration_error, true_class_confidence


def random_answers(seed: int, clips: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    sharpness = random.choice([0.1, 1.0, 10.0])  # nearly one-hot, middling, nearly uniform
    probabilities = random.dirichlet(np.full(classes, sharpness), size=clips)
    return random.integers(0, classes, clips), probabilities


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(2, 9), st.integers(1, 20))
def test_ece_against_scikit_learn(seed: int, clips: int, classes: int, bins: int) -> None:
    labels, probabilities = random_answers(seed, clips, classes)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    accuracy, mean = calibration_curve(right, confidence, pos_label=True, n_bins=bins)
    edges = np.linspace(0, 1, bins + 1).tolist()
    cells = pd.cut(pd.Series(confidence), edges, include_lowest=True)  # closed on the right
    counts = cells.value_counts(sort=False).to_numpy()
    expected = (counts[counts > 0] * np.abs(accuracy - mean)).sum() / clips
    found = expected_calibration_error(labels, probabilities, bins=bins)
    assert found == pytest.approx(expected, abs=1e-12)


def test_gaps_of_a_bin_cancel_and_those_of_bins_do_not() -> None:
    confidence = np.array([0.9, 0.9, 0.6, 0.6])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    labels = np.array([0, 1, 0, 0])  # 0.5 right at 0.9, all right at 0.6
    assert expected_calibration_error(labels, probabilities) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)
    assert expected_calibration_error(labels, probabilities, bins=1) == pytest.approx(0)


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    # Two bins: 0.5 and 0.4 share the first, so that their gaps +0.5 and −0.4 cancel but for 0.1.
    probabilities = np.array([[0.5, 0.3, 0.2], [0.4, 0.3, 0.3]])
    labels = np.array([0, 1])
    assert expected_calibration_error(labels, probabilities, bins=2) == pytest.approx(0.1 / 2)


@pytest.mark.parametrize("right", [True, False])
def test_all_right_and_all_wrong_when_quite_sure(right: bool) -> None:
    labels = np.array([0, 1, 2, 2])
    sure = np.eye(3)[labels if right else (labels + 1) % 3]  # confidence 1: the last bin
    assert expected_calibration_error(labels, sure) == 1 - right
    assert true_class_confidence(labels, sure) == right


def test_a_tie_is_the_first_class_s() -> None:
    even = np.full((1, 4), 0.25)
    assert expected_calibration_error(np.array([0]), even) == pytest.approx(0.75)
    assert expected_calibration_error(np.array([1]), even) == pytest.approx(0.25)
    assert true_class_confidence(np.array([1]), even) == 0.25


def test_single_precision_is_enough() -> None:
    labels, probabilities = random_answers(3, 50, 5)
    single = probabilities.astype(np.float32)
    assert true_class_confidence(labels, single) == pytest.approx(
        true_class_confidence(labels, probabilities), abs=1e-6
    )
    assert expected_calibration_error(labels, single) == pytest.approx(
        expected_calibration_error(labels, probabilities), abs=1e-6
    )
