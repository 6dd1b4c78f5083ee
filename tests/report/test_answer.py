"""The answer says what the numbers say, and nothing of cells that use the label."""

import pandas as pd

from clip_har.report.answer import answer
from clip_har.report.cells import of_sweep
from clip_har.report.statistics import cell_rows
from tests.report.made import made_cell, made_sweep, table, usual

NONE = pd.DataFrame(columns=["measure", "of", "value", "low", "high"])


def test_the_costliest_and_the_cheapest_mask_are_named(tmp_path):
    rows = cell_rows(of_sweep(usual(tmp_path)).cells)
    text = " ".join(answer(rows, NONE, classes=8))
    clean = 100 * float(rows["top1"].iloc[0])
    assert f"Without mask and noise {clean:.1f} % of the clips are answered rightly;" in text
    assert "chance is 12.5 %" in text
    assert "shape r=0.5 costs most: −" in text
    worst = rows[rows["cell"] == "shape r=0.5"].iloc[0]
    assert f"which leaves {100 * worst['top1']:.1f} %" in text
    certain = (rows["mcnemar_p_holm"] < 0.05).sum()
    assert f"Of 6 cells {certain} differ from their clean twin" in text


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
    found = answer(rows, scene, classes=8)
    assert found[0] == (
        "With the subject hidden it still answers 40.0 % rightly, where whole clips reach 90.0 %:"
        " so much the room tells."
    )
    assert "named in 30.0 % of the clips, the background's class in 25.0 %" in found[1]
    twice = pd.concat([scene, scene.assign(of="prompts=bare")])
    assert "room tells" not in " ".join(answer(rows, twice, classes=8))
