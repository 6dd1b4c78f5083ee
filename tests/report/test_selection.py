"""Which cells a report is about: of a sweep, of an experiment, or by a filter."""

import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from clip_har.core.checksum import write_manifest
from clip_har.core.errors import ClipHarError
from clip_har.report.selection import newest_sweep, of_experiment, of_sweep
from clip_har.sweeps.load import load_cells
from clip_har.sweeps.measures import sweep_measures
from clip_har.tracking.mlflow import MLflowTracking, default_uri
from clip_har.tracking.tracker import RunInfo
from tests.report.made import made_cell, made_sweep, table, usual


def test_the_cells_of_a_sweep_are_read(tmp_path):
    chosen = of_sweep(usual(tmp_path))
    assert [one.name for one in chosen.cells][:3] == ["none", "percent r=0.1", "percent r=0.3"]
    assert chosen.title == "a sweep (2026-01-01_00-00-00)"
    assert chosen.problems == ()
    first, second = chosen.cells[:2]
    assert first.is_clean
    assert first.clean is None
    assert first.ratio is None
    assert not second.is_clean
    assert second.clean is not None
    assert second.clean.folder == first.folder
    assert (second.strategy, second.ratio) == ("percent", 0.1)


def test_a_result_that_serves_two_cells_is_one(tmp_path):
    folder = made_cell(tmp_path, "clean", table(0.9), "masking=none")
    sweep = made_sweep(tmp_path, {"none": folder, "none again": folder})
    assert [one.name for one in of_sweep(sweep).cells] == ["none"]


def test_two_sweeps_that_share_a_cell_keep_their_own_settings(tmp_path):
    """The clean cell was made by the first sweep, under other keys that it does not use."""
    clean = table(0.9)
    shared = made_cell(tmp_path, "clean", clean, "masking=none", "region=motion", "feature=person")
    hidden = made_cell(
        tmp_path, "b", table(0.4), "masking=background_only", "region=motion", "fill=mean",
        clean=clean,
    )  # fmt: skip
    first = made_sweep(tmp_path, {"none": shared}, named={"none": {"masking": "none", "seed": 0}})
    jobs = {"none": ("masking=none", "region=motion", "fill=mean")}
    named = {
        "none": {"masking": "none", "dataset.seed": 0},
        "hidden": {"masking": "background_only", "dataset.seed": 0},
    }
    second = made_sweep(
        tmp_path, {"none": shared, "hidden": hidden}, named=named, jobs=jobs, date="2026-01-02"
    )
    assert [one.name for one in of_sweep(first).cells] == ["none seed=0"]
    chosen = of_sweep(second)
    assert [one.name for one in chosen.cells] == ["none seed=0", "background_only seed=0"]
    clean_cell = chosen.cells[0]
    assert (clean_cell.cell.fill, clean_cell.cell.feature) == ("mean", "subject")
    assert clean_cell.command == " ".join(jobs["none"])
    measures = set(sweep_measures(chosen.jobs).rows["measure"])
    assert {"scene/clean", "scene/background_only", "scene/subject_reliance"} <= measures


def test_the_settings_of_every_job_count(tmp_path):
    """One clean result under two fills serves the measures of both."""
    clean = table(0.9)
    shared = made_cell(tmp_path, "clean", clean, "masking=none", "region=motion")
    cells: dict[str, Path | str] = {}
    jobs = {}
    for fill in ("black", "mean"):
        cells[f"none fill={fill}"] = shared
        jobs[f"none fill={fill}"] = ("masking=none", "region=motion", f"fill={fill}")
        cells[f"background_only fill={fill}"] = made_cell(
            tmp_path, fill, table(0.4), "masking=background_only", "region=motion", f"fill={fill}"
        )
    chosen = of_sweep(made_sweep(tmp_path, cells, jobs=jobs))
    assert len(chosen.cells) == 3
    rows = sweep_measures(chosen.jobs).rows
    found = rows[rows["measure"] == "scene/background_ratio"]
    assert found["of"].str.contains("fill").all()
    assert len(found) == 2


def test_cells_that_failed_or_are_missing_are_named(tmp_path):
    folder = made_cell(tmp_path, "clean", table(0.9), "masking=none")
    gone = tmp_path / "cells" / "gone"
    cells: dict[str, Path | str] = {"none": folder, "shape": "no disk", "percent": gone}
    chosen = of_sweep(made_sweep(tmp_path, cells, asked=5))
    assert chosen.problems == (
        "shape: no disk",
        "percent: its results are missing or damaged: run its command again",
        "2 of 5 cells were not run: run the same command again to run the missing cells",
    )


def test_results_that_were_moved_are_found(tmp_path):
    usual(tmp_path / "before")
    shutil.move(tmp_path / "before", tmp_path / "after")
    chosen = of_sweep(newest_sweep(tmp_path / "after"))
    assert len(chosen.cells) == 7
    assert chosen.cells[0].folder.is_relative_to(tmp_path / "after")


