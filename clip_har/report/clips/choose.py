"""Choose the answers whose frames are shown: every class, every cell, every kind of change."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.report.clips.answers import Change

_STRATA = (
    ("comparison", "class"),
    ("comparison", "cell", "kind"),
    ("comparison", "class", "kind"),
    ("comparison", "class", "cell"),
    ("comparison", "group"),
)
_CLIP = ("comparison", "clip_id")
_CHANGED = {str(Change.LOST), str(Change.GAINED), str(Change.OTHER)}
_SEEN = 0.3  # worth of a clip that is shown in another cell, too: the two can be compared
_KEPT = 0.5  # worth of an answer that did not change, relative to one that did


def choose(rows: pd.DataFrame, limit: int) -> NDArray[np.int64]:
    """Return the positions of the rows whose frames are shown, ascending.

    One row after the other: that of which the least is chosen already, by its class, by cell and
    kind of change, by class and kind, by class and cell, and by group. Changed answers count
    twice as much as others. Rows of clean cells are left out if there are others: the frames of a
    masked clip are shown without the mask, too. Nothing is random.

    Args:
        rows: see `clip_har.report.clips.answers.answers_of`.
        limit: the largest number of rows.
    """
    masked = ~rows["is_clean"].to_numpy(bool)
    candidates = np.flatnonzero(masked if masked.any() else ~masked).astype(np.int64)
    limit = min(limit, len(candidates))
    if not limit:
        return np.zeros(0, np.int64)
    known = rows.iloc[candidates]
    known = known.assign(kind=known["change"].astype(str) + known["to_scene"].astype(str))
    columns = {name: pd.factorize(known[name])[0] for name in {*sum(_STRATA, ()), *_CLIP}}
    strata = [_Strata.of([columns[name] for name in names]) for names in _STRATA]
    clips = _Strata.of([columns[name] for name in _CLIP])
    changed = known["change"].isin(_CHANGED) | known["to_scene"]
    worth = np.where(changed, 1.0, _KEPT)
    counts = [np.zeros(each.many) for each in strata]
    seen, left = np.zeros(clips.many), np.ones(len(known), bool)

    def gains(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        found = np.zeros(len(rows))
        for each, count in zip(strata, counts, strict=True):
            found = found + 1 / (1 + count[each.of_row[rows]]) ** 2
        return np.where(left[rows], worth[rows] * (found + seen[clips.of_row[rows]]), -1.0)

    gain = gains(np.arange(len(known)))
    for _ in range(limit):
        best = int(gain.argmax())
        left[best] = False
        seen[clips.of_row[best]] = _SEEN
        for each, count in zip(strata, counts, strict=True):
            count[each.of_row[best]] += 1
        for each in (*strata, clips):  # only these rows are worth less, or more, than before
            alike = each.like(best)
            gain[alike] = gains(alike)
    return np.asarray(candidates[~left], np.int64)


@dataclass(frozen=True, eq=False)
class _Strata:
    """The strata of M rows.

    Attributes:
        of_row: ``(M,)`` the stratum of each row.
        order: ``(M,)`` the rows, those of one stratum together.
        ends: where each stratum begins in this order, and the end of the last one.
    """

    of_row: NDArray[np.int64]
    order: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, columns: Sequence[NDArray[np.int64]]) -> "_Strata":
        codes = np.zeros(len(columns[0]), np.int64)
        for column in columns:
            codes = pd.factorize(codes * (int(column.max()) + 1) + column)[0]
        ends = np.concatenate([[0], np.bincount(codes).cumsum()])
        return cls(codes, np.argsort(codes, kind="stable"), ends)

    @property
    def many(self) -> int:
        """The number of strata."""
        return len(self.ends) - 1

    def like(self, row: int) -> NDArray[np.int64]:
        """Return the rows of a row's stratum."""
        number = self.of_row[row]
        return self.order[self.ends[number] : self.ends[number + 1]]
