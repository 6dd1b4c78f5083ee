"""The score of validation clips: at the best temperature, all classes equal."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.metrics import log_loss

from clip_har.heads.validation import best_log_probability, best_scale, validation_score

Scores = NDArray[np.float64]


def some_scores(seed: int, *, rows: int = 30, columns: int = 4) -> Scores:
    """Return scores whose best temperature is well inside of what is searched."""
    draws = np.random.default_rng(seed)
    scores = draws.normal(size=(rows, columns))
    scores[:, 0] += 0.7
    return scores


@given(st.integers(0, 99), st.floats(0.2, 4))
def test_the_score_does_not_know_the_scale_of_the_answers(seed, scale):
    scores = some_scores(seed)
    assert best_log_probability(scale * scores) == pytest.approx(
        best_log_probability(scores), abs=1e-6
    )


@settings(max_examples=20)
@given(st.integers(0, 99))
def test_the_score_is_the_best_of_all_temperatures(seed):
    scores = some_scores(seed)
    all_of_them = [
        log_softmax(a * scores, axis=1)[:, 0].mean() for a in np.geomspace(0.02, 18, 999)
    ]
    assert best_log_probability(scores) == pytest.approx(max(all_of_them), abs=1e-4)
    assert best_log_probability(scores) >= max(all_of_them) - 1e-9


@pytest.mark.parametrize("right", [6, 7, 9])
def test_the_score_of_equally_sure_answers_is_what_the_share_of_right_ones_says(right):
    scores = np.array([[3.0, 0.0]] * right + [[0.0, 3.0]] * (10 - right))
    share = right / 10
    expected = share * math.log(share) + (1 - share) * math.log(1 - share)
    assert best_log_probability(scores) == pytest.approx(expected, abs=1e-6)


def test_what_is_no_candidate_does_not_count():
    scores = some_scores(0, columns=3)
    more = np.concatenate([scores, np.full((len(scores), 1), -np.inf)], axis=1)
    assert best_log_probability(more) == pytest.approx(best_log_probability(scores), abs=1e-9)


def test_the_true_class_may_be_any_column():
    scores, labels = some_scores(1), np.random.default_rng(1).integers(0, 4, 30)
    others = np.array([[c for c in range(4) if c != label] for label in labels])
    first = np.column_stack([np.arange(30) * 0 + labels, others])
    expected = best_log_probability(np.take_along_axis(scores, first, axis=1))
    assert best_log_probability(scores, labels) == pytest.approx(expected, abs=1e-9)


def test_classes_count_the_same_whatever_their_number_of_clips():
    """Repeating the clips of a class changes nothing; the oracle is scikit-learn's log loss."""
    scores, labels = some_scores(2).astype(np.float32), np.arange(30) % 4
    found = validation_score(scores, labels)
    rows = np.concatenate([np.arange(30), *[np.flatnonzero(labels == 2)] * 3])
    assert validation_score(scores[rows], labels[rows]) == pytest.approx(found, abs=1e-9)
    losses = [
        np.mean(
            [
                log_loss(
                    labels[labels == label],
                    np.exp(log_softmax(a * scores[labels == label].astype(np.float64), axis=1)),
                    labels=range(4),
                )
                for label in range(4)
            ]
        )
        for a in np.geomspace(0.1, 8, 60)
    ]
    assert found == pytest.approx(-min(losses), abs=1e-3)


def test_the_best_scale_gives_the_score():
    scores, labels = some_scores(3).astype(np.float32), np.zeros(30, np.int64)
    scale = best_scale(scores, labels)
    logs = log_softmax(scale * scores.astype(np.float64), axis=1)[:, 0]
    assert logs.mean() == pytest.approx(validation_score(scores, labels), abs=1e-9)
    assert best_scale(3 * scores, labels) == pytest.approx(scale / 3, rel=1e-3)
