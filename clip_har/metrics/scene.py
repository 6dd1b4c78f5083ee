"""Bias to the scene: does the background alone tell the class, and does it override the action?

Names as in the literature: SHAcc and SBErr of HAT (Chung et al. 2022), contrasted accuracy of
ALBAR (2025) with the frozen clips of SCUFO (Li et al. 2023). All are computed from predictions for
the same clips, shown whole or with a target hidden.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import Means, cluster_bootstrap
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.tables import recall_changes
from clip_har.results.score_table import ScoreTable

_MEANS = {
    "clean": "clean",
    "background_only": "background_only",
    "person_only": "person_only",
    "swap": "swap_accuracy",
    "swap_error": "swap_error",
    "contrasted": "contrasted_accuracy",
}  # measures that are the mean of a column
_DIFFERENCES = ("subject_reliance", "reliance")


@dataclass(frozen=True)
class SceneTables:
    """Score tables of one model on one set of clips, shown in different ways; None = not shown.

    Attributes:
        clean: as they are.
        background_only: the subject hidden.
        person_only: all but the subject hidden.
        swap: the subject in front of another class's background.
        frozen: the same, the middle frame only, repeated.
        background_hidden: the background hidden.
    """

    clean: ScoreTable | None = None
    background_only: ScoreTable | None = None
    person_only: ScoreTable | None = None
    swap: ScoreTable | None = None
    frozen: ScoreTable | None = None
    background_hidden: ScoreTable | None = None

    def given(self) -> dict[str, ScoreTable]:
        """Return the tables that are not None, by name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: table for name, table in named.items() if table is not None}


def scene_measures(tables: SceneTables, *, seed: int = 0) -> pd.DataFrame:
    """Return the ``scene/*`` measures that the tables allow, with intervals.

    With A_x the top-1 over the clips that *all* tables have:

    - ``scene/background_only`` A_bg, ``scene/person_only`` A_person,
      ``scene/background_ratio`` A_bg / A_0 (HAT);
    - ``scene/swap_accuracy`` (SHAcc): share of swapped clips predicted as the subject's class;
      ``scene/swap_error`` (SBErr): as the class of the clip whose background is shown (HAT);
      ``scene/errors_to_scene``: the same of the wrong answers only, see `errors_to_scene`;
    - ``scene/contrasted_accuracy``: share of swapped clips predicted correctly *and* differently
      from their frozen twin (ALBAR). A model that pools over frames also differs from its frozen
      twin by the frames it sees: for it this is an upper bound of what motion adds;
    - ``scene/essential_cue`` A_person / A_0; ``scene/reliance`` A_0 − A with the background
      hidden; ``scene/subject_reliance`` A_0 − A_bg (ours).

    For a model that ignores the scene A_bg is at chance, A_person and the swap accuracy are near
    A_0, and the swap error is that of random errors: (1 − SHAcc) / (C − 1).

    Args:
        tables: at least one.
        seed: of the bootstrap.

    Returns:
        Columns ``measure, value, low, high, clips, groups``: 95 % intervals over the subject's
        groups, see `cluster_bootstrap`; that several clips may share a background is not accounted
        for. A ratio to an A_0 of 0 is left out.
    """
    given = tables.given()
    columns, groups, labels = _columns(given)
    if not groups:
        return pd.DataFrame(columns=["measure", "value", "low", "high", "clips", "groups"])
    found = cluster_bootstrap(
        columns, groups, _measures, classes=labels, shares={*_MEANS.values(), "errors_to_scene"},
        differences=_DIFFERENCES, seed=seed,
    )  # fmt: skip
    rows = [
        {"measure": f"scene/{name}", "value": value, "low": low, "high": high}
        for name, (value, low, high) in found.items()
        if np.isfinite(value)
    ]
    return pd.DataFrame(rows).assign(clips=len(groups), groups=len(set(groups)))


def errors_to_scene(
    to_scene: NDArray[np.float64], wrong: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of the wrong answers that name the background's class, in [0, 1] (ours).

    This is SBErr at matched accuracy. SBErr itself falls whenever a model makes fewer errors of any
    kind. If errors are repaired at random, whatever they name, both counts shrink alike and this
    share stays; it moves only if errors turn to the scene or away from it. Two models are at the
    accuracy A of the better one if random errors of the other are repaired: their SBErr then
    differ by (1 − A) times the difference of these shares. Errors that ignore the scene hit it in
    1 / (C − 1) of the cases.

    Args:
        to_scene: ``(...)``, number of swapped clips predicted as the background's class.
        wrong: ``(...)``, number of swapped clips that are not predicted as the subject's class.

    Returns:
        NaN without a wrong answer.

    Example:
        >>> errors_to_scene(np.array([30.0, 15.0]), np.array([60.0, 30.0])).tolist()
        [0.5, 0.5]
    """
    some = np.where(wrong > 0, wrong, np.nan)
    share: NDArray[np.float64] = to_scene / some
    return share


def reliance_per_class(clean: ScoreTable, hidden: ScoreTable) -> pd.DataFrame:
    """Return by how much the recall of each class falls when a target is hidden (ours).

    Args:
        clean: the clips as they are.
        hidden: the same with a target hidden; only clips that both have count.

    Returns:
        Columns ``class, clips, recall_clean, recall_hidden, reliance, rank, rank_low, rank_high``:
        the classes that are present, the greatest reliance first, which has rank 1.
    """
    table = recall_changes(clean, hidden)
    table = table.rename(columns={"before": "recall_clean", "after": "recall_hidden"})
    table.insert(4, "reliance", table["recall_clean"] - table["recall_hidden"])
    return table.drop(columns="change")


def _columns(
    given: dict[str, ScoreTable],
) -> tuple[dict[str, NDArray[np.floating]], list[str], NDArray[np.int64]]:
    """Return the columns whose means give the measures, and the clips' groups and labels."""
    rows, _ = common_rows(list(given.values()))
    answers = {
        name: table.predictions()[kept]
        for (name, table), kept in zip(given.items(), rows, strict=True)
    }
    first = next(iter(given.values()))
    labels = first.labels[rows[0]]
    columns = {name: (answer == labels).astype(float) for name, answer in answers.items()}
    if "swap" in given:
        swapped = rows[list(given).index("swap")]
        scenes = given["swap"].scene_labels[swapped]
        columns["swap_error"] = (answers["swap"] == scenes).astype(float)
        if "frozen" in given:
            differs = answers["swap"] != answers["frozen"]
            columns["contrasted"] = columns["swap"] * differs
    return columns, [first.groups[row] for row in rows[0]], labels


def _measures(means: Means) -> Means:
    found = {name: means[column] for column, name in _MEANS.items() if column in means}
    if "swap" in means:
        wrong = (1 - means["swap"]).clip(0)  # rounding may give -1e-17
        found["errors_to_scene"] = errors_to_scene(means["swap_error"], wrong)
    if "clean" not in means:
        return found
    clean = means["clean"]
    base = np.where(clean > 0, clean, np.nan)
    if "background_only" in means:
        found["background_ratio"] = means["background_only"] / base
        found["subject_reliance"] = clean - means["background_only"]
    if "person_only" in means:
        found["essential_cue"] = means["person_only"] / base
    if "background_hidden" in means:
        found["reliance"] = clean - means["background_hidden"]
    return found
