"""Thresholds are chosen on a reference cell: clean clips of another split, run first and once."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pytest

import clip_har
from clip_har.config.compose import cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import clips_of
from clip_har.engine.job import Prepared
from clip_har.engine.preflight import preflight
from clip_har.engine.recompute import recompute
from clip_har.engine.reference import reference_clips
from clip_har.metrics.detection import detection, detection_at_thresholds
from clip_har.report.page import PAGE
from clip_har.results.files import PROTOCOL, SCORES, read_json
from clip_har.results.result import Result
from clip_har.results.sweep import read_outcomes
from tests.command import run_command
from tests.config.test_cell import composed
from tests.data.made import write_video

SMALL = ("dataset.count=40", "frames.count=2", "batch_size=64")
SWEEP = ("-m", "masking=none,percent", "measures.reference=val")
REFERENCE = "none (reference, val)"


def run(folder: Path, *arguments: str) -> str:
    done = run_command(folder, *SMALL, *arguments, environment={"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr + done.stdout


def of_mask(folder: Path) -> dict[str, Result]:
    """The cells of the newest sweep by mask."""
    sweep = max((folder / "results" / "sweeps").iterdir())
    found = [outcome.result for outcome in read_outcomes(sweep).values()]
    return {one.mask: one for one in found if one is not None}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("reference")
    return folder, run(folder, *SWEEP)


def test_the_reference_is_run_first_and_once_and_is_clean(swept: tuple[Path, str]) -> None:
    folder, printed = swept
    assert printed.count(f"{REFERENCE}: running") == 1
    assert printed.index(f"{REFERENCE}: running") < printed.index("none: running")
    cells = of_mask(folder)
    (reference,) = {one.reference_folder for one in cells.values()}
    assert reference is not None
    card = read_json(reference / PROTOCOL)
    assert card["data"] == "synthetic/val/bias0.9"
    assert card["masking"]["kind"] == "NoMask"
    used = cells["percent"].reference
    assert used is not None
    assert not set(used.table.groups) & set(cells["percent"].table.groups)


def test_the_tracking_store_shows_it_as_a_run_of_its_sweep(swept: tuple[Path, str]) -> None:
    folder, _ = swept
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'results' / 'mlflow.db'}")
    runs = {one.info.run_name: one for one in client.search_runs(["1"])}
    reference, cell = runs[REFERENCE], runs["percent r=0.3"]
    parent = "mlflow.parentRunId"
    assert reference.data.tags[parent] == cell.data.tags[parent]
    assert reference.data.params["dataset.subset"] == "val"
    assert cell.data.tags["measures.reference"] == "val"
    used = of_mask(folder)["percent"].reference
    assert used is not None
    assert used.protocol["command"].endswith("masking=none noise=none dataset.subset=val")


def test_its_own_command_finds_it_again(swept: tuple[Path, str]) -> None:
    folder, _ = swept
    assert "finished already" in run(folder, "dataset.subset=val")


def test_another_target_computes_numbers_again_but_runs_no_model(swept: tuple[Path, str]) -> None:
    folder, _ = swept
    before = {mask: one.folder for mask, one in of_mask(folder).items()}
    assert not any(name.startswith("detect/") for name in of_mask(folder)["percent"].metrics)
    first = run(folder, *SWEEP, "measures.target=[falling,sitting_down]")
    cells = of_mask(folder)
    for one in cells.values():
        assert one.reference is not None
        target = one.cell.measures.target_labels(one.table.class_names)
        assert target is not None
        expected = detection(one.table, target)
        expected |= detection_at_thresholds(one.table, target, one.reference.table, 0.9)
        found = {name: one.metrics[name] for name in one.metrics if name.startswith("detect/")}
        assert found == pytest.approx(expected)
        assert found["detect/prevalence"] == pytest.approx(0.1)
        assert "detect/required/false_alarms_per_hour" in found
    page = max(folder.glob("results/sweeps/*")) / "report" / PAGE
    text = page.read_text(encoding="utf-8")
    assert "falling or sitting_down" in text
    assert "chosen on the clean clips of synthetic/val/bias0.9" in text
    assert "detection" not in min(folder.glob("results/sweeps/*/report/*.html")).read_text()

    second = run(folder, *SWEEP, "measures.target=waving")
    for printed in (first, second):
        assert "running" not in printed
        assert printed.count("numbers computed again") == 2
    again = of_mask(folder)
    assert {mask: one.folder for mask, one in again.items()} == before
    assert again["none"].metrics["detect/prevalence"] == pytest.approx(0.05)
    # The sweep before shares the folders, but does not show numbers of another event as its own.
    former = replace(cells["none"])
    assert not former.has_its_measures
    assert not any(name.startswith("detect/") for name in former.metrics)
    assert former.metrics["top1"] == again["none"].metrics["top1"]


def test_without_the_reference_numbers_are_left_as_they_are(
    swept: tuple[Path, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(swept[0] / "results" / "cells", tmp_path / "cells")
    name = of_mask(swept[0])["percent"].folder.name
    cell = Result(tmp_path / "cells" / name)
    assert cell.reference is not None
    assert recompute(cell) is cell, "it is up to date"
    (cell.reference.folder / SCORES).unlink()
    wanted = replace(cell, known_cell=cell.cell.model_copy(update={"measures": other(cell)}))
    assert recompute(wanted) is wanted
    assert "its reference cell no longer exists" in caplog.text


def other(cell: Result) -> Any:
    return cell.measures.model_copy(update={"sensitivity": 0.5})


def test_numbers_of_other_settings_are_not_shown_as_ones_own(swept: tuple[Path, str]) -> None:
    one = of_mask(swept[0])["percent"]
    kept = replace(one.measured, numbers=("top1",))
    wanted = replace(one, known_cell=one.cell.model_copy(update={"measures": other(one)}))
    object.__setattr__(wanted, "measured", kept)
    assert not wanted.has_its_measures
    assert set(one.metrics) - set(wanted.metrics) == {"top1"}


def manifest(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    """A table of clips with their split and group; the videos need not be readable."""
    table = folder / "clips.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split", "group"])
        for number, (label, split, group) in enumerate(rows):
            (folder / f"{number}.mp4").write_bytes(bytes([number]))
            writer.writerow([f"{number}.mp4", label, split, group])
    return table


ROWS = [("a", "test", "g1"), ("b", "test", "g2"), ("a", "val", "g3"), ("b", "val", "g4")]


def check(table: Path, *overrides: str) -> None:
    given = ("dataset=manifest", f"dataset.path={table}", *overrides)
    preflight(cell_from_config(composed(*given)))


def test_a_reference_of_other_groups_is_accepted(tmp_path: Path) -> None:
    check(manifest(tmp_path, ROWS), "dataset.subset=test", "measures.reference=val")


@pytest.mark.parametrize(
    ("rows", "overrides", "said"),
    [
        (ROWS, ("dataset.subset=test", "measures.reference=dev"), "no such split.*test, val"),
        (ROWS, ("dataset.subset=test", "measures.reference=test"), "is the evaluated one"),
        (
            ROWS,
            ("measures.reference=val",),
            "val: a threshold is learned .* also evaluated",
        ),
        (
            ROWS,
            ("measures.reference=val", "measures.probe=all"),
            "val: a linear probe is learned .* also evaluated",
        ),
        (
            ROWS,
            ("dataset.subset=val", "measures.reference=val", "measures.probe=all"),
            "the evaluated one; a linear probe must",
        ),
        (
            ROWS,
            ("measures.reference=val", "measures.probe=all", "measures.target=[a]"),
            "val: a threshold or a linear probe is learned",
        ),
        ([*ROWS, ("a", "val", "g1")], ("dataset.subset=test", "measures.reference=val"), "g1"),
        (ROWS, ("dataset.subset=test", "measures.target=[c]"), "no such class"),
    ],
)
def test_a_leaking_or_missing_reference_is_one_clear_error(
    tmp_path: Path, rows: list[tuple[str, str, str]], overrides: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ClipHarError, match=said):
        check(manifest(tmp_path, rows), *overrides)


def test_a_reference_may_not_share_groups_even_where_official_lists_do(tmp_path: Path) -> None:
    """As HMDB-51's: noise only warns there, but no number would show where a threshold is from."""
    table = manifest(tmp_path, [*ROWS, ("a", "val", "g1")])
    given = ("dataset=manifest", f"dataset.path={table}", "dataset.subset=test")
    cell = cell_from_config(composed(*given, "measures.reference=val"))
    clips = replace(clips_of(cell.dataset, None), shares_groups="its lists share films")
    with pytest.raises(ClipHarError, match=r"\(1: g1\), because its lists share films: .*manifest"):
        reference_clips(cell, clips)


