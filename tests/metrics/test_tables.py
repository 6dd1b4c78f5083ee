import numpy as np
import pandas as pd

from clip_har.metrics.tables import confused_pairs, per_class

NAMES = ["a", "b", "c", "d"]
CONFUSION = np.array([[5, 2, 0, 0], [2, 1, 3, 0], [0, 0, 0, 0], [0, 0, 1, 0]])


def test_per_class_by_hand() -> None:
    true, predicted = np.array([pair for pair, n in np.ndenumerate(CONFUSION) for _ in range(n)]).T
    table = per_class(true, np.eye(4)[predicted], NAMES)
    nan = np.nan
    assert table["class"].tolist() == NAMES
    assert table["support"].tolist() == [7, 6, 0, 1]
    assert table["predicted"].tolist() == [7, 3, 4, 0]
    np.testing.assert_array_equal(table["precision"], [5 / 7, 1 / 3, 0, nan])
    np.testing.assert_array_equal(table["recall"], [5 / 7, 1 / 6, nan, 0])
    np.testing.assert_array_equal(table["f1"], [10 / 14, 2 / 9, nan, 0])


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
