"""Choose the answers whose frames are shown: every class, every cell, every kind of change."""

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
    codes = [_codes(known, names) for names in _STRATA]
    counts = [np.zeros(int(code.max()) + 1) for code in codes]
    clips = _codes(known, ("comparison", "clip_id"))
    changed = known["change"].isin(_CHANGED) | known["to_scene"]
    worth = np.where(changed, 1.0, _KEPT)
    seen = np.zeros(int(clips.max()) + 1)
    left = np.ones(len(known), bool)
    for _ in range(limit):
        gain = sum((1 / (1 + count) ** 2)[code] for code, count in zip(codes, counts, strict=True))
        gain = np.where(left, worth * (gain + seen[clips]), -1.0)
        best = int(gain.argmax())
        left[best] = False
        seen[clips[best]] = _SEEN
        for code, count in zip(codes, counts, strict=True):
            count[code[best]] += 1
    return np.asarray(candidates[~left], np.int64)


def _codes(rows: pd.DataFrame, names: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the number of each row's stratum."""
    return np.asarray(rows.groupby(list(names), sort=False).ngroup(), np.int64)
