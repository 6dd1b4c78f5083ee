"""The table of detection: cells beside their clean twin, tests corrected together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clip_har.metrics.detection import thresholds
from clip_har.metrics.detection_intervals import (
    detection_changes,
    detection_intervals,
    detection_tests,
)
from clip_har.metrics.significance import corrected
from clip_har.report.detection import detection_of
from clip_har.report.page import MARKDOWN, PAGE, write_report
from clip_har.report.selection import of_sweep
from clip_har.results.measured import Measured
from clip_har.results.result import Result
from clip_har.results.score_table import ScoreTable
from clip_har.sweeps.detection import detection_rows
from clip_har.sweeps.table import DRAWS
from tests.report.made import made_cell, made_sweep, noted, table

ASKED = ("measures.target=[class 1,class 2]", "measures.reference=val", "measures.sensitivity=0.8")
CLEAN, MASKED = table(0.9), table(0.5, ratio=0.5)
VAL = table(0.9, seed=7)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two masked cells, one of which uses the true label; their clean twin; their reference."""
    results = tmp_path_factory.mktemp("results")
    made_cell(results, "val", VAL, "masking=none", data="made/val")
    clean = made_cell(results, "clean", CLEAN, "masking=none", *ASKED)
    cells: dict[str, Path | str] = {}
    for name, leaks in (("shape r=0.5", False), ("percent r=0.5", True)):
        given = (f"masking={name.split()[0]}", "ratio=0.5", *ASKED)
        cells[name] = made_cell(results, name, MASKED, *given, clean=CLEAN, leaks=leaks)
    for folder in (clean, *cells.values()):
        assert isinstance(folder, Path)
        settings = Result(folder).cell.measures
        noted(folder, Measured(settings, {"val": "val"}))
    return made_sweep(results, cells)


@pytest.fixture(scope="module")
def rows(sweep: Path) -> pd.DataFrame:
    return detection_rows(of_sweep(sweep).cells)


def test_the_clean_twin_comes_first_and_all_share_the_thresholds(rows: pd.DataFrame) -> None:
    assert rows["cell"].drop_duplicates().tolist() == [
        "none (clean twin)", "shape r=0.5", "percent r=0.5",
    ]  # fmt: skip
    chosen = thresholds(VAL, (1, 2), 0.8)
    found = rows.dropna(subset="threshold").groupby("rule")["threshold"].unique()
    assert {rule: values.tolist() for rule, values in found.items()} == {
        rule: [pytest.approx(value)] for rule, value in chosen.items()
    }


def test_the_numbers_are_those_of_the_tables(rows: pd.DataFrame) -> None:
    chosen = {"argmax": None, **thresholds(VAL, (1, 2), 0.8)}
    shown = rows[rows["cell"] == "shape r=0.5"]
    values = detection_intervals(MASKED, (1, 2), chosen, draws=DRAWS)
    changes = detection_changes(MASKED, CLEAN, (1, 2), chosen, draws=DRAWS)
    tests = detection_tests([MASKED], [CLEAN], (1, 2), [chosen])
    assert len(shown) == len(values) == 2 + 3 * 4
    for row in shown.to_dict("records"):
        name = f"{row['rule']}/{row['measure']}".removeprefix("/")
        assert row["low"] == values[name].low
        assert row["change"] == changes[name].value
        assert row["p"] == pytest.approx(tests.get(name, np.nan), nan_ok=True)


def test_holm_counts_all_tests_of_the_event_without_leaking_cells(rows: pd.DataFrame) -> None:
    tested = rows.dropna(subset="p_holm")
    assert set(tested["cell"]) == {"shape r=0.5"}
    assert len(tested) == 3 * 2, "sensitivity and specificity under three rules"
    np.testing.assert_allclose(tested["p_holm"], corrected(tested["p"].tolist()))


def test_seeds_count_once_in_holms_family(tmp_path: Path) -> None:
    made_cell(tmp_path, "clean", CLEAN, "masking=none", ASKED[0])
    cells: dict[str, Path | str] = {}
    answers: dict[str, list[ScoreTable]] = {"shape": [], "percent": []}
    for seed in (0, 1):
        for mask, right in (("shape", 0.4), ("percent", 0.7)):
            name = f"{mask} r=0.5 seed={seed}"
            given = (f"masking={mask}", "ratio=0.5", f"seed={seed}", ASKED[0])
            answers[mask].append(table(right, ratio=0.5, seed=seed + 1))
            folder = made_cell(tmp_path, name, answers[mask][-1], *given, clean=CLEAN)
            noted(folder, Measured(Result(folder).cell.measures))
            cells[name] = folder
    rows = detection_rows(of_sweep(made_sweep(tmp_path, cells)).cells).dropna(subset="p")
    wanted = [
        p
        for found in answers.values()
        for p in detection_tests(found, [CLEAN, CLEAN], (1, 2), [{"argmax": None}] * 2).values()
    ]
    for seed in (0, 1):
        one = rows[rows["cell"].str.endswith(f"seed={seed}")]
        np.testing.assert_allclose(one["p"], wanted)
        np.testing.assert_allclose(one["p_holm"], corrected(wanted))


