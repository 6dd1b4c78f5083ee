"""Tables over the classes: per-class scores and the most confused pairs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.accuracy import Labels, Scores, ranking


def per_class(labels: Labels, scores: Scores, class_names: Sequence[str]) -> pd.DataFrame:
    """Return precision, recall, F1 and support of each class, as scikit-learn computes them.

    Args:
        labels: ``(N,)`` int in [0, C).
        scores: ``(N, C)``.
        class_names: C names.

    Returns:
        One row per class with columns ``class, support, predicted, precision, recall, f1``: clips
        of the class, predictions of it, and shares in [0, 1]. NaN are the precision of a class that
        is never predicted, and recall and F1 of a class without a clip. The F1 of a class that has
        clips and is never predicted is 0.
    """
    from sklearn.metrics import precision_recall_fscore_support

    classes, answers = np.arange(len(class_names)), ranking(scores)[:, 0]
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, answers, labels=classes, zero_division=np.nan
    )
    support = np.bincount(labels, minlength=len(classes))
    return pd.DataFrame(
        {
            "class": list(class_names),
            "support": support,
            "predicted": np.bincount(answers, minlength=len(classes)),
            "precision": precision,
            "recall": recall,
            "f1": np.where(support > 0, f1, np.nan),
        }
    )


def confused_pairs(
    confusion: NDArray[np.int64], class_names: Sequence[str], *, limit: int = 50
) -> pd.DataFrame:
    """Return the ordered pairs of classes that are confused most.

    Args:
        confusion: ``(C, C)`` counts, row true, column predicted.
        class_names: C names.
        limit: how many pairs at most.

    Returns:
        Columns ``true, predicted, count, share``: share is of the true class's clips, in [0, 1].
        Most frequent first, ties in class order; pairs that never occur are left out.
    """
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong.ravel(), kind="stable")[:limit]
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
