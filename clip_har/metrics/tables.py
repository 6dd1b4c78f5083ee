"""Tables over the classes: per-class scores and the most confused pairs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def per_class(confusion: NDArray[np.int64], class_names: Sequence[str]) -> pd.DataFrame:
    """Return precision, recall, F1 and support of each class.

    Args:
        confusion: ``(C, C)`` counts, row true, column predicted.
        class_names: C names.

    Returns:
        One row per class with columns ``class, support, predicted, precision, recall, f1``; a
        precision without a prediction, a recall without a clip and an F1 of a class that is
        absent are NaN, an F1 of a class that is present and never predicted is 0.
    """
    hits = np.diag(confusion).astype(float)
    support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = hits / predicted, hits / support
        f1 = np.where(support > 0, 2 * hits / (support + predicted), np.nan)
    return pd.DataFrame(
        {
            "class": list(class_names),
            "support": support,
            "predicted": predicted,
            "precision": precision,
            "recall": recall,
            "f1": f1,
        }
    )


def confused_pairs(
    confusion: NDArray[np.int64], class_names: Sequence[str], *, most: int = 50
) -> pd.DataFrame:
    """Return the ordered pairs of classes that are confused most.

    Args:
        confusion: ``(C, C)`` counts, row true, column predicted.
        class_names: C names.
        most: how many pairs at most.

    Returns:
        Columns ``true, predicted, count, share``: share is of the true class's clips, in [0, 1].
        Most frequent first, ties in class order; pairs that never occur are left out.
    """
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong.ravel(), kind="stable")[:most]
    order = order[wrong.ravel()[order] > 0]
    true, predicted = np.unravel_index(order, wrong.shape)
    count = wrong[true, predicted]
    return pd.DataFrame(
        {
            "true": [class_names[i] for i in true],
            "predicted": [class_names[i] for i in predicted],
            "count": count,
            "share": count / confusion.sum(axis=1)[true],
        }
    )
