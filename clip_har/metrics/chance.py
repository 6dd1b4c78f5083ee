"""What chance alone gives: the value of biased measures for a model without the fault.

A calibration error, a spread of recalls or a one-sidedness of confusions is above 0 for every
finite set of clips. Each of these measures stands beside its mean over random data sets without
the fault, of the same size. The random numbers do not depend on anything but the table.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.core.seeding import generator
from clip_har.metrics.accuracy import Scores
from clip_har.metrics.calibration import bin_of
from clip_har.metrics.prediction_bias import recall_sd_of_sums, worst_tenth
from clip_har.results.score_table import ScoreTable

_SETS = 200  # random data sets: the standard error of their mean is 7 % of their spread


def error_by_chance(probabilities: Scores) -> float:
    """Return the mean ECE of a model that is calibrated and as confident as this one, in [0, 1].

    Whether a clip is right is drawn from its own confidence (consistency resampling, Bröcker and
    Smith 2007), independently of other clips; with groups of clips that are right or wrong together
    chance gives more.

    Args:
        probabilities: ``(N, C)``, rows sum to 1.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    which = bin_of(confidence)
    order = np.argsort(which, kind="stable")
    starts = np.flatnonzero(np.diff(which[order], prepend=-1))
    confidence, rng = confidence[order], generator(0, "chance", "calibration")
    found = [
        np.abs(np.add.reduceat((rng.random(len(order)) < confidence) - confidence, starts)).sum()
        for _ in range(_SETS)
    ]
    return float(np.mean(found) / len(confidence))


def recalls_by_chance(table: ScoreTable) -> dict[str, float]:
    """Return ``bias/recall_sd_by_chance`` and ``bias/worst10_by_chance``.

    They are the means of both measures when groups are dealt to the classes at random, each class
    as many as it has: the groups differ as they do, the classes do not. The clips of a group that
    has several classes are dealt apart, by class.

    Args:
        table: of a cell.
    """
    pieces = _pieces(table.groups, table.labels)
    right = table.predictions() == table.labels
    count = int(pieces.max()) + 1
    clips = np.bincount(pieces, minlength=count).astype(np.float64)
    hits = np.bincount(pieces, right, minlength=count)
    _, of = np.unique(table.labels[np.unique(pieces, return_index=True)[1]], return_inverse=True)
    classes, rng = int(of.max()) + 1, generator(0, "chance", "recall")
    places = np.stack([of[rng.permutation(count)] for _ in range(_SETS)])  # (S, pieces)
    cells = (places + classes * np.arange(_SETS)[:, None]).ravel()
    dealt_hits, dealt_clips = (
        np.bincount(cells, np.tile(column, _SETS), minlength=_SETS * classes)
        .reshape(_SETS, classes)
        .astype(np.float64)
        for column in (hits, clips)
    )
    return {
        "bias/recall_sd_by_chance": float(recall_sd_of_sums(dealt_hits, dealt_clips).mean()),
        "bias/worst10_by_chance": float(worst_tenth(dealt_hits / dealt_clips).mean()),
    }


def asymmetry_by_chance(table: ScoreTable) -> float:
    """Return the mean `confusion_asymmetry` of confusions without a direction, in [0, 1].

    Of each group and pair of classes, the errors in one direction minus those in the other get a
    random sign: both directions are equally likely, and the clips of a group stay together.

    Args:
        table: of a cell.
    """
    answers, labels, classes = table.predictions(), table.labels, len(table.class_names)
    wrong = answers != labels
    if not wrong.any():
        return 0.0
    low, high = (chosen(answers, labels)[wrong] for chosen in (np.minimum, np.maximum))
    pairs = np.unique(low * classes + high, return_inverse=True)[1]
    groups = pd.factorize(np.array(table.groups, object)[wrong])[0]
    blocks, block = np.unique(groups * (pairs.max() + 1) + pairs, return_inverse=True)
    sizes = np.bincount(block, np.where(labels[wrong] == low, 1, -1))
    of = blocks % (pairs.max() + 1)
    rng = generator(0, "chance", "asymmetry")
    found = [
        np.abs(np.bincount(of, sizes * rng.choice((-1, 1), len(sizes)))).sum() for _ in range(_SETS)
    ]
    return float(np.mean(found) / wrong.sum())


def _pieces(groups: tuple[str, ...], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ``(N,)`` the number of each clip's group and class, together."""
    group = pd.factorize(np.array(groups, object))[0]
    pairs = group * (labels.max() + 1) + labels
    pieces: NDArray[np.int64] = np.unique(pairs, return_inverse=True)[1]
    return pieces
