"""Scene measures on tables that were worked out by hand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from clip_har.metrics.scene import (
    SceneTables,
    errors_to_scene,
    reliance_per_class,
    scene_measures,
)
from clip_har.results.score_table import ScoreTable
from tests.tables import array_columns, made_table, rows_of

LABELS = [0, 0, 1, 1, 2, 2]


def answering(answers: Sequence[int], scenes: Sequence[int] | None = None) -> ScoreTable:
    """Return a table over six clips of three classes in three groups."""
    table = made_table(labels=LABELS, classes=3, right=[1] * 6)
    scores = np.eye(3, dtype=np.float32)[list(answers)]
    scene_labels = table.scene_labels if scenes is None else np.array(scenes)
    return replace(table, scores=scores, scene_labels=scene_labels)


def repeated(table: ScoreTable, times: int) -> ScoreTable:
    """Return a table of as many copies of its clips, each in its own groups."""
    numbers = range(times)
    columns = array_columns(table)
    return replace(
        table,
        clip_ids=tuple(f"{one} {n}" for n in numbers for one in table.clip_ids),
        groups=tuple(f"{one} {clip} {n}" for n in numbers for clip, one in enumerate(table.groups)),
        **dict[str, Any](
            (name, np.concatenate([getattr(table, name)] * times)) for name in columns
        ),
    )


TABLES = SceneTables(
    clean=answering([0, 0, 1, 1, 2, 0]),  # 5 of 6
    background_only=answering([0, 0, 1, 2, 0, 0]),  # 3 of 6
    person_only=answering([0, 1, 1, 1, 2, 2]),  # 5 of 6
    swap=answering([0, 1, 1, 0, 0, 2], scenes=[1, 1, 2, 0, 0, 1]),  # right 3, scene's 3
    frozen=answering([0, 0, 2, 0, 0, 2]),  # the right ones: same, other, same
    background_hidden=answering([0, 0, 1, 0, 0, 0]),  # 3 of 6
)
BY_HAND = {
    "scene/clean": 5 / 6,
    "scene/background_only": 3 / 6,
    "scene/person_only": 5 / 6,
    "scene/swap_accuracy": 3 / 6,
    "scene/swap_error": 3 / 6,
    "scene/errors_to_scene": 3 / 3,
    "scene/contrasted_accuracy": 1 / 6,
    "scene/background_ratio": 3 / 5,
    "scene/subject_reliance": 2 / 6,
    "scene/essential_cue": 1.0,
    "scene/reliance": 2 / 6,
}


def values(tables: SceneTables) -> dict[str, float]:
    rows = scene_measures(tables)
    return dict(zip(rows["measure"], rows["value"], strict=True))


def test_every_measure_by_hand() -> None:
    assert values(TABLES) == pytest.approx(BY_HAND)
    rows = scene_measures(TABLES)
    assert (rows["clips"] == 6).all()
    assert (rows["groups"] == 3).all()
    assert rows[["low", "high"]].isna().all(axis=None), "of three groups"


def test_intervals_hold_the_values() -> None:
    """Also of more groups, each with its own class: the shares and what follows from them."""
    named = {name: table for name, table in vars(TABLES).items() if isinstance(table, ScoreTable)}
    many = {name: repeated(table, 4) for name, table in named.items()}
    rows = scene_measures(SceneTables(**many)).set_index("measure")
    assert rows["value"].to_dict() == pytest.approx(BY_HAND)
    known = rows.dropna()
    assert {"scene/clean", "scene/background_ratio", "scene/reliance"} <= set(known.index)
    full = known["value"] == 1  # the highest value of a share: all errors name the scene
    assert ((known["low"] < known["value"]) & ((known["value"] < known["high"]) | full)).all()


def test_what_was_not_shown_has_no_measure() -> None:
    found = values(replace(TABLES, background_only=None, frozen=None))
    missing = {"background_only", "background_ratio", "subject_reliance", "contrasted_accuracy"}
    assert set(BY_HAND) - set(found) == {f"scene/{name}" for name in missing}
    alone = values(SceneTables(swap=TABLES.swap))
    assert set(alone) == {"scene/swap_accuracy", "scene/swap_error", "scene/errors_to_scene"}


def test_only_clips_that_all_tables_have_count() -> None:
    assert TABLES.person_only is not None
    kept = [1, 2, 3, 5]
    short = rows_of(TABLES.person_only, kept)
    found = values(replace(TABLES, person_only=short))
    assert found["scene/clean"] == pytest.approx(3 / 4)
    assert found["scene/person_only"] == pytest.approx(3 / 4)
    assert found["scene/swap_error"] == pytest.approx(2 / 4)
    assert (scene_measures(replace(TABLES, person_only=short))["clips"] == 4).all()


def test_clips_without_the_target_are_left_out() -> None:
    assert TABLES.person_only is not None
    whole = replace(TABLES.person_only, empty=(TABLES.person_only.clip_ids[1],))
    assert (scene_measures(replace(TABLES, person_only=whole))["clips"] == 5).all()


def test_no_common_clip_gives_no_measure() -> None:
    assert TABLES.clean is not None
    other = replace(TABLES.clean, clip_ids=tuple("abcdef"))
    assert scene_measures(replace(TABLES, clean=other)).empty


def test_a_ratio_to_nothing_is_left_out() -> None:
    wrong = answering([1, 1, 2, 2, 0, 0])
    found = values(replace(TABLES, clean=wrong))
    assert found["scene/clean"] == 0
    assert "scene/background_ratio" not in found
    assert "scene/essential_cue" not in found


def test_reliance_of_each_class() -> None:
    assert TABLES.clean is not None
    assert TABLES.background_hidden is not None
    table = reliance_per_class(TABLES.clean, TABLES.background_hidden)
    assert table.columns.tolist()[2:5] == ["recall_clean", "recall_hidden", "reliance"]
    assert table["rank"].tolist() == [1, 1, 3]
    assert table["class"].tolist() == ["class 1", "class 2", "class 0"]
    assert table["reliance"].tolist() == [0.5, 0.5, 0.0]
    assert table["clips"].tolist() == [2, 2, 2]
    assert table["recall_clean"].tolist() == [1.0, 0.5, 1.0]


def swapped_answers(random: np.random.Generator, *, clips: int = 6000, classes: int = 20):
    """Return labels, the scenes' classes and answers: 40 % right, a quarter of the rest fooled."""
    labels = random.integers(0, classes, clips)
    scenes = (labels + random.integers(1, classes, clips)) % classes
    other = (scenes + random.integers(1, classes, clips)) % classes
    wrong = np.where(random.random(clips) < 0.25, scenes, other)
    return labels, scenes, np.where(random.random(clips) < 0.4, labels, wrong)


