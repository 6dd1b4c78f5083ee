"""Few pictures, and still every class, every cell and every kind of change."""

import numpy as np
import pandas as pd
import pytest

from clip_har.report.clips.choose import choose

CHANGES = ("stays_right", "right_to_wrong", "wrong_to_right")


def answers(classes: int = 20, cells: int = 3, clips: int = 10) -> pd.DataFrame:
    """Return answers, of which one clip in ten turns wrong, and one class in one cell right."""
    rows = [
        {
            "comparison": "one",
            "cell": f"cell {cell}" if cell else "none",
            "is_clean": cell == 0,
            "clip_id": f"{label}-{clip}",
            "group": f"{label}-{clip // 5}",
            "class": f"class {label}",
            "change": CHANGES[2 if (label, cell, clip) == (7, 2, 3) else (clip == 9)],
            "to_scene": (label, cell, clip) == (4, 1, 6),
        }
        for cell in range(cells + 1)
        for label in range(classes)
        for clip in range(clips)
    ]
    return pd.DataFrame(rows)


def test_rare_kinds_and_all_classes_are_chosen() -> None:
    rows = answers()
    chosen = rows.iloc[choose(rows, 40)]
    assert len(chosen) == len(chosen.drop_duplicates(["cell", "clip_id"])) == 40
    assert set(chosen["class"]) == set(rows["class"])
    assert set(chosen["change"]) == set(CHANGES)
    assert chosen["to_scene"].sum() == 1
    counts = chosen["cell"].value_counts()
    assert set(counts.index) == {"cell 1", "cell 2", "cell 3"}
    assert counts.min() >= 8
    changed = chosen["change"] == "right_to_wrong"
    assert changed.mean() > 0.4, "one answer of ten changed: they come first"


def test_one_clip_is_shown_under_several_masks() -> None:
    rows = answers()
    chosen = rows.iloc[choose(rows, 60)]
    assert chosen["clip_id"].nunique() <= 30, "60 answers to about half as many clips"


def test_clean_cells_are_chosen_only_alone() -> None:
    rows = answers(cells=0)
    assert len(choose(rows, 30)) == 30
    assert not answers().iloc[choose(answers(), 100)]["is_clean"].any()


@pytest.mark.parametrize(("limit", "expected"), [(0, 0), (1, 1), (10_000, 600)])
def test_the_limit_holds(limit: int, expected: int) -> None:
    rows = answers()
    assert len(choose(rows, limit)) == expected


def test_the_same_rows_give_the_same_choice() -> None:
    rows = answers()
    assert choose(rows, 50).tolist() == choose(rows.copy(), 50).tolist()


def plainly_chosen(rows: pd.DataFrame, limit: int) -> list[int]:
    """Return the choice by the rule as it is told, all rows weighed again for each choice."""
    kinds = rows["change"] + rows["to_scene"].astype(str)
    strata = [
        rows["class"], rows["cell"] + kinds, rows["class"] + kinds, rows["class"] + rows["cell"],
        rows["group"],
    ]  # fmt: skip
    worth = np.where(rows["change"].eq("stays_right") & ~rows["to_scene"], 0.5, 1.0)
    chosen: list[int] = []
    for _ in range(limit):
        gain = sum(
            1 / (1 + column.map(column.iloc[chosen].value_counts()).fillna(0)) ** 2
            for column in strata
        )
        seen = 0.3 * rows["clip_id"].isin(rows["clip_id"].iloc[chosen])
        value = np.where(rows["is_clean"] | rows.index.isin(chosen), -1, worth * (gain + seen))
        chosen.append(int(value.round(9).argmax()))
    return sorted(chosen)


def test_the_choice_is_that_of_the_plain_rule() -> None:
    rows = answers(classes=6, cells=3, clips=8)
    assert choose(rows, 40).tolist() == plainly_chosen(rows, 40)
