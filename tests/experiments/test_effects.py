"""Effects of conditions: planted ones are found, pairing and correction are right."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.results.result import Result
from experiments.effects import CHANGE, CLEAN, Condition, conditions, effects
from experiments.study import Study
from tests.report.made import made_cell, made_sweep, table

FEATURE = {"of": {"masking": "feature"}, "change": {"masking": "away"}}


def study(**more: object) -> Study:
    given = {"question": "?", "commands": [], "real": [], "headline": "", "answer": "", **more}
    return Study.model_validate(given)


def of(rows: pd.DataFrame, condition: str, control: str) -> dict[str, Any]:
    """Return the row of top-1 of a condition against a control."""
    kept = (rows["condition"] == condition) & (rows["control"] == control)
    (row,) = rows[kept & (rows["measure"] == "top1")].to_dict("records")
    return {str(key): value for key, value in row.items()}


def test_two_seeds_are_one_condition_beside_clean_twin_and_control(tmp_path: Path) -> None:
    results = tmp_path / "results"
    clean = table(0.9)
    cells: dict[str, Path | str] = {}
    for mask, accuracy in {"feature": 0.3, "away": 0.85}.items():
        for seed in (0, 1):
            name = f"{mask} r=0.1 feature=person seed={seed}"
            answers = table(accuracy, ratio=0.1)
            if not (results / "cells" / "clean").exists():
                made_cell(results, "clean", clean, "masking=none")
            cells[name] = made_cell(
                results, name, answers, "masking=percent", f"seed={seed}", clean=clean
            )
    found = conditions([made_sweep(results, cells)])
    names = [one.name for one in found]
    assert names == ["feature r=0.1 feature=person", "away r=0.1 feature=person"]
    rows = effects(study(controls=[FEATURE]), found)
    top1 = rows[rows["measure"] == "top1"]
    assert len(top1) == 3
    assert (top1["seeds"] == 2).all()
    hidden = of(rows, "feature r=0.1 feature=person", "away r=0.1 feature=person")
    assert hidden["before"] == pytest.approx(0.85, abs=0.06)
    assert hidden["high"] < -0.3
    assert hidden["p_holm"] < 0.01
    assert hidden["p_holm"] >= 3 * top1["p"].min() - 1e-12, "of three tests"
    slight = of(rows, "away r=0.1 feature=person", CLEAN)
    assert slight["difference"] > hidden["difference"]


def test_the_seed_of_the_data_makes_another_condition(tmp_path: Path) -> None:
    """Both keys end in ``seed``: two data sets are not two seeds of one condition."""
    cells: dict[str, Path | str] = {}
    for data in (0, 1):
        for seed in (0, 1):
            name = f"percent r=0.3 dataset.seed={data} seed={seed}"
            cells[name] = made_cell(
                tmp_path,
                name,
                table(0.5),
                "masking=percent",
                f"seed={seed}",
                f"dataset.seed={data}",
            )
    found = conditions([made_sweep(tmp_path, cells)])
    names = [f"percent r=0.3 dataset.seed={data}" for data in (0, 1)]
    assert [one.name for one in found] == names
    for one, data in zip(found, (0, 1), strict=True):
        assert [cell.cell.dataset.described()["seed"] for cell in one.cells] == [data, data]
        assert [cell.cell.seed for cell in one.cells] == [0, 1]


def test_a_reference_compares_changes_not_accuracies(tmp_path: Path) -> None:
    """Both wordings lose 0.3, one from 0.9 and one from 0.7: the changes do not differ."""
    results = tmp_path / "results"
    cells: dict[str, Path | str] = {}
    for wording, whole in {"bare": 0.9, "single": 0.7}.items():
        clean, answers = table(whole), table(whole - 0.3, ratio=0.3)
        twin = made_cell(results, f"clean {wording}", clean, "masking=none")
        name = f"percent r=0.3 prompts={wording}"
        cells[name] = made_cell(
            results, name, answers, "masking=percent", clean=clean, clean_twin=twin.name
        )
    rules = [{"of": {"prompts": "*"}, "change": {"prompts": "single"}}]
    found = effects(
        study(controls=rules, references=rules), conditions([made_sweep(results, cells)])
    )
    name, single = "percent r=0.3 prompts=bare", "percent r=0.3 prompts=single"
    assert of(found, name, single)["low"] > 0.05
    cost = of(found, name, CHANGE + single)
    assert cost["after"] == pytest.approx(of(found, name, CLEAN)["difference"])
    assert cost["before"] == pytest.approx(of(found, single, CLEAN)["difference"])
    assert cost["low"] < 0 < cost["high"]


def test_unequal_seeds_are_refused(tmp_path: Path) -> None:
    made_cell(tmp_path, "one", table(0.5), "masking=percent")
    cell = Result(tmp_path / "cells" / "one")
    feature = Condition("feature", {"masking": "feature"}, [cell] * 2)
    away = Condition("away", {"masking": "away"}, [cell] * 3)
    with pytest.raises(ClipHarError, match="3 seeds cannot be compared with one with 2"):
        effects(study(controls=[FEATURE]), [feature, away])
