"""The first screen says what the numbers say, and nothing of cells that use the label."""

import numpy as np
import pandas as pd
import pytest

from clip_har.report.answer import answers
from clip_har.report.numbers import share
from clip_har.report.selection import of_sweep
from clip_har.sweeps.table import cell_rows
from tests.report.made import made_cell, made_sweep, table, usual
from tests.report.rows import NONE, changed


def said(rows: pd.DataFrame, scene: pd.DataFrame = NONE, *, classes: int = 8) -> dict[str, str]:
    """Return the answers by the first word of their questions."""
    found = answers(rows, scene, classes=classes, cautions=["A caution."])
    return {one.question.split()[1]: " ".join(one.sentences) for one in found}


def lean(rows: pd.DataFrame, scene: pd.DataFrame) -> list[str]:
    (found,) = (one for one in answers(rows, scene, classes=8) if "lean" in one.question)
    return found.sentences


def test_accuracy_and_the_cost_of_each_mask_are_said(tmp_path):
    rows = cell_rows(of_sweep(usual(tmp_path)).cells)
    found = said(rows)
    clean = rows.iloc[0]
    assert found["accurate?"] == (
        f"The model gives the right class for {share(clean['top1'])} % of 160 unchanged clips (95 %"
        f" interval {share(clean['top1_low'])} to {share(clean['top1_high'])}). Guessing would give"
        " 12.5 %."
    )
    costly, cheap = found["does"].split(". ")
    assert costly.startswith("shape, square middle: ")
    assert cheap.startswith("percent, 16 px: ")
    worst = rows[rows["cell"] == "shape r=0.5"]["top1_change"].item()
    assert costly.endswith(f", −{share(-worst)} at 50 %")
    assert " points at 10 % hidden" in costly
    assert found["to"].startswith("A caution. The clips come from only 20 groups")
    assert found["it"] == "Not measured here: experiment=scene_bias measures it."


def test_cells_that_use_the_label_are_no_answer(tmp_path):
    clean = table(0.5)
    cells = {
        "none": made_cell(tmp_path, "clean", clean, "masking=none"),
        "oracle": made_cell(
            tmp_path, "oracle", table(1.0), "masking=percent", clean=clean, leaks=True
        ),
    }
    rows = cell_rows(of_sweep(made_sweep(tmp_path, cells)).cells)
    found = said(rows)
    assert "does" not in found
    assert "100.0" not in " ".join(found.values())
    assert "Left out here: 1 cell that uses the true label." in found["to"]
    (only,) = answers(rows[rows["leaks"]], NONE, classes=8)
    assert only.sentences == ["Every cell uses the true label: there is no result to report."]


def test_the_room_comes_first_where_it_was_asked(tmp_path):
    rows = cell_rows(of_sweep(usual(tmp_path)).cells)
    values = {
        "scene/clean": 0.9, "scene/background_only": 0.4,
        "scene/swap_accuracy": 0.3, "scene/swap_error": 0.25,
    }  # fmt: skip
    scene = pd.DataFrame({"measure": list(values), "of": "", "value": list(values.values())})
    scene = scene.assign(low=scene["value"] - 0.1, high=np.nan).assign(high=scene["value"] + 0.1)
    found = lean(rows, scene)
    assert found[0] == (
        "With the subject hidden, 40.0 % (30.0 to 50.0) of the clips are classified correctly: more"
        " than by chance, from the background alone. Of the whole clips, it is 90.0 % (80.0 to"
        " 100.0)."
    )
    assert "predicts the subject's action in 30.0 % (20.0 to 40.0) of the clips and" in found[1]
    twice = lean(rows, pd.concat([scene, scene.assign(of="prompts=bare")]))
    assert twice[2].startswith("prompts=bare: With the subject hidden,")
    many = pd.concat([scene.assign(of=f"seed={seed}") for seed in range(5)])
    assert "2 more settings are in the table below." in lean(rows, many)


def scene_of(hidden: float, of: str = "") -> pd.DataFrame:
    values = {"scene/clean": 0.9, "scene/background_only": hidden}
    scene = pd.DataFrame({"measure": list(values), "of": of, "value": list(values.values())})
    return scene.assign(low=scene["value"] - 0.05, high=scene["value"] + 0.05)


def test_the_room_tells_nothing_at_chance_and_an_outline_is_no_room(tmp_path):
    rows = cell_rows(of_sweep(usual(tmp_path)).cells)
    (at_chance, *_) = lean(rows, scene_of(0.15))
    assert "not clearly more than by chance (12.5 %)." in at_chance
    (outline, *_) = lean(rows, scene_of(0.5, "[silhouette control]"))
    assert outline.startswith("[silhouette control]: ")
    assert "from the background and the subject's outline" in outline
    leaking = lean(rows, scene_of(0.5, "[uses the true label]"))
    assert not any("subject hidden" in sentence for sentence in leaking)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"groups": 4}, "The clips come from 4 groups: too few for an interval"),
        ({"groups": 16}, "The clips come from only 16 groups"),
        ({"maps": "estimated", "region": "motion"}, "estimated (region=motion) in 1 of 1 cells"),
        (
            {"clips_failed": 1, "clips_left_out": 5, "clips_nothing_found": 3, "clips_covered": 2},
            "mask (of 16 clips: 1 not decoded, 3 target not found, 2 too little left to see)",
        ),
        ({"clips_left_out": 2}, "mask (of 12 clips: 2 not shown by this mask)"),
        ({"top1_high": 1.0}, "The interval of top-1 of mask ends at 0 or 100 %"),
        ({"top1_low": 0.0}, "The interval of top-1 of mask ends at 0 or 100 %"),
        ({}, "Undecided: 1 of 1 changes."),
    ],
)
def test_what_to_distrust(columns, says):
    assert says in said(changed(**columns))["to"]
    assert columns == {} or says not in said(changed())["to"]


def test_a_sure_cell_is_not_doubted():
    assert said(changed(verdict="lower"))["to"] == "A caution."


def test_seeds_are_one_cost_and_a_verdict_that_is_no_loss_is_named():
    seeds = pd.concat([changed(cell=f"m {n}", top1_change=-n / 10, seed=n) for n in (1, 3)])
    assert said(seeds)["does"] == "mask: −20.0 points at 30 % hidden (undecided)."
    known = changed(verdict="lower", top1_change=-0.2, top1_change_low=-0.3, top1_change_high=-0.1)
    assert said(known)["does"] == (
        "mask: −20.0 points at 30 % hidden (95 % interval −30.0 to −10.0)."
    )
    whole = changed(verdict="no change", ratio=np.nan, top1_change_low=np.nan)
    assert said(whole)["does"] == "mask: +0.0 points (no change)."


def test_only_the_costliest_masks_are_listed():
    many = pd.concat([changed(line=f"mask {n}", top1_change=-n / 10) for n in range(8)])
    text = said(many)["does"]
    assert text.startswith("mask 7: ")
    assert text.endswith("2 more are in the table: they cost less.")
    assert "mask 1:" not in text
