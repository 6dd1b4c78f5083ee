"""How noise per class is used without the label: tables by hand, and who may look at what."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_har.noise.learned.protocols import (
    LEAKS,
    LIFTS,
    PROTOCOLS,
    Protocol,
    apply_protocol,
    candidate,
    topk,
    variant_name,
)

CLEAN = np.array([[3, 2, 0], [0, 1, 5]], np.float32)
NOISY = np.array(
    [
        [[1, 7, 0], [8, 4, 9], [2, 6, 5]],  # rows: whose noise; columns: scores of the classes
        [[9, 0, 1], [3, 2, 4], [0, 6, 1]],
    ],
    np.float32,
)
LABELS = np.array([2, 1])

values = st.integers(-4, 4).map(float)  # so few that ties are common


def tables(clips, classes, *, seed, tied=False):
    draws = np.random.default_rng(seed)
    clean, noisy = (
        draws.normal(0, 9, (clips, classes)),
        draws.normal(0, 9, (clips, classes, classes)),
    )
    if tied:
        clean, noisy = clean.round(-1), noisy.round(-1)
    return clean.astype(np.float32), noisy.astype(np.float32)


def applied(protocol, *, labels=LABELS, top_k=2):
    return apply_protocol(protocol, CLEAN, NOISY, labels=labels, top_k=top_k)


# By hand


def test_candidate_scores_each_class_on_its_own_noise():
    scores, used = applied("candidate")
    assert scores.tolist() == [[1, 4, 5], [9, 2, 1]]
    assert used.tolist() == [2, 0]


def test_topk_ranks_the_k_best_and_keeps_the_others_below():
    scores, used = applied("topk")
    # Clip 0: classes 0 and 1 get 1 and 4; class 2 was 2 below the second best, so it is -1.
    # Clip 1: classes 2 and 1 get 1 and 2; class 0 was 1 below the second best, so it is 0.
    assert scores.tolist() == [[1, 4, -1], [0, 2, 1]]
    assert used.tolist() == [1, 1]


def test_predicted_answers_under_the_noise_of_its_first_answer():
    scores, used = applied("predicted")
    assert used.tolist() == [0, 2]
    assert scores.tolist() == [[1, 7, 0], [0, 6, 1]]


def test_oracle_answers_under_the_noise_of_the_label():
    scores, used = applied("oracle")
    assert used.tolist() == [2, 1]
    assert scores.tolist() == [[2, 6, 5], [3, 2, 4]]


def test_the_gaps_between_the_others_are_those_of_the_clean_pass():
    clean = np.array([[9, 8, 5, 1, 4]], np.float32)
    noisy = np.diag([2, 6, 70, 80, 90]).astype(np.float32)[None]
    assert topk(clean, noisy, 2).tolist() == [[2, 6, 2 - 3, 2 - 3 - 4, 2 - 3 - 1]]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_clip(protocol):
    scores, used = apply_protocol(protocol, CLEAN[:1], NOISY[:1], labels=LABELS[:1], top_k=2)
    both, both_used = applied(protocol)
    assert scores.tolist() == both[:1].tolist()
    assert used.tolist() == both_used[:1].tolist()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_clip_and_one_class(protocol):
    clean, noisy = np.zeros((0, 3), np.float32), np.zeros((0, 3, 3), np.float32)
    scores, used = apply_protocol(protocol, clean, noisy, labels=LABELS[:0], top_k=2)
    assert scores.shape == (0, 3)
    assert used.shape == (0,)
    alone, whose = apply_protocol(
        protocol, CLEAN[:1, :1], NOISY[:1, :1, :1], labels=LABELS[:1] * 0, top_k=5
    )
    assert (alone.tolist(), whose.tolist()) == ([[1]], [0])


# In any case


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 9), st.integers(0, 99), st.booleans())
def test_topk_with_all_classes_is_candidate(clips, classes, more, seed, tied):
    clean, noisy = tables(clips, classes, seed=seed, tied=tied)
    assert np.array_equal(topk(clean, noisy, classes + more), candidate(noisy))


@given(st.integers(1, 6), st.integers(2, 7), st.data())
def test_the_answer_of_topk_is_always_one_of_the_k(clips, classes, data):
    k = data.draw(st.integers(1, classes - 1))
    seed, tied = data.draw(st.integers(0, 999)), data.draw(st.booleans())
    clean, noisy = tables(clips, classes, seed=seed, tied=tied)
    scores = topk(clean, noisy, k)
    best = np.argsort(-clean, axis=1, kind="stable")[:, :k]
    for row, kept in enumerate(best):
        assert scores[row].argmax() in kept
        others = np.setdiff1d(np.arange(classes), kept)
        assert scores[row, others].max() < scores[row, kept].min()
        np.testing.assert_array_equal(scores[row, kept], candidate(noisy)[row, kept])


@given(st.lists(values, min_size=4, max_size=4), st.integers(1, 3))
def test_equal_clean_scores_let_no_class_in_from_outside(clean, k):
    rows = np.array([clean], np.float32)
    noisy = np.zeros((1, 4, 4), np.float32)
    inside = np.argsort(-rows[0], kind="stable")[:k]
    scores = topk(rows, noisy, k)[0]
    assert set(np.flatnonzero(scores == scores.max())) == set(inside)


def test_topk_of_one_answers_as_without_noise():
    clean, noisy = tables(50, 6, seed=0)
    assert np.array_equal(topk(clean, noisy, 1).argmax(axis=1), clean.argmax(axis=1))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_only_oracle_reads_labels(protocol):
    clean, noisy = tables(40, 5, seed=1)
    labels = np.arange(40) % 5
    found = [
        apply_protocol(protocol, clean, noisy, labels=given_, top_k=3)
        for given_ in (labels, np.random.default_rng(0).permutation(labels))
    ]
    same = [np.array_equal(one, other) for one, other in zip(*found, strict=True)]
    assert same == ([False, False] if protocol == "oracle" else [True, True])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tables_stay_as_they_are_and_types_too(protocol):
    clean, noisy = tables(5, 4, seed=2)
    before = clean.copy(), noisy.copy()
    scores, used = apply_protocol(protocol, clean, noisy, labels=np.arange(5) % 4, top_k=2)
    scores[...] = 0
    assert np.array_equal(clean, before[0])
    assert np.array_equal(noisy, before[1])
    assert scores.dtype == np.float32
    assert used.dtype == np.int64


# Names


def test_a_name_says_that_it_leaks():
    marked = [variant_name(protocol) for protocol in PROTOCOLS]
    assert marked == ["candidate", "topk", "predicted", f"oracle{LEAKS}"]
    assert "leaks the label" in LEAKS
    assert {*PROTOCOLS, *LIFTS} == set(get_args(Protocol))
