import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from clip_har.metrics.tables import confused_pairs, per_class

NAMES = ["a", "b", "c", "d"]
CONFUSION = np.array([[5, 2, 0, 0], [2, 1, 3, 0], [0, 0, 0, 0], [0, 0, 1, 0]])


def test_per_class_against_scikit_learn() -> None:
    pairs = [(i, j) for i, j in np.ndindex(4, 4) for _ in range(CONFUSION[i, j])]
    true, predicted = np.array(pairs).T
    precision, recall, f1, support = precision_recall_fscore_support(
        true, predicted, labels=range(4), zero_division=np.nan
    )
    table = per_class(CONFUSION, NAMES)
    np.testing.assert_allclose(table["precision"], precision)
    np.testing.assert_allclose(table["recall"], recall)
    np.testing.assert_array_equal(table["support"], support)
    present = support > 0
    np.testing.assert_allclose(table["f1"][present], f1[present])
    assert np.isnan(table["f1"][2]), "a class without a clip has no F1"


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
    assert len(confused_pairs(CONFUSION, NAMES, most=2)) == 2


def test_nothing_confused() -> None:
    assert confused_pairs(np.eye(4, dtype=np.int64), NAMES).empty
