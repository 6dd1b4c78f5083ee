"""Zero-shot accuracy over random halves of the classes, as papers on unseen actions report it.

A pure function of scores: no model is run again, since logits of a dual encoder do not depend on
the other classes. Scores of ``pooling=mean_probability`` do, as each frame's probabilities are
among all classes; they have no such numbers.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from clip_har.results.score_table import ScoreKind

Labels = NDArray[np.int64]
Scores = NDArray[np.floating]

HALVES = (10, 50)
"""Numbers of random halves: of Brattoli et al. (CVPR 2020) and Text4Vis; of older work."""

_FEWEST_CLASSES = 4  # a half of fewer is one class, which is always right


@cache
def class_halves(classes: int, halves: int) -> NDArray[np.bool_]:
    """Return random halves of the classes: the draws of Text4Vis's ``multi_split_test``.

    Half h holds the first ⌊C / 2⌋ classes of ``numpy.random.seed(h); permutation(C)``, so it is the
    same on every machine, and the first ten are those of Text4Vis (Wu et al., AAAI 2023) for a data
    set in the same class order.

    Args:
        classes: number C of classes.
        halves: number H of halves.

    Returns:
        ``(H, C)``, whether a class is in a half; read-only.

    Example:
        >>> class_halves(6, 2).sum(axis=1).tolist()
        [3, 3]
    """
    found = np.zeros((halves, classes), np.bool_)
    for half, row in enumerate(found):
        # The generator of numpy.random.seed: its draws are frozen, and are those of the paper.
        row[np.random.RandomState(half).permutation(classes)[: classes // 2]] = True
    found.flags.writeable = False
    return found


def top1_of_halves(
    labels: Labels, scores: Scores, halves: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return top-1 over the clips of a half's classes, among these classes only.

    Of equal scores the first class counts, as everywhere, see `clip_har.metrics.accuracy`.

    Args:
        labels: ``(N,)`` int in [0, C).
        scores: ``(N, C)``, each independent of the other classes.
        halves: ``(H, C)``.

    Returns:
        ``(H,)`` in [0, 1]; NaN for a half whose classes have no clip.

    Example:
        >>> scores = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]])
        >>> halves = np.array([[True, False, True], [False, True, True]])
        >>> top1_of_halves(np.array([2, 0]), scores, halves).tolist()
        [1.0, 0.0]
    """
    own = np.take_along_axis(scores, labels[:, None], axis=1)  # (N, 1)
    earlier = np.arange(scores.shape[1]) < labels[:, None]
    better = (scores > own) | ((scores == own) & earlier)  # (N, C)
    wrong = better.astype(np.float32) @ halves.T.astype(np.float32) > 0  # (N, H)
    shown = halves.T[labels]  # (N, H)
    clips = shown.sum(axis=0)
    hits = (shown & ~wrong).sum(axis=0)
    return np.where(clips > 0, hits / np.maximum(clips, 1), np.nan)


def half_classes(labels: Labels, scores: Scores, score_kind: ScoreKind) -> dict[str, float]:
    """Return mean and standard deviation of top-1 over random halves, under MLflow names.

    The standard deviation is that over the halves (``numpy.std``, as Text4Vis prints it): the
    halves share clips, so it says how much the choice of classes matters, not how sure the mean is.

    Args:
        labels: ``(N,)`` int in [0, C).
        scores: ``(N, C)``.
        score_kind: of a score table.

    Returns:
        ``half_classes/<halves>/top1`` and ``…/top1_sd`` for each number of `HALVES`; empty with
        fewer than four classes, if the classes of some half have no clip, or for scores that depend
        on the other classes.
    """
    classes = scores.shape[1]
    if classes < _FEWEST_CLASSES or score_kind != "logits":
        return {}
    top1 = top1_of_halves(labels, scores, class_halves(classes, max(HALVES)))
    if np.isnan(top1).any():
        return {}
    found = {}
    for many in HALVES:
        found[f"half_classes/{many}/top1"] = float(top1[:many].mean())
        found[f"half_classes/{many}/top1_sd"] = float(top1[:many].std())
    return found
