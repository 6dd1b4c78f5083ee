"""Pair score tables clip by clip."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clip_har.results.score_table import ScoreTable

Rows = NDArray[np.int64]


def common_rows(tables: Sequence[ScoreTable]) -> tuple[list[Rows], list[str]]:
    """Return for each table the rows of the clips that all show as intended, in the first's order.

    A clip in which a mask's target was not found does not show what the mask is meant to show, even
    if its whole frame was taken as the target: it is left out.

    Args:
        tables: at least one.

    Returns:
        ``(N,)`` rows per table, and the N ids of these clips; both empty when none is common.

    Raises:
        ValueError: when tables with clips in common disagree about the classes, or about a
            clip's label or group.
    """
    first = tables[0]
    if all(table.clip_ids == first.clip_ids and not table.empty for table in tables):
        every = np.arange(len(first.clip_ids))  # as in most sweeps
        if first.clip_ids:
            _check_same_clips(tables, [every] * len(tables))
        return [every] * len(tables), list(first.clip_ids)
    shared = set.intersection(*(set(table.clip_ids) - set(table.empty) for table in tables))
    ids = [clip_id for clip_id in tables[0].clip_ids if clip_id in shared]
    rows = []
    for table in tables:
        place = {clip_id: row for row, clip_id in enumerate(table.clip_ids)}
        rows.append(np.array([place[clip_id] for clip_id in ids], np.int64))
    if ids:
        _check_same_clips(tables, rows)
    return rows, ids


def _check_same_clips(tables: Sequence[ScoreTable], rows: Sequence[Rows]) -> None:
    first = tables[0]
    labels = first.labels[rows[0]]
    groups = _taken(first.groups, rows[0])
    for table, kept in zip(tables[1:], rows[1:], strict=True):
        if (
            table.class_names != first.class_names
            or not np.array_equal(table.labels[kept], labels)
            or _taken(table.groups, kept) != groups
        ):
            raise ValueError(
                "expected tables with the same classes, and the same label and group for each "
                "clip; pair only cells of one data set and one order of classes"
            )


def _taken(names: tuple[str, ...], rows: Rows) -> tuple[str, ...]:
    whole = len(rows) == len(names) and bool((rows == np.arange(len(names))).all())
    return names if whole else tuple(names[row] for row in rows.tolist())