def share_to_scene(labels, scenes, found) -> float:
    wrong = found != labels
    return float(
        errors_to_scene(np.array((wrong & (found == scenes)).sum()), np.array(wrong.sum()))
    )


def test_random_repair_of_errors_lowers_the_swap_error_and_keeps_the_errors_to_the_scene() -> None:
    random = np.random.default_rng(0)
    labels, scenes, found = swapped_answers(random)
    repaired = np.where(random.random(len(found)) < 0.5, labels, found)
    errors = [float((one == scenes).mean()) for one in (found, repaired)]
    assert errors[1] < 0.6 * errors[0], "the raw measure falls with the number of errors"
    before, after = (share_to_scene(labels, scenes, one) for one in (found, repaired))
    assert after == pytest.approx(before, abs=0.02)


@pytest.mark.parametrize("towards", [True, False])
def test_a_shift_of_errors_moves_the_errors_to_the_scene_at_equal_accuracy(towards: bool) -> None:
    random = np.random.default_rng(0)
    labels, scenes, found = swapped_answers(random)
    wrong = found != labels
    target = scenes if towards else (scenes + 1 + (labels == (scenes + 1) % 20)) % 20
    kept = wrong & ((found != scenes) if towards else (found == scenes))
    moved = np.where(kept & (random.random(len(found)) < 0.2), target, found)
    assert ((moved == labels) == (found == labels)).all(), "accuracy is the same"
    change = share_to_scene(labels, scenes, moved) - share_to_scene(labels, scenes, found)
    assert change > 0.1 if towards else change < -0.03


def test_without_a_wrong_answer_there_are_no_errors_to_the_scene() -> None:
    right = answering([0, 0, 1, 1, 2, 2], scenes=[1, 1, 2, 0, 0, 1])
    assert "scene/errors_to_scene" not in values(SceneTables(swap=right))
