"""Tables over the classes: scores, changes of recall, and the most confused pairs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.accuracy import Labels, Scores, best, class_counts
from clip_har.metrics.bootstrap import group_draws
from clip_har.metrics.intervals import FEWEST_GROUPS, share_interval, standard_error
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.ranks import class_ranks
from clip_har.results.score_table import ScoreTable


def per_class(
    labels: Labels, scores: Scores, class_names: Sequence[str], groups: Sequence[str]
) -> pd.DataFrame:
    """Return precision, recall, F1 and support of each class.

    Args:
        labels: ``(N,)`` int in [0, C).
        scores: ``(N, C)``.
        class_names: C names.
        groups: N names.

    Returns:
        One row per class with columns ``class, support, predicted, precision, recall, recall_low,
        recall_high, rank, rank_low, rank_high, f1``: clips of the class, predictions of it, shares
        in [0, 1], the 95 % interval of the recall over groups, see `recall_intervals`, and the
        place of the recall among the classes, the lowest first, see `class_ranks`. NaN are the
        precision of a class that is never predicted, and recall and F1 of a class without a clip.
        The F1 of a class that has clips and is never predicted is 0.
    """
    classes, answers = len(class_names), best(scores)
    hits, support, predicted = class_counts(labels, answers, classes)
    low, high = recall_intervals(labels, answers, groups, classes=classes).T
    ranks = class_ranks(answers == labels, labels, groups, classes=classes)
    return pd.DataFrame(
        {
            "class": list(class_names),
            "support": support,
            "predicted": predicted,
            "precision": _share(hits, predicted),
            "recall": _share(hits, support),
            "recall_low": low,
            "recall_high": high,
            **ranks,
            "f1": np.where(support > 0, _share(2 * hits, support + predicted), np.nan),
        }
    )


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``part / whole``, NaN where the whole is 0."""
    shares = np.full(len(part), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def recall_intervals(
    labels: Labels, answers: Labels, groups: Sequence[str], *, classes: int
) -> NDArray[np.float64]:
    """Return the 95 % interval of each class's recall over groups.

    A class has few groups (seven in UCF-101's test lists), too few for a standard error of its own.
    So the classes share one design effect, how many times larger the variance is than that of
    independent clips (Kish 1965), and each class has Wilson's interval of its clips divided by it.

    Args:
        labels: ``(N,)`` true classes.
        answers: ``(N,)`` predicted classes.
        groups: N names.
        classes: number C of classes.

    Returns:
        ``(C, 2)``; NaN for a class without a clip, and with fewer than `FEWEST_GROUPS` groups.
    """
    samples = group_draws(groups, labels, draws=500)
    found = np.full((classes, 2), np.nan)
    if samples.groups < FEWEST_GROUPS:
        return found
    own = labels[:, None] == np.arange(classes)
    hits, clips = samples.sums(own & (answers == labels)[:, None]), samples.sums(own)
    recall = np.divide(hits, clips, out=np.full(hits.shape, np.nan), where=clips > 0)
    shares, counts = recall[0], clips[0]
    binomial = shares * (1 - shares) / np.maximum(counts, 1)
    variances = np.array([standard_error(recall[1:, c]) ** 2 for c in range(classes)])
    known = (binomial > 0) & np.isfinite(variances)
    effect = max(1.0, variances[known].sum() / binomial[known].sum()) if known.any() else 1.0
    for c in np.flatnonzero(counts):
        error = float(np.sqrt(binomial[c] * effect))
        found[c] = share_interval(
            float(shares[c]), error, groups=counts[c] / effect, degrees=samples.degrees
        )
    return found


def class_changes(before: ScoreTable, after: ScoreTable) -> pd.DataFrame:
    """Return how the recall of each class changes, the largest loss first.

    Args:
        before: of the control, such as the clean twin.
        after: of the condition; only clips that both have count.

    Returns:
        Columns ``class, clips, before, after, change``: the classes that are present.
    """
    table, _, _ = _changes(before, after)
    return _largest_loss_first(table)


def recall_changes(before: ScoreTable, after: ScoreTable) -> pd.DataFrame:
    """Return `class_changes` with ranks and their intervals.

    Args:
        before: of the control, such as the clean twin.
        after: of the condition; only clips that both have count.

    Returns:
        Also ``rank, rank_low, rank_high``. Rank 1 loses most, see `class_ranks`.
    """
    table, change, rows = _changes(before, after)
    labels, groups = before.labels[rows], [before.groups[row] for row in rows]
    ranks = class_ranks(change, labels, groups, classes=len(before.class_names))
    return _largest_loss_first(table.join(ranks))


def _changes(
    before: ScoreTable, after: ScoreTable
) -> tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.int64]]:
    """Return a row per class, the change of each clip in {-1, 0, 1}, and the clips' rows."""
    (first, second), _ = common_rows([before, after])
    labels, names = before.labels[first], before.class_names
    was, now = before.predictions()[first] == labels, after.predictions()[second] == labels
    clips = np.bincount(labels, minlength=len(names))
    shares = [np.bincount(labels, right, len(names)) / np.maximum(clips, 1) for right in (was, now)]
    table = pd.DataFrame({"class": names, "clips": clips, "before": shares[0], "after": shares[1]})
    table["change"] = table["after"] - table["before"]
    return table, now.astype(np.float64) - was, first


def _largest_loss_first(table: pd.DataFrame) -> pd.DataFrame:
    known = table[table["clips"] > 0].sort_values(["change", "class"], kind="stable")
    return known.reset_index(drop=True)


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
