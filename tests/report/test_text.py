"""The answer says what the numbers say, and nothing of cells that use the label."""

import numpy as np
import pandas as pd
import pytest

from clip_har.report.numbers import share
from clip_har.report.selection import of_sweep
from clip_har.report.text import answer, inference, may_lose_most, question
from clip_har.sweeps.table import cell_rows
from tests.report.made import made_cell, made_sweep, table, usual

NONE = pd.DataFrame(columns=["measure", "of", "value", "low", "high"])


def test_the_costliest_and_the_cheapest_mask_are_named(tmp_path):
    rows = cell_rows(of_sweep(usual(tmp_path)).cells)
    text = " ".join(answer(rows, NONE, classes=8))
    clean = share(rows["top1"].iloc[0])
    assert f"The model classifies {clean} % of the unchanged clips correctly;" in text
    assert "chance is 12.5 %" in text
    assert "The largest loss is that of shape r=0.5: −" in text
    worst = rows[rows["cell"] == "shape r=0.5"].iloc[0]
    assert f"to {share(worst['top1'])} %" in text
    found = rows["verdict"].isin(["lower", "higher"]).sum()
    assert 3 <= found < 6
    assert f"A change of accuracy was found in {found} of 6 comparisons" in text
    assert "undecided, which does not mean no change" in text


def test_the_question_is_one_that_the_cells_answer(tmp_path):
    rows = cell_rows(of_sweep(usual(tmp_path)).cells)
    scene = pd.DataFrame({"measure": ["scene/swap_error"], "of": [""]})
    assert "or the room?" in question(rows, scene)
    assert "parts of the picture change" in question(rows, NONE)
    assert question(rows.head(1), NONE) == "How well does the model recognise the human action?"


def test_cells_that_use_the_label_are_no_answer(tmp_path):
    clean = table(0.5)
    cells = {
        "none": made_cell(tmp_path, "clean", clean, "masking=none"),
        "oracle": made_cell(
            tmp_path, "oracle", table(1.0), "masking=percent", clean=clean, leaks=True
        ),
    }
    rows = cell_rows(of_sweep(made_sweep(tmp_path, cells)).cells)
    text = " ".join(answer(rows, NONE, classes=8))
    assert "oracle" not in text
    assert "100.0" not in text
    only = " ".join(answer(rows[rows["leaks"]], NONE, classes=8))
    assert only == "Every cell uses the true label: there is no result to report."


def test_the_room_comes_first_where_it_was_asked(tmp_path):
    rows = cell_rows(of_sweep(usual(tmp_path)).cells)
    values = {
        "scene/clean": 0.9, "scene/background_only": 0.4,
        "scene/swap_accuracy": 0.3, "scene/swap_error": 0.25,
    }  # fmt: skip
    scene = pd.DataFrame({"measure": list(values), "of": "", "value": list(values.values())})
    scene = scene.assign(low=scene["value"] - 0.1, high=np.nan).assign(high=scene["value"] + 0.1)
    found = answer(rows, scene, classes=8)
    assert found[0] == (
        "With the subject hidden, 40.0 % (30.0 to 50.0) of the clips are classified correctly: more"
        " than by chance, from the background alone. Of the whole clips, it is 90.0 % (80.0 to"
        " 100.0)."
    )
    assert "predicts the subject's action in 30.0 % (20.0 to 40.0) of the clips and" in found[1]
    twice = answer(rows, pd.concat([scene, scene.assign(of="prompts=bare")]), classes=8)
    assert twice[2].startswith("prompts=bare: With the subject hidden,")
    many = pd.concat([scene.assign(of=f"seed={seed}") for seed in range(5)])
    assert "2 more settings are in the table below." in answer(rows, many, classes=8)


def scene_of(hidden: float, of: str = "") -> pd.DataFrame:
    values = {"scene/clean": 0.9, "scene/background_only": hidden}
    scene = pd.DataFrame({"measure": list(values), "of": of, "value": list(values.values())})
    return scene.assign(low=scene["value"] - 0.05, high=scene["value"] + 0.05)


def test_the_room_tells_nothing_at_chance_and_an_outline_is_no_room(tmp_path):
    rows = cell_rows(of_sweep(usual(tmp_path)).cells)
    (at_chance, *_) = answer(rows, scene_of(0.15), classes=8)
    assert "not clearly more than by chance (12.5 %)." in at_chance
    (outline, *_) = answer(rows, scene_of(0.5, "[silhouette control]"), classes=8)
    assert outline.startswith("[silhouette control]: ")
    assert "from the background and the subject's outline" in outline
    leaking = answer(rows, scene_of(0.5, "[uses the true label]"), classes=8)
    assert not any("subject hidden" in sentence for sentence in leaking)


def changed(**columns: object) -> pd.DataFrame:
    row = {
        "cell": "mask", "leaks": False, "clips": 10, "top1": 0.5, "top1_clean": 0.5,
        "top1_change": 0.0, "top1_change_low": 0.0, "top1_change_high": 0.0, "condition": "mask",
        "verdict": "undecided", "groups": 40, "same_classes": False, "family": "clip on clips",
        "tests": 1,
    }  # fmt: skip
    return pd.DataFrame([row | columns])


@pytest.mark.parametrize(
    ("verdict", "says"),
    [("no change", "same within the margin"), ("undecided", "undecided"), ("lower", "is lower")],
)
def test_the_verdict_decides_the_words(verdict: str, says: str) -> None:
    (*_, last) = answer(changed(verdict=verdict), NONE, classes=2)
    assert says in last
    three = pd.concat([changed(condition=name, verdict=verdict) for name in "abc"])
    both = pd.concat([three, changed(condition="d", verdict="lower")])
    (*_, last) = answer(both, NONE, classes=2)
    counts = {
        "lower": "A change of accuracy was found in all 4 comparisons",
        "no change": "in 3 the change is smaller than the margin",
        "undecided": "3 are undecided",
    }
    assert counts[verdict] in last
    (*_, last) = answer(three, NONE, classes=2)
    assert ("No change of accuracy was found in any of 3" in last) == (verdict != "lower")
    seeds = pd.concat([changed(cell=f"mask seed={n}", verdict=verdict) for n in range(3)])
    assert (
        answer(seeds, NONE, classes=2)[-1] == answer(changed(verdict=verdict), NONE, classes=2)[-1]
    )


@pytest.mark.parametrize(
    ("rank_low", "says"),
    [([1, 2, 2], "b loses most."), ([1, 1, 3], "Any of 2 of the 3 classes may"),
     ([1, 1, 1], "Any of the 3 classes may"), ([pd.NA] * 3, "another class may lose most")],
)  # fmt: skip
def test_which_class_loses_most_is_said_as_far_as_it_is_known(rank_low, says):
    ranks = pd.array(rank_low, dtype="Int64")
    assert says in may_lose_most(pd.DataFrame({"class": ["b", "a", "c"], "rank_low": ranks}))


@pytest.mark.parametrize(
    ("groups", "says"), [(4, "there is no interval"), (16, "only 16 groups"), (40, "new groups.")]
)
def test_few_groups_are_warned_about(groups: int, says: str) -> None:
    text = inference(changed(groups=groups))
    assert says in text
    assert "one family of 1, changes of top-1 from the clean twin of clip on clips" in text
    assert "the same classes" in inference(changed(same_classes=True))