def test_the_page_has_the_section_and_its_caution(sweep: Path, tmp_path: Path) -> None:
    page = write_report(of_sweep(sweep), tmp_path / "report")
    for text in (page.read_text(), page.with_name(MARKDOWN).read_text()):
        assert "class 1 or class 2" in text
        assert "made/val" in text
        assert "prevalence of 25.0 %" in text
    assert (sweep / "detection.csv").is_file()


def test_each_order_of_the_frames_has_the_thresholds_of_its_own_reference(tmp_path: Path) -> None:
    """As in ``metrics.json``: the reference shows its frames in the order of the cell."""
    single = "frames.order=single"
    cells: dict[str, Path | str] = {}
    for order, seed in (("forward", 7), ("single", 8)):
        made_cell(tmp_path, f"val {order}", table(0.9, seed=seed), "masking=none")
        given = ("masking=none", *ASKED, *([single] if order == "single" else []))
        folder = made_cell(tmp_path, f"none frames.order={order}", CLEAN, *given)
        noted(folder, Measured(Result(folder).cell.measures, {"val": f"val_{order}"}))
        cells[f"none frames.order={order}"] = folder
    found = of_sweep(made_sweep(tmp_path, cells)).cells
    rows = detection_rows(found).dropna(subset="threshold")
    for name, seed in (("forward", 7), ("single", 8)):
        chosen = thresholds(table(0.9, seed=seed), (1, 2), 0.8)
        shown = rows[rows["cell"].str.endswith(name)]
        assert dict(zip(shown["rule"], shown["threshold"], strict=True)) == pytest.approx(chosen)
    titles = [one.title for part in detection_of(found) for one in part.tables]
    assert sum("(0." in title and ", 0." in title for title in titles) == 2


def test_a_cell_without_lengths_of_clips_shows_a_dash(tmp_path: Path) -> None:
    timed = replace(MASKED, seconds=np.full(len(MASKED.labels), 4.0))
    cells: dict[str, Path | str] = {}
    for name, answers in (("shape r=0.5", timed), ("percent r=0.5", MASKED)):
        given = (f"masking={name.split()[0]}", "ratio=0.5", ASKED[0])
        cells[name] = folder = made_cell(tmp_path, name, answers, *given)
        noted(folder, Measured(Result(folder).cell.measures))
    (found,) = detection_of(of_sweep(made_sweep(tmp_path, cells)).cells)
    last = [row["values"][-1] for row in found.tables[1].rows]
    assert last[0] != "–"
    assert last[1] == "–"


def test_without_a_target_there_is_no_section(tmp_path: Path) -> None:
    cell = made_cell(tmp_path, "clean", CLEAN, "masking=none")
    folder = made_sweep(tmp_path, {"none": cell})
    assert detection_of(of_sweep(folder).cells) == []
    page = write_report(of_sweep(folder), tmp_path / "report")
    assert page.name == PAGE
    assert "Detection" not in page.read_text()
    assert not (folder / "detection.csv").exists()


def test_without_a_reference_only_the_predicted_class_raises_alarms(tmp_path: Path) -> None:
    cell = made_cell(tmp_path, "clean", CLEAN, "masking=none", ASKED[0])
    noted(cell, Measured(Result(cell).cell.measures))
    (found,) = detection_of(of_sweep(made_sweep(tmp_path, {"none": cell})).cells)
    assert found.chosen_on == ""
    assert len(found.tables) == 2


def test_a_reference_without_an_event_chooses_no_threshold(tmp_path: Path) -> None:
    others = replace(VAL, labels=np.where(np.isin(VAL.labels, (1, 2)), 0, VAL.labels))
    made_cell(tmp_path, "val", others, "masking=none", data="made/val")
    cell = made_cell(tmp_path, "clean", CLEAN, "masking=none", *ASKED)
    noted(cell, Measured(Result(cell).cell.measures, {"val": "val"}))
    (found,) = detection_of(of_sweep(made_sweep(tmp_path, {"none": cell})).cells)
    assert found.chosen_on == ""
    assert len(found.tables) == 2
