"""The variants of a cell: their names and their scores.

A cell without learned noise has one variant. With learned noise, each protocol and each control is
a variant.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

NONE, LEARNED = "none", "learned"
RANDOM, SHUFFLED, UNIVERSAL, CALIBRATION = "random", "shuffled", "universal", "calibration"
SECOND, SHUFFLED_LABELS = "second", "shuffled labels"
"""Noise that nested noise is compared with: a second one for all classes, a placebo."""

ChooseColumns = Callable[[str, Scores, slice], NDArray[np.int64]]
"""Takes the name of a noise per class, the scores ``(B, C)`` of some clips under the first noise,
and their rows; returns ``(B, K)``, the columns of this noise under which these clips are shown."""


@dataclass(frozen=True, eq=False)
class Variant:
    """One way to score N clips.

    Attributes:
        scores: ``(N, C)``.
        noise: name of the noise that is added to the clips.
        columns: ``(N,)``, the column of the noise that gave each clip's predicted class; −1 for
            clips that are scored without noise.
    """

    scores: Scores
    noise: str
    columns: NDArray[np.int64]


def first_column(scores: Scores, noise: str) -> Variant:
    """Return the variant of noise that is one for all classes.

    Args:
        scores: ``(N, C)``.
        noise: its name.
    """
    return Variant(scores, noise, np.zeros(len(scores), np.int64))


def slug(variant: str) -> str:
    """Return a variant's name for files and metrics.

    Example:
        >>> slug("oracle (leaks the label)")
        'oracle_leaks_the_label'
        >>> slug("best head + lift")
        'best_head_lift'
    """
    return re.sub(r"[ +]+", "_", variant.replace("(", "").replace(")", ""))
