"""Bias between kinds of clips, by hand and at its edges."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_har.metrics.attributes import attribute_gaps, attribute_metrics, attribute_table
from clip_har.metrics.summary import summarise
from tests.tables import made_table


def test_by_hand_with_clips_of_no_known_value():
    labels = np.array([0, 0, 1, 1, 0, 1, 1])
    answers = np.array([0, 1, 1, 1, 0, 0, 0])
    kinds = ["a", "a", "a", "b", "b", "b", None]
    found = attribute_gaps(labels, answers, kinds, classes=2)
    assert found["accuracy_difference"] == 0
    # class 0: hits 1/2 and 1/1, false 0/1 and 1/2; class 1: hits 1/1 and 1/2, false 1/2 and 0/1
    assert found == {"accuracy_difference": 0, "accuracy_ratio": 1, "equalised_odds": 0.5}
    known = [kind is not None for kind in kinds]
    rest = attribute_gaps(labels[known], answers[known], kinds[:-1], classes=2)
    assert rest == found


def test_an_attribute_that_follows_from_the_class_leaves_the_false_positives():
    labels = np.array([0, 0, 1, 1, 2, 2])
    answers = np.array([0, 1, 1, 1, 1, 1])
    kinds = ["sport"] * 4 + ["music"] * 2
    found = attribute_gaps(labels, answers, kinds, classes=3)
    # class 1 is answered for 1 of 2 other sports and 2 of 2 musics; classes 0 and 2 for none
    assert found["equalised_odds"] == pytest.approx(0.5 / 3)
    assert found["accuracy_difference"] == 0.75
    assert found["accuracy_ratio"] == 0


def test_one_value_none_and_nobody_right():
    labels, answers = np.array([0, 1]), np.array([1, 0])
    assert attribute_gaps(labels, answers, ["a", "a"], classes=2) == {}
    assert attribute_gaps(labels, answers, ["a", None], classes=2) == {}
    assert attribute_gaps(labels, answers, [None, None], classes=2) == {}
    nobody = attribute_gaps(labels, answers, ["a", "b"], classes=2)
    assert nobody["accuracy_difference"] == 0
    assert "accuracy_ratio" not in nobody


@given(st.integers(0, 200))
def test_ranges_and_the_order_of_clips(seed):
    draws = np.random.default_rng(seed)
    clips, classes = draws.integers(1, 40), int(draws.integers(1, 6))
    labels, answers = draws.integers(classes, size=(2, clips))
    kinds = [[None, "a", "b", "c"][value] for value in draws.integers(4, size=clips)]
    found = attribute_gaps(labels, answers, kinds, classes=classes)
    assert all(0 <= value <= 1 for value in found.values())
    order = draws.permutation(clips)
    mixed = attribute_gaps(
        labels[order], answers[order], [kinds[row] for row in order], classes=classes
    )
    assert mixed == pytest.approx(found)


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_gap_is_found_and_grows(seed):
    draws = np.random.default_rng(seed)
    labels = draws.integers(5, size=6000)
    kinds = np.where(draws.random(6000) < 0.5, "front", "back")
    lots = draws.random(6000)

    def gaps(planted: float) -> dict[str, float]:
        right = lots < np.where(kinds == "front", 0.8, 0.8 - planted)
        answers = np.where(right, labels, (labels + 1) % 5)
        return attribute_gaps(labels, answers, kinds.tolist(), classes=5)

    found = [gaps(planted) for planted in (0, 0.1, 0.3, 0.6)]
    differences = [one["accuracy_difference"] for one in found]
    assert differences == pytest.approx([0, 0.1, 0.3, 0.6], abs=0.04)
    odds = [one["equalised_odds"] for one in found]
    assert odds[0] < 0.08
    assert odds == sorted(odds)
    ratios = [one["accuracy_ratio"] for one in found]
    assert ratios == sorted(ratios, reverse=True)


def test_a_cell_logs_each_attribute_and_tabulates_its_values():
    table = replace(
        made_table(labels=[0, 0, 1, 1, 1, 0], classes=2, right=[1, 1, 1, 0, 0, 1]),
        attributes={
            "viewpoint": ("front", "front", "front", "back", "back", None),
            "age": (None,) * 6,
        },
    )
    metrics = attribute_metrics(table)
    assert metrics["bias/viewpoint/accuracy_difference"] == 1
    assert not any("age" in name for name in metrics)
    assert metrics.items() <= summarise(table).items()
    rows = attribute_table(table)
    assert rows["value"].tolist() == ["back", "front"]
    assert rows["clips"].tolist() == [2, 3]
    assert rows["groups"].tolist() == [2, 2]  # clips 3 and 4 lie in two groups
    assert rows["top1"].tolist() == [0, 1]
    assert rows[["low", "high"]].isna().all(axis=None), "of two groups"
