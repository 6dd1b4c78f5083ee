"""The specifications of a study: its pairs, their choices, and planted differences."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from clip_har.core.errors import ClipHarError
from experiments.curve import curve
from experiments.effects import conditions
from experiments.pages import CURVE_FIGURE, index_page, study_page, take
from experiments.study import (
    CURVE,
    FOLDER,
    JOINT,
    PAGE,
    SETTINGS,
    Specification,
    finished_studies,
    read_study,
)
from tests.experiments.test_studies import composed_sweep, experiments_of, small_sweep
from tests.report.made import made_cell, made_sweep, table

STUDY = FOLDER / "specification"
GIVEN = Specification.model_validate(
    {
        "expected": "lower",
        "pairs": [
            {"of": {"masking": "feature"}, "change": {"masking": "away"}},
            {
                "of": {"masking": "feature"},
                "change": {"masking": "percent", "masking.phase": "random"},
            },
        ],
        "factors": {"masking": "elsewhere", "masking.phase": "phase", "fill": "fill"},
    }
)
ACCURACY = {
    "feature fill=black": 0.3,
    "feature fill=blur": 0.6,
    "away fill=black": 0.7,
    "away fill=blur": 0.7,
    "percent masking.phase=random fill=black": 0.8,
    "percent masking.phase=random fill=blur": 0.8,
}


def swept(results: Path, accuracies: dict[str, float], seeds: int = 1) -> Path:
    made: dict[tuple[float, int], Path] = {}
    cells: dict[str, Path | str] = {}
    for number, (name, accuracy) in enumerate(accuracies.items()):
        for seed in range(seeds):
            key = accuracy, seed
            if key not in made:  # composing takes time: equal ones are copied
                answers = table(accuracy, groups=12, seed=seed)
                made[key] = made_cell(results, f"{accuracy} {seed}", answers, "masking=percent")
            folder = results / "cells" / f"{number} {seed}"
            shutil.copytree(made[key], folder)
            cells[f"{name} seed={seed}" if seeds > 1 else name] = folder
    return made_sweep(results, cells)


def test_each_pair_is_a_specification_with_its_choices(tmp_path: Path) -> None:
    rows, joint = curve(GIVEN, conditions([swept(tmp_path, ACCURACY)]))
    found = {
        (row["elsewhere"], row["phase"], row["fill"]): row["difference"]
        for row in rows.to_dict("records")
    }
    assert found == pytest.approx(
        {
            ("away", "", "black"): -0.4,
            ("percent", "random", "black"): -0.5,
            ("away", "", "blur"): -0.1,
            ("percent", "random", "blur"): -0.2,
        },
        abs=0.08,
    )
    assert rows[["clips", "groups", "seeds"]].drop_duplicates().to_numpy().tolist() == [
        [160, 12, 1]
    ]
    of = joint.set_index("statistic")
    assert of["value"]["median"] == pytest.approx(rows["difference"].median())
    assert of["value"]["expected"] == 1
    assert of["p"]["median"] < 0.01


def test_seeds_are_averaged_before_the_difference(tmp_path: Path) -> None:
    cells = conditions([swept(tmp_path, ACCURACY, seeds=2)])
    rows, _ = curve(GIVEN, cells)
    assert (rows["seeds"] == 2).all()
    by_name = {one.name: one.cells for one in cells}
    top1 = {
        name: sum((one.table.predictions() == one.table.labels).mean() for one in of) / 2
        for name, of in by_name.items()
    }
    first = rows[(rows["elsewhere"] == "away") & (rows["fill"] == "black")].iloc[0]
    expected = top1["feature fill=black"] - top1["away fill=black"]
    assert first["difference"] == pytest.approx(expected)


def test_a_pair_without_its_control_is_an_error_not_a_hole(tmp_path: Path) -> None:
    lacking = {name: value for name, value in ACCURACY.items() if name != "away fill=blur"}
    cells = conditions([swept(tmp_path, lacking)])
    with pytest.raises(ClipHarError, match="feature fill=blur lacks its control masking=away"):
        curve(GIVEN, cells)
    with pytest.raises(ClipHarError, match="no pair that the study compares"):
        curve(GIVEN, [one for one in cells if not one.name.startswith("feature")])


@pytest.mark.parametrize(("cost", "word"), [(0.3, "Yes"), (-0.3, "Not shown")])
def test_the_page_says_what_the_numbers_say(tmp_path: Path, cost: float, word: str) -> None:
    accuracies = {
        f"{mask} prompts={prompts} fill={fill} frames.edge={edge} frames.count=1": accuracy
        for mask, accuracy in {
            "feature": 0.6 - cost,
            "away": 0.6,
            "percent masking.phase=random": 0.6,
            "percent masking.phase=aligned": 0.6,
        }.items()
        for prompts in ("single", "bare")
        for fill in ("black", "blur")
        for edge in (112, 128)
    }
    folder = tmp_path / "specification"
    folder.mkdir()
    for name in (SETTINGS, PAGE):
        shutil.copy(STUDY / name, folder)
    assert finished_studies(tmp_path) == [], "without results there is no page yet"
    take(folder, [swept(tmp_path / "results", accuracies)])
    assert finished_studies(tmp_path) == [folder]
    text = study_page(folder)
    assert f"**Answer.** {word}" in text
    assert ("are above 0 with p below 5 %" in text) == (cost < 0)
    assert "| elsewhere | percent | 16 |" in text
    rows = pd.read_csv(folder / CURVE)
    assert len(rows) == len(text.split("| p |")[-1].strip().splitlines()) - 1 == 24
    assert list(pd.read_csv(folder / JOINT)["statistic"]) == ["median", "expected", "significant"]
    assert "| 24 |" in index_page(tmp_path)
    with Image.open(folder / CURVE_FIGURE) as picture:
        assert picture.width > 500


def test_the_sweeps_vary_what_the_study_calls_choices() -> None:
    """A choice that no sweep varies is an empty row; one that is not named is hidden."""
    given = read_study(STUDY).specification
    assert given is not None
    sweeps = [
        composed_sweep(f"experiment=study/{name}")[0]
        for name in ("specification", "specification_patches")
    ]
    varied = {key for one in sweeps for key, values in one.items() if "," in str(values)}
    assert varied == set(given.factors)
    shared = set(sweeps[0]) & set(sweeps[1])
    assert all(sweeps[0][key] == sweeps[1][key] for key in shared)


@pytest.mark.long
def test_its_sweeps_make_a_curve_and_a_page(tmp_path: Path) -> None:
    """The first two values of each choice, on few clips: 16 sets of choices, 3 controls."""
    folder = tmp_path / "specification"
    folder.mkdir()
    for name in (SETTINGS, PAGE):
        shutil.copy(STUDY / name, folder)
    names = experiments_of("specification")
    take(folder, [small_sweep(tmp_path / "results", one) for one in names])
    rows = pd.read_csv(folder / CURVE)
    assert len(rows) == 48
    assert len(rows.drop_duplicates(list(rows.columns[:6]))) == 48
    assert "48 specifications" in study_page(folder)
