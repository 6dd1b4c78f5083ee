"""How much is hidden, or what? Answers explained by two hidden shares at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import group_draws
from clip_har.metrics.intervals import FEWEST_GROUPS, standard_error, t_interval

STEP = 0.1
"""A slope is the change of top-1 per this much more of a share: 10 points."""

_UNKNOWN = (np.nan, np.nan, np.nan)
_LARGEST_INFLATION = 10.0
_NOTHING = 1e-9  # sums of squares below this share of the number of rows are rounding


@dataclass(frozen=True)
class ShareEffects:
    """How top-1 changes with two hidden shares, each at the same value of the other.

    Attributes:
        picture: per 10 points more of the picture: value, low, high, as shares in [-1, 1]; NaN
            if they are not known.
        subject: the same for the subject.
        rows: answers that count: of clips in at least two cells.
        clips: clips that count.
        groups: their groups.
        reason: why there are no numbers; empty if there are.
    """

    picture: tuple[float, float, float] = _UNKNOWN
    subject: tuple[float, float, float] = _UNKNOWN
    rows: int = 0
    clips: int = 0
    groups: int = 0
    reason: str = ""


def share_effects(
    right: NDArray[np.bool_],
    picture_hidden: NDArray[np.float64],
    subject_hidden: NDArray[np.float64],
    *,
    clips: Sequence[str] | NDArray[np.object_],
    groups: Sequence[str] | NDArray[np.object_],
    classes: NDArray[np.int64],
    draws: int = 2000,
    seed: int = 0,
) -> ShareEffects:
    """Regress answers on the hidden share of the picture and of the subject, within each clip.

    right = a(clip) + b · picture_hidden + c · subject_hidden, by least squares. Each clip has its
    own intercept (fixed effects), so that it is compared with itself under other masks: its class,
    group, difficulty and the size of its subject are held. Only clips in several cells count.

    It is a linear probability model and no logit. Its slopes are average effects in points; a class
    or clip that is always right is an observation, where a logit has no finite estimate
    (separation) or leaves it out (conditional logit); and the intercepts are subtracted, so that
    101 classes cost nothing (Angrist and Pischke 2009, "Mostly Harmless Econometrics", section
    3.4.2). A straight line holds on average over the shares that were shown, not beyond them.

    What else the masks differ in is not held: a form or fill that costs more counts as an effect of
    the shares that its masks happen to hide.

    Answers of one group, under all masks and seeds, stay together: the interval is that of
    `clip_har.metrics.bootstrap.group_draws` with Student's t. Its standard error allows for
    unequal variances and for groups whose slopes differ.

    There are no numbers if they would mean nothing: with fewer than `FEWEST_GROUPS` groups; if a
    share, or every answer, stays the same within each clip; if the shares rise together (a variance
    inflation factor above 10, Kutner et al. 2005, "Applied Linear Statistical Models"); or if the
    line fits without error.

    Args:
        right: ``(M,)``, whether the prediction is right, a row per clip and cell.
        picture_hidden: ``(M,)`` in [0, 1].
        subject_hidden: ``(M,)`` in [0, 1], known in all rows.
        clips: M ids.
        groups: M names.
        classes: ``(M,)`` the true classes.
        draws: number of bootstrap samples.
        seed: of the bootstrap.

    Example:
        >>> subject = np.tile([0.0, 0.2, 0.4, 0.9], 40)
        >>> picture = np.tile([0.0, 0.3, 0.1, 0.2], 40)
        >>> clip = np.repeat(np.arange(40), 4)
        >>> lots = (clip * 0.61803) % 1
        >>> found = share_effects(
        ...     lots < 0.95 - 0.5 * subject, picture, subject, clips=clip.astype(str).tolist(),
        ...     groups=(clip // 2).astype(str).tolist(), classes=np.zeros(160, np.int64),
        ... )
        >>> [round(number, 3) for number in found.subject]
        [-0.048, -0.061, -0.034]
        >>> [round(number, 3) for number in found.picture]
        [-0.01, -0.04, 0.02]
    """
    which, _ = pd.factorize(np.asarray(clips, object))
    kept = np.flatnonzero(np.bincount(which)[which] > 1) if len(which) else np.empty(0, np.int64)
    names = np.asarray(groups, object)[kept].tolist()
    counted = ShareEffects(
        rows=len(kept), clips=len(np.unique(which[kept])), groups=len(set(names))
    )
    columns = np.stack([right, picture_hidden, subject_hidden], axis=1).astype(np.float64)[kept]
    within = _within(columns, which[kept])
    if reason := _reason(within, counted.groups):
        return replace(counted, reason=reason)
    answer, picture, subject = within.T
    products = (picture**2, picture * subject, subject**2, picture * answer, subject * answer)
    samples = group_draws(names, np.asarray(classes)[kept], draws=draws, seed=seed)
    slopes = STEP * _solved(samples.sums(np.stack(products, axis=1)))  # (R + 1, 2)
    of_picture, of_subject = (_with_interval(values, samples.degrees) for values in slopes.T)
    if not np.isfinite([of_picture, of_subject]).all():
        return replace(counted, reason="all groups of clips agree exactly, so there is no interval")
    return replace(counted, picture=of_picture, subject=of_subject)


def _with_interval(values: NDArray[np.float64], degrees: int) -> tuple[float, float, float]:
    value = float(values[0])
    return value, *t_interval(value, standard_error(values[1:]), degrees)


def _within(columns: NDArray[np.float64], clips: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``(M, F)`` columns minus their means over the rows of the same clip."""
    if not len(clips):
        return columns
    number = np.unique(clips, return_inverse=True)[1]
    sums = np.stack([np.bincount(number, column) for column in columns.T], axis=1)
    within: NDArray[np.float64] = columns - (sums / np.bincount(number)[:, None])[number]
    return within


def _reason(within: NDArray[np.float64], groups: int) -> str:
    """Return why two slopes cannot be estimated; empty if they can."""
    if not len(within):
        return "no clip is in two cells in which its subject was found"
    if groups < FEWEST_GROUPS:
        return f"it needs {FEWEST_GROUPS} groups of clips, there are {groups}"
    answer, picture, subject = (within**2).sum(axis=0) > _NOTHING * len(within)
    if not picture:
        return "each clip has the same hidden share in all cells"
    if not subject:
        return "each clip has the same share of its subject hidden in all cells"
    together = float(np.corrcoef(within[:, 1], within[:, 2])[0, 1])
    if together**2 > 1 - 1 / _LARGEST_INFLATION:
        return (
            f"both shares change together (correlation {together:.2f}): add masks that hide the"
            " same share elsewhere"
        )
    if not answer:
        return "no clip's answer changes from right to wrong, or back, between the cells"
    return ""


def _solved(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the slopes ``(R, 2)`` from ``(R, 5)`` sums of products; NaN where there are none."""
    pp, ps, ss, pa, sa = sums.T
    determinant = pp * ss - ps * ps
    known = determinant > pp * ss / (10 * _LARGEST_INFLATION)
    divisor = np.where(known, determinant, np.nan)
    slopes: NDArray[np.float64] = np.stack([ss * pa - ps * sa, pp * sa - ps * pa], axis=1)
    return slopes / divisor[:, None]