def test_a_folder_without_a_sweep_is_refused(tmp_path):
    with pytest.raises(ClipHarError, match="expected the folder of a sweep"):
        of_sweep(tmp_path)
    with pytest.raises(ClipHarError, match="holds no sweep"):
        newest_sweep(tmp_path)
    with pytest.raises(ClipHarError, match="no cell has a result; none: broke"):
        of_sweep(made_sweep(tmp_path, {"none": "broke"}))


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished cells, one that failed and one without its results, in a real store."""
    results = tmp_path_factory.mktemp("results")
    tracking = MLflowTracking()
    for name, mask in (("clean", "none"), ("shape r=0.3", "shape"), ("gone", "shape")):
        if name != "gone":
            made_cell(results, name, table(0.8), f"masking={mask}")
        info = RunInfo(name, name.replace(" ", "_"), {"masking": mask})
        with tracking.run(results, info):
            pass
    with pytest.raises(RuntimeError), tracking.run(results, RunInfo("bad", "bad", {})):
        raise RuntimeError("no memory")
    return results


def test_the_cells_of_an_experiment(tracked):
    chosen = of_experiment(tracked, "clip_har", uri=default_uri(tracked))
    assert [one.name for one in chosen.cells] == ["clean", "shape r=0.3"]
    place = tracked / "cells" / "gone"
    advice = "run its command again, or name the results folder with --results-dir"
    assert chosen.problems == (
        f"gone: its results are missing or damaged in {place}: {advice}",
        "bad: failed: RuntimeError: no memory",
    )


def test_of_an_experiment_the_newest_of_equal_settings_is_kept(tmp_path):
    for time, (name, accuracy) in enumerate((("old", 0.8), ("new", 0.3))):
        folder = made_cell(tmp_path, name, table(accuracy), "masking=shape")
        os.utime(folder / "protocol.json", (time, time))
        with MLflowTracking().run(tmp_path, RunInfo(name, name, {"masking": "shape"})):
            pass
    chosen = of_experiment(tmp_path, "clip_har", uri=default_uri(tmp_path))
    assert [one.folder.name for one in chosen.cells] == ["new"]
    assert chosen.problems == ("old: new has the same settings as old and is newer",)


def test_a_filter_chooses_among_them(tracked):
    chosen = of_experiment(
        tracked, "clip_har", uri=default_uri(tracked), filters="params.masking = 'none'"
    )
    assert [one.name for one in chosen.cells] == ["clean"]
    assert chosen.title == "clip_har where params.masking = 'none'"


def test_a_filter_that_mlflow_refuses_gives_one_line(tracked):
    with pytest.raises(ClipHarError, match="--filter colour: ") as caught:
        of_experiment(tracked, "clip_har", uri=default_uri(tracked), filters="colour")
    assert "\n" not in str(caught.value)
    with pytest.raises(ClipHarError, match="there is no experiment other"):
        of_experiment(tracked, "other", uri=default_uri(tracked))


def test_a_deleted_experiment_is_named(tmp_path):
    tracking = MLflowTracking(experiment="old study")
    assert not tracking.has(tmp_path, "0" * 32, None)
    client = MlflowClient(tracking_uri=default_uri(tmp_path))
    found = client.get_experiment_by_name("old study")
    assert found is not None
    client.delete_experiment(found.experiment_id)
    with pytest.raises(ClipHarError, match=r"old study: this experiment was deleted.*restore"):
        of_experiment(tmp_path, "old study", uri=default_uri(tmp_path))


def test_the_protocol_is_read(tmp_path):
    folder = made_cell(tmp_path, "clean", table(0.9), "masking=none", prompts="a photo")
    written = json.loads((folder / "protocol.json").read_text())
    chosen = of_sweep(made_sweep(tmp_path, {"none": folder}))
    assert chosen.cells[0].protocol == written


def _without_command(folder: Path) -> None:
    content = json.loads((folder / "protocol.json").read_text())
    del content["command"], content["clean_twin"]
    (folder / "protocol.json").write_text(json.dumps(content))


def _without_column(folder: Path) -> None:
    scores = pq.read_table(folder / "scores.parquet")
    pq.write_table(scores.drop_columns("video_hidden"), folder / "scores.parquet")


@pytest.mark.parametrize("made_old", [_without_command, _without_column])
def test_cells_of_an_earlier_version_are_named_and_left_out(made_old, tmp_path, caplog):
    sweep = usual(tmp_path)
    old = tmp_path / "cells" / "shape_r=0.3"
    made_old(old)
    write_manifest(old)
    chosen = of_sweep(sweep)
    assert "shape r=0.3" not in [one.name for one in chosen.cells]
    assert chosen.problems == ("shape r=0.3: an earlier version made it: run it again",)
    loaded = load_cells(sweep).set_index("cell")["result"]
    assert loaded.index[loaded.isna()].tolist() == ["shape r=0.3"]
    shutil.copytree(old, tmp_path / "cells" / "old")
    assert load_cells(tmp_path)["cell"].tolist() == ["clean"]
    assert "old is left out: an earlier version made it: run it again" in caplog.text
