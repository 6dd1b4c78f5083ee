from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from clip_har.metrics.tables import (
    confused_pairs,
    per_class,
    recall_changes,
    recall_intervals,
)
from tests.tables import made_table

NAMES = ["a", "b", "c", "d"]
CONFUSION = np.array([[5, 2, 0, 0], [2, 1, 3, 0], [0, 0, 0, 0], [0, 0, 1, 0]])


def test_per_class_by_hand() -> None:
    true, predicted = np.array([pair for pair, n in np.ndenumerate(CONFUSION) for _ in range(n)]).T
    groups = [str(number) for number in range(len(true))]
    table = per_class(true, np.eye(4)[predicted], NAMES, groups)
    nan = np.nan
    assert table["class"].tolist() == NAMES
    assert table["support"].tolist() == [7, 6, 0, 1]
    assert table["predicted"].tolist() == [7, 3, 4, 0]
    np.testing.assert_array_equal(table["precision"], [5 / 7, 1 / 3, 0, nan])
    np.testing.assert_array_equal(table["recall"], [5 / 7, 1 / 6, nan, 0])
    assert table["rank"].fillna(0).tolist() == [3, 2, 0, 1], "the lowest recall is first"
    np.testing.assert_array_equal(table["f1"], [10 / 14, 2 / 9, nan, 0])


def test_recalls_of_independent_clips_have_wilson_s_interval() -> None:
    labels = np.repeat(np.arange(5), 400)
    right = np.tile(np.arange(400) % 5, 5) > np.repeat(np.arange(5), 400) - 1
    answers = np.where(right, labels, (labels + 1) % 5)
    alone = recall_intervals(labels, answers, [str(n) for n in range(2000)], classes=6)
    for c in range(5):
        expected = binomtest(int(right[labels == c].sum()), 400).proportion_ci(method="wilson")
        assert alone[c] == pytest.approx((expected.low, expected.high), abs=0.01)
    assert np.isnan(alone[5]).all(), "without a clip"
    blocks = [f"{label} {n % 400 // 20}" for n, label in enumerate(labels)]
    together = np.repeat(np.arange(100) % 4 > 0, 20)
    wide = recall_intervals(labels, np.where(together, labels, 5), blocks, classes=6)
    fair = binomtest(15, 20).proportion_ci(method="wilson")  # each group is one observation
    assert wide[0] == pytest.approx((fair.low, fair.high), abs=0.03)
    few = recall_intervals(labels, answers, [str(n % 5) for n in range(2000)], classes=6)
    assert np.isnan(few).all(), "five groups"


def test_changes_of_recall_by_hand() -> None:
    """Three classes of 8 clips in 4 groups, in which the next class, of no clip, never counts."""
    labels = np.repeat([0, 1, 3], 8).tolist()
    before = made_table(labels=labels, classes=4, right=[1] * 16 + [0, 1] * 4)
    after = made_table(labels=labels, classes=4, right=[1] * 8 + [0] * 8 + [0, 1, 1, 1] * 2)
    table = recall_changes(before, replace(after, empty=("clip 0",)))
    assert table.to_dict("list") == {
        "class": ["class 1", "class 0", "class 3"],
        "clips": [8, 7, 8],
        "before": [1.0, 1.0, 0.5],
        "after": [0.0, 1.0, 0.75],
        "change": [-1.0, 0.0, 0.25],
        "rank": [1, 2, 3],
        "rank_low": [1, 2, 2],
        "rank_high": [1, 3, 3],
    }
    elsewhere = replace(after, clip_ids=tuple(f"other {n}" for n in range(24)))
    assert recall_changes(before, elsewhere).empty


def test_confused_pairs_are_ordered_and_never_right_ones() -> None:
    pairs = confused_pairs(CONFUSION, NAMES)
    expected = pd.DataFrame(
        {
            "true": ["b", "a", "b", "d"],
            "predicted": ["c", "b", "a", "c"],
            "count": [3, 2, 2, 1],
            "share": [3 / 6, 2 / 7, 2 / 6, 1.0],
        }
    )
    pd.testing.assert_frame_equal(pairs, expected)
    assert len(confused_pairs(CONFUSION, NAMES, limit=2)) == 2


def test_nothing_confused() -> None:
    assert confused_pairs(np.eye(4, dtype=np.int64), NAMES).empty