@pytest.mark.slow
def test_shards_of_the_reference_are_merged_too(tmp_path: Path) -> None:
    cell = ("masking=percent", "measures.reference=val")
    for number in (1, 2):
        run(tmp_path, *cell, f"shard={number}/2")
    printed = run(tmp_path, *cell)
    assert f"{REFERENCE}: merged from 2 shards" in printed


def test_two_commands_may_be_the_reference_of_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each would hold its own lock and wait for that of the other, for ever."""
    rows = []
    for number, split in enumerate(("val", "test") * 2):
        path = tmp_path / "videos" / ("falling", "waving")[number // 2] / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, 2)
        rows.append(f"{path.parent.name}/{path.name},{split},{number}")
    (tmp_path / "split.csv").write_text("\n".join(["path,split,group", *rows]))
    data = ("dataset=folder", f"dataset.root={tmp_path / 'videos'}", "frames.count=1")
    locks: list[str] = []

    class StopError(Exception):
        pass

    def stop(reference: Prepared, *_: object) -> None:
        locks.extend(path.stem for path in reference.folder.parent.glob("*.lock"))
        locks.remove(reference.folder.name)
        raise StopError

    monkeypatch.setattr("clip_har.engine.run._find_or_make", stop)
    with pytest.raises(StopError):
        clip_har.evaluate(
            *data,
            f"dataset.split_csv={tmp_path / 'split.csv'}",
            "dataset.subset=test",
            "measures.reference=val",
            "masking=none",
            results_dir=tmp_path,
        )
    assert locks == [], "the cell's own lock is not held while its reference runs"
