"""Features of the stacks: small tables whose every number is worked out by hand."""

import numpy as np
import pytest

from clip_har.noise.learned.lift import Answers, parts_of
from clip_har.noise.learned.protocols import best_classes
from clip_har.noise.variants import LEARNED, NONE, RANDOM, SECOND, UNIVERSAL

CLIPS, CLASSES = 4, 3
NOISY = np.arange(CLIPS * CLASSES * CLASSES, dtype=np.float32).reshape(CLIPS, CLASSES, CLASSES)
CLEAN = np.array([[3, 2, 1], [1, 2, 3], [2, 3, 1], [0, 0, 0]], np.float32)
PARTNER = np.array([1, 2, 0])


def answers(**more):
    scores = {
        NONE: CLEAN[:, None],
        UNIVERSAL: CLEAN[:, None] + 10,
        SECOND: CLEAN[:, None] + 20,
        LEARNED: NOISY,
        RANDOM: -NOISY,
    }
    return Answers(scores, np.array([2, 0, 1, 1]), PARTNER, **more)


def test_own_is_the_diagonal_and_mean_is_over_the_parts_of_the_others():
    parts = parts_of(CLEAN, NOISY, top_k=None)
    assert parts.own[0].tolist() == [0.0, 4.0, 8.0]
    assert parts.mean[0].tolist() == [4.5, 4.0, 3.5]
    assert parts.own[1].tolist() == [9.0, 13.0, 17.0]


def test_another_class_s_part_is_scored_for_the_class_that_gets_it():
    parts = parts_of(CLEAN, NOISY, top_k=None, dealt=PARTNER)
    assert parts.own[0].tolist() == [NOISY[0, 1, 0], NOISY[0, 2, 1], NOISY[0, 0, 2]]
    np.testing.assert_array_equal(parts.mean, parts_of(CLEAN, NOISY, top_k=None).mean)
    assert parts.dealt.tolist() == PARTNER.tolist()


@pytest.mark.parametrize("dealt", [None, PARTNER], ids=["own", "another"])
def test_only_the_parts_of_the_best_classes_are_used(dealt):
    whole = parts_of(CLEAN, NOISY, top_k=2, dealt=dealt)
    assert whole.computed.tolist() == [
        [True, True, False], [False, True, True], [True, True, False], [True, True, False],
    ]  # fmt: skip
    columns = np.arange(CLASSES) if dealt is None else dealt
    first = NOISY[0, columns[[0, 1]]]  # of the first clip the parts of the classes 0 and 1
    if dealt is None:
        mean = [first[1, 0], first[0, 1], first[:, 2].mean()]
    else:  # these are the parts that were learned for the classes 1 and 2
        mean = [first[:, 0].mean(), first[1, 1], first[0, 2]]
    assert whole.mean[0].tolist() == mean
    assert whole.own[0].tolist() == [first[0, 0], first[1, 1], mean[2]]
    few = np.full_like(NOISY, np.nan)
    for clip in range(CLIPS):
        for label in np.flatnonzero(whole.computed[clip]):
            few[clip, columns[label]] = NOISY[clip, columns[label]]
    again = parts_of(CLEAN, few, top_k=2, dealt=dealt)
    np.testing.assert_array_equal(again.own, whole.own)
    np.testing.assert_array_equal(again.mean, whole.mean)


def test_a_placebo_does_not_see_the_part_that_was_learned_for_a_class():
    changed = NOISY.copy()
    for label in range(CLASSES):
        changed[:, label, label] += 1000
    for top_k in (None, 2):
        one, other = (parts_of(CLEAN, t, top_k=top_k, dealt=PARTNER) for t in (NOISY, changed))
        np.testing.assert_array_equal(one.own, other.own)
        np.testing.assert_array_equal(one.mean, other.mean)


@pytest.mark.parametrize("top_k", [3, 9, None])
def test_as_many_best_classes_as_there_are_is_all(top_k):
    found = parts_of(CLEAN, NOISY, top_k=top_k)
    np.testing.assert_array_equal(found.own, np.diagonal(NOISY, axis1=1, axis2=2))


def test_of_equal_scores_the_first_classes_are_the_best():
    assert best_classes(CLEAN, 2).tolist() == [[0, 1], [2, 1], [1, 0], [0, 1]]


def test_features_stand_in_the_order_of_their_names():
    heads = {"probe": CLEAN * 2}
    found = answers(heads=heads).features(
        ("clean", "universal", "second", "own", "mean", "true", "head"), noise=LEARNED, head="probe"
    )
    assert found.shape == (CLIPS, CLASSES, 7)
    assert found[0, :, 0].tolist() == [3, 2, 1]
    assert found[0, :, 1].tolist() == [13, 12, 11]
    assert found[0, :, 2].tolist() == [23, 22, 21]
    assert found[0, :, 3].tolist() == [0, 4, 8]
    assert found[0, :, 4].tolist() == [4.5, 4, 3.5]
    assert found[0, :, 5].tolist() == [6, 7, 8]  # under the part of class 2, the true one
    assert found[0, :, 6].tolist() == [6, 4, 2]


def test_only_what_leaks_depends_on_the_labels():
    names = ("clean", "universal", "second", "own", "mean")
    one, other = answers(), answers()
    object.__setattr__(other, "labels", np.array([0, 1, 2, 0]))
    np.testing.assert_array_equal(
        one.features(names, noise=LEARNED), other.features(names, noise=LEARNED)
    )
    assert (
        one.features(("true",), noise=LEARNED) != other.features(("true",), noise=LEARNED)
    ).any()


def test_a_placebo_uses_its_own_noise():
    names = ("own", "mean")
    found = answers().features(names, noise=RANDOM)
    np.testing.assert_array_equal(found, -answers().features(names, noise=LEARNED))
