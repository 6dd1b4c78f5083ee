"""The answer of every cell to every clip, beside that of its clean twin: one row each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

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
    known = _Known()
    parts = [
        pd.DataFrame({"comparison": comparison.name, **_answers(one, known)})
        for comparison in comparisons
        for one in shown_cells(comparison)
    ]
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class _Answers:
    """The answers of a table, ``(N,)`` each."""

    predicted: NDArray[np.int64]
    confidence: NDArray[np.float64]
    true_probability: NDArray[np.float64]

    @classmethod
    def of(cls, table: ScoreTable) -> "_Answers":
        probabilities, rows = table.probabilities(), np.arange(len(table.clip_ids))
        best = table.predictions()
        return cls(best, probabilities[rows, best], probabilities[rows, table.labels])

    def at(self, rows: NDArray[np.int64]) -> "_Answers":
        """Return the answers of some rows; -1 and NaN for the row -1."""
        there = rows >= 0
        return _Answers(
            np.where(there, self.predicted[rows], -1),
            np.where(there, self.confidence[rows], np.nan),
            np.where(there, self.true_probability[rows], np.nan),
        )


@dataclass(frozen=True)
class _Known:
    """What many cells share: columns of texts, and the answers of clean twins by folder."""

    texts: dict[tuple[str | None, ...], Any] = field(default_factory=dict)
    twins: dict[Path, _Answers] = field(default_factory=dict)

    def column(self, texts: tuple[str | None, ...]) -> Any:
        """Return texts as the values of a column."""
        if texts not in self.texts:
            self.texts[texts] = pd.Series(np.array(texts, object).reshape(len(texts))).array
        return self.texts[texts]

    def before(self, one: Result) -> _Answers | None:
        """Return the answers of a cell's clean twin to the clips of the cell; None without one."""
        twin = one.clean
        if twin is None or twin.folder == one.folder:
            return None
        if twin.folder not in self.twins:
            self.twins[twin.folder] = _Answers.of(twin.table)
        ids, before = one.table.clip_ids, twin.table.clip_ids
        place = {clip_id: row for row, clip_id in enumerate(before)} if ids != before else {}
        rows = [place.get(clip_id, -1) for clip_id in ids] if ids != before else range(len(ids))
        return self.twins[twin.folder].at(np.array(rows, np.int64))


def _answers(one: Result, known: _Known) -> dict[str, Any]:
    """Return the columns of one cell."""
    table, before = one.table, known.before(one)
    answer, names = _Answers.of(table), known.column(table.class_names)
    unknown = np.full(len(table.clip_ids), np.nan)
    has_scene = table.scene_labels != OWN_SCENE
    scenes = np.full(len(unknown), None, object)
    scenes[has_scene] = np.array(table.class_names, object)[table.scene_labels[has_scene]]
    changes = known.column(tuple(map(str, Change)))
    return {
        "cell": one.name,
        "result": one.folder.name,
        "leaks": one.leaks,
        "is_clean": one.is_clean,
        "clip_id": known.column(table.clip_ids),
        "group": known.column(table.groups),
        "class": names.take(table.labels),
        "predicted": names.take(answer.predicted),
        "confidence": answer.confidence,
        "true_probability": answer.true_probability,
        "predicted_before": unknown.astype(object)
        if before is None
        else names.take(before.predicted, allow_fill=True),
        "confidence_before": unknown if before is None else before.confidence,
        "true_probability_before": unknown if before is None else before.true_probability,
        "change": changes.take(_changes(table.labels, answer, before)),
        "scene_class": scenes,
        "to_scene": has_scene & (answer.predicted == table.scene_labels),
        "hidden": table.mask_ratio,
        "drift": unknown if table.drift is None else table.drift,
        **{f"{ATTRIBUTE}{name}": known.column(each) for name, each in table.attributes.items()},
    }


def _changes(
    labels: NDArray[np.int64], answer: _Answers, before: _Answers | None
) -> NDArray[np.int64]:
    """Return ``(N,)`` the place of each answer's `Change` among all of them."""
    right = answer.predicted == labels
    earlier = np.full(len(labels), -1) if before is None else before.predicted
    known, was_right = earlier >= 0, earlier == labels
    same = answer.predicted == earlier
    cases = {
        Change.RIGHT: ~known & right,
        Change.WRONG: ~known & ~right,
        Change.LOST: was_right & ~right,
        Change.GAINED: known & ~was_right & right,
        Change.RIGHT_TWICE: was_right & right,
        Change.WRONG_TWICE: known & ~right & same,
    }
    places = {change: place for place, change in enumerate(Change)}
    found: NDArray[np.int64] = np.select(
        list(cases.values()), [np.int64(places[one]) for one in cases], places[Change.OTHER]
    )
    return found
