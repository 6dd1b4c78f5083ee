"""Half of the classes: against the loop of the paper's code, and scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from clip_har.metrics.half_classes import HALVES, class_halves, half_classes, top1_of_halves
from clip_har.metrics.summary import summarise
from tests.tables import made_table


def of_loop(labels: np.ndarray, scores: np.ndarray, halves: int) -> list[float]:
    """The procedure of Text4Vis's ``multi_split_test``, written again as a loop."""
    found = []
    for half in range(halves):
        np.random.seed(half)  # noqa: NPY002, as the paper's code draws
        chosen = np.random.permutation(scores.shape[1])[: scores.shape[1] // 2]  # noqa: NPY002
        kept = np.isin(labels, chosen)
        classes = np.sort(chosen)
        best = classes[scores[kept][:, classes].argmax(axis=1)]
        found.append(accuracy_score(labels[kept], best))
    return found


@given(st.integers(0, 2**32 - 1), st.integers(4, 11), st.booleans())
def test_it_is_the_loop_of_the_paper(seed: int, classes: int, tied: bool) -> None:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, 40)])
    scores = random.standard_normal((len(labels), classes)).astype(np.float32)
    if tied:
        scores = np.round(scores)
    found = half_classes(labels, scores, "logits")
    for many in HALVES:
        by_loop = of_loop(labels, scores, many)
        assert found[f"half_classes/{many}/top1"] == pytest.approx(np.mean(by_loop))
        assert found[f"half_classes/{many}/top1_sd"] == pytest.approx(np.std(by_loop))


def test_the_halves_are_pinned_for_ucf101() -> None:
    """They must be the same on every machine and with every version of NumPy."""
    halves = class_halves(101, 50)
    assert set(halves.sum(axis=1)) == {50}
    assert np.flatnonzero(halves[49])[:8].tolist() == [0, 1, 3, 7, 11, 13, 14, 17]


def test_a_half_without_clips_is_not_known() -> None:
    scores = np.eye(6)[[0, 0, 1]]
    halves = np.array([[False, False, True, True, False, False]])
    assert np.isnan(top1_of_halves(np.array([0, 0, 1]), scores, halves)).tolist() == [True]
    assert half_classes(np.array([0, 0, 1]), scores, "logits") == {}


def test_three_classes_have_no_half() -> None:
    assert half_classes(np.arange(3), np.eye(3), "logits") == {}


def test_scores_that_depend_on_other_classes_have_no_halves() -> None:
    """The halves of ``pooling=mean_probability`` are not what a run with half the classes gives."""
    table = made_table(labels=range(4), classes=4, right=[1] * 4)
    dependent = replace(table, kind="log_probabilities")
    name = f"half_classes/{HALVES[0]}/top1"
    assert name in summarise(table)
    assert name not in summarise(dependent)
