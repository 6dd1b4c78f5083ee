"""Bias in the histogram of predictions: ranges, invariances, and against chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_har.metrics.prediction_bias import prediction_bias

SEEDS = st.integers(0, 2**32 - 1)


def answers(seed: int, clips: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels, of which some classes may have none, and distributions without ties."""
    draws = np.random.default_rng(seed)
    common = draws.dirichlet(np.full(classes, 0.5))
    return draws.choice(classes, clips, p=common), draws.dirichlet(np.ones(classes), clips)


def biased_to(favourite: int, share: float, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 2000 clips of 10 classes, 70 % right, a share of the answers moved to one class."""
    draws = np.random.default_rng(seed)
    labels = draws.permutation(2000) % 10
    wrong = (labels + draws.integers(1, 10, 2000)) % 10
    given_ = np.where(draws.random(2000) < 0.7, labels, wrong)
    given_ = np.where(draws.random(2000) < share, favourite, given_)
    return labels, 0.1 / 9 * (1 - np.eye(10)[given_]) + 0.9 * np.eye(10)[given_]


@given(SEEDS, st.integers(1, 60), st.integers(2, 12))
def test_neither_the_order_of_clips_nor_that_of_classes_matters(seed, clips, classes):
    labels, probabilities = answers(seed, clips, classes)
    draws = np.random.default_rng(seed)
    order, renamed = draws.permutation(clips), draws.permutation(classes)
    names = np.argsort(renamed)  # class c is column names[c] of the new table
    found = prediction_bias(labels, probabilities)
    assert prediction_bias(labels[order], probabilities[order]) == pytest.approx(found, abs=1e-9)
    other = prediction_bias(names[labels], probabilities[:, renamed])
    assert other == pytest.approx(found, abs=1e-9)


@given(SEEDS, st.integers(1, 60), st.integers(1, 12))
def test_ranges(seed: int, clips: int, classes: int) -> None:
    labels, probabilities = answers(seed, clips, classes)
    found = prediction_bias(labels, probabilities)
    slack = 1e-9
    for name in ("tv", "entropy"):
        assert -slack <= found[f"bias/prediction_{name}"] <= 1 + slack
    for name in ("recall_gap", "recall_gini", "worst10", "confusion_asymmetry"):
        assert -slack <= found[f"bias/{name}"] <= 1 + slack
    assert 0 <= found["bias/recall_sd"] <= 0.5 + slack  # of values in [0, 1]
    assert found["bias/skew_kl"] >= -slack
    assert found["bias/prediction_kl"] >= -slack
    present = len(np.unique(labels))
    assert 0 <= found["bias/never_predicted"] <= present
    assert 0 <= found["bias/overprediction"] <= clips
    assert found["bias/worst10"] <= 1 - found["bias/recall_gap"] + slack or present > 10


def test_the_worst_tenth_of_twenty_one_classes_are_three() -> None:
    labels = np.repeat(np.arange(21), 4)
    said = labels.copy()
    said[:1], said[4:6], said[8:12] = 20, 20, 20  # recalls 3/4, 2/4, 0, then ones
    found = prediction_bias(labels, np.eye(21)[said])
    assert found["bias/worst10"] == pytest.approx((0 + 0.5 + 0.75) / 3)


def test_ties_go_to_the_lower_class() -> None:
    found = prediction_bias(np.array([0, 1]), np.full((2, 2), 0.5))
    assert found["bias/never_predicted"] == 1
    assert found["bias/overprediction"] == 2
    assert found["bias/prediction_entropy"] == 0
    assert found["bias/recall_gap"] == 1
    assert found["bias/skew_kl"] == 0  # the distributions do not lean, only the answers


def test_answers_that_the_histogram_cannot_tell_from_right_ones() -> None:
    labels = np.repeat(np.arange(4), 6)
    found = prediction_bias(labels, np.eye(4)[(labels + 1) % 4])  # all wrong, in a ring
    assert found["bias/prediction_tv"] == 0
    assert found["bias/prediction_entropy"] == pytest.approx(1)
    assert found["bias/never_predicted"] == 0
    assert found["bias/recall_gap"] == 0
    assert found["bias/confusion_asymmetry"] == 1


@pytest.mark.parametrize("dropped", [0, 1, 3, 7])
def test_classes_that_are_never_answered_are_counted(dropped: int) -> None:
    labels = np.repeat(np.arange(8), 5)
    said = np.where(labels < dropped, 7, labels)
    found = prediction_bias(labels, np.eye(9)[said])  # the ninth class is absent, not missed
    assert found["bias/never_predicted"] == dropped
    assert found["bias/overprediction"] == 1 + dropped
    assert found["bias/prediction_tv"] == pytest.approx(dropped / 8)


@pytest.mark.parametrize("favourite", [0, 4, 9])
def test_bias_stands_out_from_what_chance_makes_of_fair_models(favourite: int) -> None:
    fair = [prediction_bias(*biased_to(0, 0.0, seed=100 + seed)) for seed in range(40)]
    none = prediction_bias(*biased_to(favourite, 0.0, seed=favourite))
    some = prediction_bias(*biased_to(favourite, 0.2, seed=favourite))
    for name in set(none) - {"bias/never_predicted"}:
        values = [one[name] for one in fair]
        spread = 4 * np.std(values)
        assert abs(none[name] - np.mean(values)) <= spread, name
        falls = name in {"bias/prediction_entropy", "bias/worst10"}
        gained = some[name] - np.mean(values)
        assert (-gained if falls else gained) > spread, name
