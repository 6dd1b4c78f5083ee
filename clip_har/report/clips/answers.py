"""The answer of every cell to every clip, beside that of its clean twin: one row each."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.results.result import Result
from clip_har.results.score_table import OWN_SCENE, ScoreTable
from clip_har.sweeps.cells import clean_twins
from clip_har.sweeps.comparisons import Comparison

ATTRIBUTE = "attribute/"
"""Before the name of an attribute of the clips."""


class Change(StrEnum):
    """How an answer differs from that of the clean twin; the last two are without a twin."""

    LOST = "right_to_wrong"
    GAINED = "wrong_to_right"
    OTHER = "wrong_to_other_wrong"
    RIGHT_TWICE = "stays_right"
    WRONG_TWICE = "stays_wrong"
    RIGHT = "right"
    WRONG = "wrong"

    @property
    def label(self) -> str:
        """Its words on the page."""
        return _LABELS[self]


_LABELS = {
    Change.LOST: "right → wrong",
    Change.GAINED: "wrong → right",
    Change.OTHER: "wrong → another wrong class",
    Change.RIGHT_TWICE: "stays right",
    Change.WRONG_TWICE: "stays wrong, same class",
    Change.RIGHT: "right (no clean twin)",
    Change.WRONG: "wrong (no clean twin)",
}


def shown_cells(comparison: Comparison) -> list[Result]:
    """Return the cells of a comparison, after those clean twins that are not among them."""
    own = {one.folder for one in comparison.cells}
    twins = [twin for twin in clean_twins(comparison.cells) if twin.folder not in own]
    return [*twins, *comparison.cells]


def answers_of(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return a row for each clip that a cell judged.

    Args:
        comparisons: the cells, see `shown_cells`.

    Returns:
        ``comparison``, its name; ``cell``, the cell's name; ``result``, the folder of its files;
        ``leaks``, whether the cell uses the true label; ``is_clean``; ``clip_id, group, class``;
        ``predicted, confidence`` (the probability of the predicted class) and ``true_probability``
        (that of the true class), and the same of the clean twin with ``_before`` (unknown without
        a twin, or for a clip that it did not judge); ``change``, see `Change`; ``scene_class``, the
        class of the clip whose background was shown, if any; ``to_scene``, whether it was
        predicted; ``hidden``, the share of the pixels that was hidden; ``drift``; and
        ``attribute/<name>`` for each attribute of the clips.
    """
    parts = [
        _answers(one).assign(comparison=comparison.name)
        for comparison in comparisons
        for one in shown_cells(comparison)
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows[["comparison", *rows.columns.drop("comparison")]]


def _answers(one: Result) -> pd.DataFrame:
    table = one.table
    names = np.array(table.class_names, object)
    clips, unknown = len(table.clip_ids), np.full(len(table.clip_ids), np.nan)
    answer = _answer(table)
    twin = one.clean
    if twin is None or twin.folder == one.folder:
        before = pd.DataFrame(dict.fromkeys(answer, unknown)).astype({"predicted": object})
    else:
        before = _answer(twin.table).reindex(answer.index)
    has_scene = table.scene_labels != OWN_SCENE
    scenes = np.full(clips, None, object)
    scenes[has_scene] = names[table.scene_labels[has_scene]]
    rows = pd.DataFrame(
        {
            "cell": one.name,
            "result": one.folder.name,
            "leaks": one.leaks,
            "is_clean": one.is_clean,
            "clip_id": table.clip_ids,
            "group": table.groups,
            "class": names[table.labels],
        }
    )
    for name in answer:
        rows[name] = answer[name].to_numpy()
    for name in before:
        rows[f"{name}_before"] = before[name].to_numpy()
    rows["change"] = _changes(rows)
    rows["scene_class"] = scenes
    rows["to_scene"] = has_scene & (rows["predicted"] == scenes)
    rows["hidden"] = table.mask_ratio
    rows["drift"] = unknown if table.drift is None else table.drift
    for name, values in table.attributes.items():
        rows[f"{ATTRIBUTE}{name}"] = np.array(values, object).reshape(clips)
    return rows


def _answer(table: ScoreTable) -> pd.DataFrame:
    """Return a table's answers by clip id."""
    probabilities, rows = table.probabilities(), np.arange(len(table.clip_ids))
    best = table.predictions()
    return pd.DataFrame(
        {
            "predicted": np.array(table.class_names, object)[best],
            "confidence": probabilities[rows, best],
            "true_probability": probabilities[rows, table.labels],
        },
        index=pd.Index(table.clip_ids),
    )


def _changes(rows: pd.DataFrame) -> NDArray[np.object_]:
    right = rows["predicted"] == rows["class"]
    known = rows["predicted_before"].notna()
    was_right = known & (rows["predicted_before"] == rows["class"])
    same = rows["predicted"] == rows["predicted_before"]
    cases = {
        Change.RIGHT: ~known & right,
        Change.WRONG: ~known & ~right,
        Change.LOST: was_right & ~right,
        Change.GAINED: known & ~was_right & right,
        Change.RIGHT_TWICE: was_right & right,
        Change.WRONG_TWICE: known & ~right & same,
    }
    return np.select(list(cases.values()), [str(one) for one in cases], str(Change.OTHER))
