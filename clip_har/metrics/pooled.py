"""One contrast over many masks: narrower than that of each mask."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_har.metrics.bootstrap import difference_interval, group_draws
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.significance import sign_flip
from clip_har.results.score_table import ScoreTable


@dataclass(frozen=True)
class Contrast:
    """A difference of top-1, mean over pairs of cells.

    Attributes:
        difference: after minus before, in [-1, 1].
        low: lower end of its 95 % interval over groups; NaN without one.
        high: upper end.
        p: of `sign_flip`.
        standard_error: NaN with fewer than `FEWEST_GROUPS` groups.
        degrees: of freedom of the standard error.
        pairs: number of pairs.
        clips: number of clips that all cells show.
        groups: number of their groups.
    """

    difference: float
    low: float
    high: float
    p: float
    standard_error: float
    degrees: float
    pairs: int
    clips: int
    groups: int


def pooled_contrast(
    before: Sequence[ScoreTable], after: Sequence[ScoreTable], *, draws: int = 2000, seed: int = 0
) -> Contrast | None:
    """Return the mean difference of top-1 over pairs of cells, with groups sampled jointly.

    The pairs are what the contrast is a mean over, such as the masks of a sweep: before and after
    are then the clean twin and the mask, or one model and another under the same mask, or no noise
    and noise. The cells of all pairs show the same clips, so each clip's difference is first
    averaged over the pairs, which removes most of what a single mask does to a single clip. It
    holds for these masks and new groups, not for masks that were not in the sweep.

    Args:
        before: at least one table.
        after: as many, in the same order.
        draws: number of bootstrap samples.
        seed: of the bootstrap.

    Returns:
        None when the tables share no clip.

    Raises:
        ValueError: for no pair, unequal numbers, or tables that disagree about classes, or about a
            clip's label or group.
    """
    if len(before) != len(after) or not before:
        raise ValueError(
            f"expected as many tables before as after, at least one; got {len(before)} and"
            f" {len(after)}"
        )
    tables = [*before, *after]
    rows, ids = common_rows(tables)
    if not ids:
        return None
    right = [
        (table.predictions() == table.labels)[kept].astype(np.float64)
        for table, kept in zip(tables, rows, strict=True)
    ]
    change = np.mean(right[len(before) :], axis=0) - np.mean(right[: len(before)], axis=0)
    groups = [tables[0].groups[row] for row in rows[0]]
    samples = group_draws(groups, tables[0].labels[rows[0]], draws=draws, seed=seed)
    values = samples.sums(change) / samples.sums(np.ones(len(ids)))
    error, interval = difference_interval(values, samples)
    return Contrast(
        float(values[0]),
        *interval,
        p=sign_flip(change, groups),
        standard_error=error,
        degrees=float(samples.degrees),
        pairs=len(before),
        clips=len(ids),
        groups=samples.groups,
    )
