"""Which cells of a sweep the effects of hidden shares are computed from, and where they go."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clip_har.report.page import write_report
from clip_har.report.regression import regression_text
from clip_har.report.selection import of_sweep
from clip_har.results.result import Result
from clip_har.results.score_table import ScoreTable
from clip_har.sweeps.measures import sweep_measures
from clip_har.sweeps.regression import regressions
from tests.report.made import made_cell, made_sweep, table

REGION = "region=annotation"


def shown(picture: float, subject: float, *, known: float = 1.0, groups: int = 20) -> ScoreTable:
    """Return answers of which 10 points of the subject take 5, and those of the picture none."""
    answers = table(0.9 - 0.5 * subject, ratio=picture, groups=groups)
    hidden = np.full(len(answers.labels), subject)
    hidden[round(known * len(hidden)) :] = np.nan
    return replace(answers, subject_hidden=hidden)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path | str]:
    """Five cells: nothing hidden, and holes on and off the subject in two sizes."""
    cells = {
        "none": (0.0, 0.0, "masking=none"),
        "feature r=0.1": (0.1, 0.8, "masking=feature"),
        "feature r=0.3": (0.3, 0.9, "masking=feature"),
        "away r=0.1": (0.1, 0.0, "masking=away"),
        "away r=0.3": (0.3, 0.1, "masking=away"),
    }
    results = tmp_path_factory.mktemp("results")
    return {
        name: made_cell(results, name, shown(picture, subject), mask, REGION, f"ratio={picture}")
        for name, (picture, subject, mask) in cells.items()
    }


def results_of(folders: Iterable[Path | str]) -> list[Result]:
    return [Result(Path(folder)) for folder in folders]


def test_what_is_hidden_is_told_from_how_much(base: dict[str, Path | str]) -> None:
    cells = results_of(base.values())
    found = regressions(cells).set_index("measure")
    subject, picture = (found.loc[f"regression/{name}_hidden"] for name in ("subject", "picture"))
    assert subject["value"] == pytest.approx(-0.05, abs=0.01)
    assert subject["high"] < 0
    assert picture["low"] < 0 < picture["high"]
    assert (subject["cells"], subject["rows"], subject["clips"], subject["groups"]) == (
        5, 800, 160, 20,
    )  # fmt: skip
    assert sweep_measures(cells).metrics()["regression/subject_hidden"] == subject["value"]


def test_other_cells_are_left_out(base: dict[str, Path | str], tmp_path: Path) -> None:
    wrong = shown(0.2, 1.0)
    more = {
        "noise": ("masking=feature", REGION, "noise=gaussian"),
        "swap": ("masking=swap", REGION),
        "leaks": ("masking=feature", REGION, "ratio=0.2"),
        "own": ("masking=feature", "region=relevance"),
        "other": ("masking=feature", REGION, "frames.order=reversed"),
    }
    cells = [
        made_cell(tmp_path, name, wrong, *keys, leaks=name == "leaks")
        for name, keys in more.items()
    ]
    hidden = shown(0.2, 1.0, known=0.0)
    cells.append(made_cell(tmp_path, "unknown", hidden, "masking=percent", REGION))
    found = regressions(results_of([*base.values(), *cells]))
    assert found["cells"].tolist() == [5, 5]


def test_seeds_are_rows_and_clips_without_a_subject_are_none(
    base: dict[str, Path | str], tmp_path: Path
) -> None:
    some = shown(0.2, 0.5, known=0.5)
    some = replace(some, empty=some.clip_ids[:30])
    keys = "masking=feature", REGION, "ratio=0.3"
    cells = [
        made_cell(tmp_path, "a", shown(0.3, 0.9), *keys, "seed=1"),
        made_cell(tmp_path, "b", some, *keys, "seed=2"),
    ]
    found = regressions(results_of([*base.values(), *cells]))
    assert found["cells"].tolist() == [7, 7]
    assert found["rows"].tolist() == [800 + 160 + 80 - 30] * 2


def test_without_a_subject_nothing_is_asked(tmp_path: Path) -> None:
    cells = [
        made_cell(tmp_path, str(ratio), table(0.5), "masking=percent", f"ratio={ratio}")
        for ratio in (0.1, 0.3)
    ]
    assert regressions(results_of(cells)).empty


def test_the_page_says_it_in_words(base: dict[str, Path | str], tmp_path: Path) -> None:
    sweep = made_sweep(tmp_path, base)
    page = write_report(of_sweep(sweep), sweep / "report")
    written = pd.read_csv(sweep / "regression.csv").set_index("measure")
    by = f"{-100 * written['value']['regression/subject_hidden']:.1f}"
    for text in (page.read_text(), page.with_suffix(".md").read_text()):
        assert f"hiding 10 points more of the subject lowers top-1 by {by} points" in text
        assert "hiding 10 points more of the picture has no clear effect" in text


def test_a_reason_stands_in_place_of_numbers(base: dict[str, Path | str]) -> None:
    one_ratio = results_of([base["feature r=0.3"], base["away r=0.3"]])
    measured = sweep_measures(one_ratio)
    assert measured.regression["value"].isna().all()
    assert not [name for name in measured.metrics() if name.startswith("regression")]
    text = regression_text(measured.regression)
    assert text == "There are no numbers: each clip has the same hidden share in all cells."
