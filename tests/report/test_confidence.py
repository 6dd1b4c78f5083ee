"""What the page says of confidence, without a reference and, from the command, with one."""

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_har.core.background import AtOnce
from clip_har.metrics.conformal import conformal_measures
from clip_har.metrics.measures import find
from clip_har.metrics.selective import selective_intervals
from clip_har.metrics.temperature import calibrated_measures
from clip_har.report.confidence import Intervals, ask_intervals, confidence_of
from clip_har.report.numbers import formatted, points
from clip_har.report.page import PAGE, write_report
from clip_har.report.selection import of_sweep
from clip_har.results.measured import Measured
from clip_har.results.result import Result
from clip_har.results.sweep import read_outcomes
from tests.command import run_command
from tests.report.made import made_cell, made_sweep, noted, table, usual


def test_intervals_that_were_asked_before_are_used(tmp_path: Path) -> None:
    chosen = of_sweep(usual(tmp_path))
    asked = ask_intervals(chosen.cells, AtOnce())
    first = chosen.cells[0]
    made = Future[Intervals]()
    made.set_result({"top1": (0.5, 0.123, 0.877)})
    page = write_report(chosen, tmp_path / "page", intervals={**asked, first.folder: made})
    assert "12.3 to 87.7" in page.read_text()
    assert set(asked) == {one.folder for one in chosen.cells}


def test_every_cell_has_a_row_and_the_numbers_are_its_own(tmp_path: Path) -> None:
    chosen = of_sweep(usual(tmp_path))
    found = confidence_of(chosen.cells, chosen.cells[:2])
    assert [row["cell"] for row in found.ranked_rows] == [one.name for one in chosen.cells]
    one = chosen.cells[-1]
    shown = dict(zip((m.name for m in found.ranked), found.ranked_rows[-1]["values"], strict=True))
    for name, (value, low, high) in selective_intervals(one.table).items():
        measure = find(name)
        ends = f"{formatted(low, measure)} to {formatted(high, measure)}"
        assert shown[name] == (formatted(value, measure), ends)
        assert value == pytest.approx(one.metrics[name])
    assert not found.sets, "there is no reference"
    assert not found.notes
    assert not any(m.name.startswith("calibrated/") for m in found.scores)
    text = write_report(chosen, tmp_path / "page").read_text()
    assert 'id="selective"' in text
    assert 'id="sets"' not in text
    assert "measures.reference=" in text


def test_three_groups_give_no_interval(tmp_path: Path) -> None:
    few = made_cell(tmp_path, "clean", table(0.9, groups=3), "masking=none")
    chosen = of_sweep(made_sweep(tmp_path, {"none": few}))
    values = confidence_of(chosen.cells, chosen.cells).ranked_rows[0]["values"]
    assert {interval for _, interval in values} == {""}
    text = write_report(chosen, tmp_path / "page").read_text()
    assert "nan" not in text.partition("<script>")[0].casefold()


@pytest.mark.parametrize(("right", "groups"), [(1.0, 20), (0.9, 4)])
def test_a_reference_that_is_too_easy_or_too_small_is_said(
    tmp_path: Path, right: float, groups: int
) -> None:
    reference = replace(table(right, groups=groups, seed=1), clip_ids=tuple(map(str, range(160))))
    folder = made_cell(tmp_path, "clean", table(0.9), "masking=none", "measures.reference=val")
    one = Result(folder)
    one.metrics.update(
        conformal_measures(one.table, reference, 0.9) | calibrated_measures(one.table, reference)
    )
    object.__setattr__(one, "known_cell", one.cell.model_copy(update={
        "measures": one.cell.measures.model_copy(update={"reference": "val"})
    }))  # fmt: skip
    warm, sets = confidence_of([one], [one]).notes
    assert warm.startswith("No temperature") == (right == 1)
    assert ("too few groups" in sets) == (groups == 4)


def test_each_order_of_the_frames_has_numbers_of_its_own_reference(tmp_path: Path) -> None:
    cells = []
    for order, temperature, least in (("forward", 1.25, 0.1), ("single", 0.8, 0.2)):
        given = (f"frames.order={order}", "measures.reference=val")
        folder = made_cell(tmp_path, f"none frames.order={order}", table(0.9), *given)
        noted(folder, Measured(Result(folder).cell.measures))
        cells.append(one := Result(folder))
        numbers = {"calibrated/temperature": temperature, "conformal/least_probability": least}
        one.metrics.update(conformal_measures(one.table, one.table, 0.9) | numbers)
    warm, sets = confidence_of(cells, cells).notes
    assert "1.25, 0.8 (each order" in warm
    assert "0.100, 0.200 (each order" in sets


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("confidence")
    done = run_command(
        folder, "-m", "masking=shape", "ratio=0.2,0.5", "measures.reference=val",
        "measures.coverage=0.8", "dataset.count=60", "frames.count=2", "batch_size=64",
        environment={"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_command_measures_every_cell_and_its_twin_by_one_reference(swept: Path) -> None:
    sweep = max((swept / "results" / "sweeps").iterdir())
    cells = [one.result for one in read_outcomes(sweep).values() if one.result is not None]
    assert len(cells) == 2
    for one in (*cells, cells[0].clean):
        assert one is not None
        assert one.reference is not None
        reference = one.reference.table
        assert not set(reference.groups) & set(one.table.groups)
        expected = conformal_measures(one.table, reference, 0.8)
        expected |= calibrated_measures(one.table, reference)
        assert expected.items() <= one.metrics.items()
        assert 0 < one.metrics["conformal/least_probability"] < 1
    least, temperature = (
        {one.metrics[name] for one in cells}
        for name in ("conformal/least_probability", "calibrated/temperature")
    )
    assert len(least) == len(temperature) == 1


def test_the_page_shows_what_a_mask_does_to_the_coverage(swept: Path) -> None:
    sweep = max((swept / "results" / "sweeps").iterdir())
    chosen = of_sweep(sweep)
    found = confidence_of(chosen.cells, chosen.cells)
    twin = chosen.cells[0].clean
    assert twin is not None
    assert [row["cell"] for row in found.set_rows] == [twin.name, *(c.name for c in chosen.cells)]
    coverage = [one.metrics["conformal/coverage"] for one in (twin, *chosen.cells)]
    assert [row["change"][0] for row in found.set_rows] == [
        "–", *(points(value - coverage[0]) for value in coverage[1:])
    ]  # fmt: skip
    assert np.argmin(coverage) == 2, "half of the picture hidden costs most"
    text = (sweep / "report" / PAGE).read_text()
    assert 'id="sets"' in text
    assert found.notes[0] in text
