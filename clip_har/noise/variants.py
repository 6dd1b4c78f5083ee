"""The variants of a cell: their names, their scores, and the pairs that are compared.

A cell without learned noise has one variant. With learned noise, each protocol and each control is
a variant.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

NONE, LEARNED = "none", "learned"
RANDOM, SHUFFLED, UNIVERSAL, CALIBRATION = "random", "shuffled", "universal", "calibration"
SECOND, SHUFFLED_LABELS = "second", "shuffled labels"
"""Noise that nested noise is compared with: a second one for all classes, a placebo."""

ChooseColumns = Callable[[Scores, slice], NDArray[np.int64]]
"""Takes the scores ``(B, C)`` of some clips under the first noise, and their rows; returns
``(B, K)``, the columns of the other noises under which these clips are shown."""


@dataclass(frozen=True, eq=False)
class Variant:
    """One way to score N clips.

    Attributes:
        scores: ``(N, C)``.
        noise: name of the noise that is added to the clips.
        columns: ``(N,)``, the column of the noise that gave each clip's predicted class.
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
    """
    return variant.replace("(", "").replace(")", "").replace(" ", "_")


def pairs(variants: Iterable[str], headline: str) -> list[tuple[str, str]]:
    """Return the pairs that are compared: all with no noise, the headline with each control.

    Args:
        variants: their names.
        headline: one of them.
    """
    names = list(variants)
    controls = (UNIVERSAL, CALIBRATION, RANDOM, SHUFFLED)
    return [(name, NONE) for name in names if name != NONE] + [
        (headline, name) for name in names if name.startswith(controls)
    ]
