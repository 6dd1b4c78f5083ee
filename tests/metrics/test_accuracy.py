"""Metrics against scikit-learn, and by hand at the edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as oracle

from clip_har.metrics.accuracy import (
    among_best,
    balanced_accuracy,
    confusion_matrix,
    macro_f1,
    top_k,
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of 1 to 40 clips and 2 to 9 classes, some classes absent, with ties."""
    rows, classes = draw(st.integers(1, 40)), draw(st.integers(2, 9))
    labels = draw(arrays(np.int64, rows, elements=st.integers(0, classes - 1)))
    scores = draw(arrays(np.float32, (rows, classes), elements=st.integers(-3, 3).map(float)))
    return labels, scores


@given(tables())
def test_with_ties_and_absent_classes(table: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = table
    best = scores.argmax(axis=1)  # the first of equals, as everywhere here
    assert top_k(labels, scores, 1) == pytest.approx(oracle.accuracy_score(labels, best))
    expected = oracle.confusion_matrix(labels, best, labels=range(scores.shape[1]))
    np.testing.assert_array_equal(confusion_matrix(labels, scores), expected)


@given(tables(), st.integers(1, 10))
def test_the_best_classes_are_the_first_of_a_stable_order(
    table: tuple[np.ndarray, np.ndarray], k: int
) -> None:
    _, scores = table
    expected = np.zeros(scores.shape, bool)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    np.put_along_axis(expected, order, values=True, axis=1)
    np.testing.assert_array_equal(among_best(scores, k), expected)


@given(tables())
def test_means_over_the_classes_that_are_present(table: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = table
    best, present = scores.argmax(axis=1), np.unique(labels)
    how = {"labels": present, "average": "macro", "zero_division": 0}
    assert balanced_accuracy(labels, scores) == oracle.recall_score(labels, best, **how)
    assert macro_f1(labels, scores) == oracle.f1_score(labels, best, **how)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_top_k_against_scikit_learn(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, 50)
    scores = random.standard_normal((50, 10))
    expected = oracle.top_k_accuracy_score(labels, scores, k=k, labels=list(range(10)))
    assert top_k(labels, scores, k) == pytest.approx(expected)


def test_ties_go_to_the_lower_class() -> None:
    assert among_best(np.zeros((1, 4)), 2).tolist() == [[True, True, False, False]]
    assert top_k(np.array([1]), np.zeros((1, 4)), 1) == 0
    assert top_k(np.array([1]), np.zeros((1, 4)), 2) == 1


@pytest.mark.parametrize("right", [True, False])
def test_all_right_and_all_wrong(right: bool) -> None:
    labels = np.array([0, 1, 2, 2])
    scores = np.eye(3)[labels if right else (labels + 1) % 3]
    for metric in (balanced_accuracy, macro_f1):
        assert metric(labels, scores) == float(right)
    assert top_k(labels, scores, 1) == float(right)


def test_top_k_with_fewer_classes_is_one() -> None:
    assert top_k(np.array([2]), np.array([[3.0, 2.0, 1.0]]), 5) == 1


@pytest.mark.parametrize("metric", [balanced_accuracy, macro_f1])
def test_no_clip_is_refused(metric) -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        metric(np.array([], np.int64), np.zeros((0, 3)))
