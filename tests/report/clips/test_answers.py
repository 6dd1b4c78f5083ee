"""Each answer beside that of the clean twin."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clip_har.report.clips.answers import ATTRIBUTE, answers_of, shown_cells
from clip_har.report.clips.page import flips
from clip_har.report.selection import Chosen, of_sweep
from clip_har.results.score_table import OWN_SCENE, ScoreTable
from tests.report.made import made_cell, made_sweep, table

NAMES = ("bow", "crawl", "dive")


def answering(predicted: list[int], labels: list[int]) -> ScoreTable:
    """Return a table with given answers."""
    made = table(1.0, names=NAMES, clips=len(labels), groups=2)
    scores = np.zeros((len(labels), 3), np.float32)
    scores[np.arange(len(labels)), predicted] = 2
    return replace(made, scores=scores, labels=np.array(labels))


LABELS = [0, 0, 0, 1, 1, 1]
BEFORE = answering([0, 0, 1, 2, 0, 1], LABELS)
AFTER = answering([0, 1, 0, 2, 2, 2], LABELS)


def swept(results: Path, after: ScoreTable = AFTER) -> Chosen:
    cells: dict[str, Path | str] = {
        "none": made_cell(results, "clean", BEFORE, "masking=none"),
        "swap": made_cell(results, "swap", after, "masking=percent", clean=BEFORE, leaks=True),
    }
    return of_sweep(made_sweep(results, cells))


@pytest.fixture
def rows(tmp_path: Path) -> pd.DataFrame:
    scenes = np.array([OWN_SCENE, 1, 2, 0, 0, 2])
    after = replace(
        AFTER,
        scene_labels=scenes,
        mask_ratio=np.full(6, 0.25),
        attributes={"view": ("a", None) * 3},
    )
    return answers_of(swept(tmp_path, after).comparisons)


def test_every_kind_of_change_is_told_apart(rows: pd.DataFrame) -> None:
    masked = rows[rows["cell"] == "swap"]
    assert masked["change"].tolist() == [
        "stays_right", "right_to_wrong", "wrong_to_right", "stays_wrong", "wrong_to_other_wrong",
        "right_to_wrong",
    ]  # fmt: skip
    assert set(rows[rows["cell"] == "none"]["change"]) == {"right", "wrong"}
    assert dict(flips(rows)["swap"])["right_to_wrong"] == 2


def test_the_scenes_class_counts_only_if_another_scene_was_shown(rows: pd.DataFrame) -> None:
    masked = rows[rows["cell"] == "swap"]
    assert masked["to_scene"].tolist() == [False, True, False, False, False, True]
    assert masked["scene_class"].tolist()[1:] == ["crawl", "dive", "bow", "bow", "dive"]
    assert pd.isna(masked["scene_class"].iloc[0])


def test_probabilities_are_those_of_the_answer_and_of_the_true_class(rows: pd.DataFrame) -> None:
    second = rows[rows["cell"] == "swap"].iloc[1]
    high, low = np.exp(2) / (np.exp(2) + 2), 1 / (np.exp(2) + 2)
    assert (second["predicted_before"], second["predicted"]) == ("bow", "crawl")
    assert second["confidence"] == pytest.approx(high)
    assert second["true_probability"] == pytest.approx(low)
    assert second["true_probability_before"] == pytest.approx(high)
    assert second["hidden"] == 0.25
    assert second["leaks"]
    assert rows[f"{ATTRIBUTE}view"].iloc[-2] == "a"


def test_clips_are_paired_by_id_not_by_place(tmp_path: Path) -> None:
    after = answering([2, 2, 2], [1, 1, 1])
    after = replace(after, clip_ids=("clip 5", "clip 4", "clip 9"), groups=("g1", "g0", "g1"))
    rows = answers_of(swept(tmp_path, after).comparisons)
    masked = rows[rows["cell"] == "swap"]
    assert masked["change"].tolist() == ["right_to_wrong", "wrong_to_other_wrong", "wrong"]
    assert masked["predicted_before"].tolist()[:2] == ["crawl", "bow"]
    assert pd.isna(masked["predicted_before"].iloc[2])


def test_a_clean_twin_that_is_not_in_the_report_is_shown_first(tmp_path: Path) -> None:
    made_cell(tmp_path, "clean", BEFORE, "masking=none")
    cell = made_cell(tmp_path, "swap", AFTER, "masking=percent", clean=BEFORE)
    (comparison,) = of_sweep(made_sweep(tmp_path, {"swap": cell})).comparisons
    assert [one.name for one in shown_cells(comparison)] == ["none (clean twin)", "swap"]
