"""The main job, end to end: real encoded video, a real sweep, read back through MLflow."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import mlflow
import numpy as np
import pytest
from mlflow.entities import Run

from clip_har.masking.area import hidden_count
from clip_har.results.score_table import ScoreTable
from tests.command import prepare_store, run_command, run_fresh
from tests.data.made import write_video

ARTIFACTS = {
    "scores.parquet",
    "metrics.json",
    "cost.json",
    "per_class.csv",
    "confusion.csv",
    "confusion.png",
    "confused_pairs.csv",
    "masked_clips.png",
    "config.yaml",
    "environment.json",
    "protocol.json",
    "manifest.json",
    "videos",
}
CLASSES = ("climbing", "juggling", "swimming")
SWEEP = ("-m", "masking=shape,percent", "ratio=0.1,0.3,0.5")


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve short clips of three classes."""
    root = tmp_path_factory.mktemp("videos")
    for label, name in enumerate(CLASSES):
        for number in range(4):
            path = root / name / f"{name}_{number}.mp4"
            path.parent.mkdir(exist_ok=True)
            write_video(path, 6 + label + number)
    return root


def run(
    folder: Path,
    videos: Path,
    checkpoint: Path,
    *arguments: str,
    status: int = 0,
    command: Callable[..., CompletedProcess[str]] = run_command,
) -> str:
    done = command(
        folder,
        "dataset=folder",
        f"dataset.root={videos}",
        f"model.checkpoint={checkpoint}",
        "frames.count=2",
        "clean_twin=false",  # it has tests of its own
        *arguments,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Warning" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def read_runs(folder: Path, *, uri: str | None = None) -> tuple[list[Run], list[Run]]:
    """Return the parents and the children of the store that a sweep left."""
    client = mlflow.MlflowClient(uri or f"sqlite:///{folder / 'results' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("clip_har")
    assert experiment is not None
    runs = list(client.search_runs([experiment.experiment_id], order_by=["start_time ASC"]))
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert all(run.data.tags["mlflow.parentRunId"] == parents[0].info.run_id for run in children)
    return parents, children


def artifacts(run: Run) -> Path:
    return Path(str(run.info.artifact_uri).removeprefix("file://"))


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, videos: Path, small_clip: Path
) -> tuple[Path, str]:
    """The folder of a finished sweep and what it printed."""
    folder = tmp_path_factory.mktemp("sweep")
    return folder, run(folder, videos, small_clip, *SWEEP, command=run_fresh)


def test_six_finished_children_under_one_parent(finished: tuple[Path, str]) -> None:
    folder, printed = finished
    parents, children = read_runs(folder)
    assert [run.info.status for run in parents] == ["FINISHED"]
    assert [run.info.status for run in children] == ["FINISHED"] * 6
    names = [f"{mask} r={ratio}" for mask in ("shape", "percent") for ratio in (0.1, 0.3, 0.5)]
    assert [run.info.run_name for run in children] == names
    assert all(name in printed for name in names)
    assert "6 cells: 6 done, 0 failed" in printed
    assert {path.name for path in artifacts(parents[0]).iterdir()} == {
        "accuracy_over_ratio.png",
        "report.html",
        "clips.html",
        "report.md",
        "cells.csv",
        "mask_gallery.png",
        "images",
    }


def test_each_child_holds_everything(finished: tuple[Path, str], videos: Path) -> None:
    _, children = read_runs(finished[0])
    for child in children:
        params, metrics = child.data.params, child.data.metrics
        assert {path.name for path in artifacts(child).iterdir()} == ARTIFACTS | {"images"}
        assert params["dataset"] == "folder"
        assert params["dataset.root"] == str(videos)
        assert params["masking"] in ("shape", "percent")
        assert params["seed"] == "0"
        ratio = float(params["ratio"])
        assert abs(metrics["mask/realised_ratio"] - ratio) <= 1 / 64**2
        assert metrics["mask/realised_ratio"] == hidden_count(ratio, 64, 64) / 64**2
        assert metrics["mask/realised_ratio_sd"] == pytest.approx(0, abs=1e-12)
        assert metrics["data/clips"] == 12
        assert metrics["data/failed_clips"] == 0
        assert child.inputs is not None
        assert [entry.dataset.name for entry in child.inputs.dataset_inputs] == [videos.name]


def test_metrics_come_from_the_score_table(finished: tuple[Path, str]) -> None:
    _, children = read_runs(finished[0])
    for child in children:
        table = ScoreTable.read(artifacts(child) / "scores.parquet")
        assert table.class_names == CLASSES
        assert len(table.clip_ids) == 12
        top1 = (table.scores.argmax(axis=1) == table.labels).mean()
        assert child.data.metrics["top1"] == pytest.approx(top1)
        files = [artifacts(child) / name for name in ("metrics.json", "cost.json")]
        measured, cost = (json.loads(path.read_text()) for path in files)
        assert child.data.metrics == pytest.approx(measured | cost)


def test_typed_again_runs_nothing_and_makes_no_new_run(
    finished: tuple[Path, str], videos: Path, small_clip: Path
) -> None:
    folder, _ = finished
    before = [run.info.run_id for runs in read_runs(folder) for run in runs]
    printed = run(folder, videos, small_clip, *SWEEP)
    assert printed.count("reused") == 6
    assert [run.info.run_id for runs in read_runs(folder) for run in runs] == before


def test_what_is_missing_in_the_store_is_sent_again(
    finished: tuple[Path, str], videos: Path, small_clip: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished[0] / "results" / "cells", tmp_path / "results" / "cells")
    printed = run(tmp_path, videos, small_clip, *SWEEP)
    assert printed.count("reused") == 6
    parents, children = read_runs(tmp_path)
    assert len(parents) == 1
    assert [run.info.status for run in children] == ["FINISHED"] * 6


def test_no_mask_runs_once_under_all_ratios(videos: Path, small_clip: Path, tmp_path: Path) -> None:
    run(tmp_path, videos, small_clip, "-m", "masking=none", "ratio=0.1,0.3")
    _, children = read_runs(tmp_path)
    assert [run.info.run_name for run in children] == ["none"]


def test_a_failed_cell_does_not_take_the_others_along(
    videos: Path, small_clip: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(videos, tmp_path / "broken")
    (broken / "climbing" / "climbing_0.mp4").write_bytes(b"")
    printed = run(
        tmp_path, videos, small_clip, "-m", f"dataset.root={broken},{videos}", "ratio=0.1,0.3",
        "masking=percent", status=1,
    )  # fmt: skip
    assert "4 cells: 2 done, 2 failed" in printed
    assert "climbing_0.mp4" in printed
    parents, children = read_runs(tmp_path)
    assert [run.info.status for run in parents] == ["FAILED"]
    assert sorted(run.info.status for run in children) == ["FAILED"] * 2 + ["FINISHED"] * 2
    for child in children:
        if child.info.status == "FAILED":
            assert "climbing_0.mp4" in child.data.tags["clip_har.error"]
            assert "ClipHarError" in (artifacts(child) / "error.txt").read_text()
    again = run(
        tmp_path, videos, small_clip, "-m", f"dataset.root={broken},{videos}", "ratio=0.1,0.3",
        "masking=percent", "overwrite=never", status=0,
    )  # fmt: skip
    assert "2 done, 0 failed, 2 skipped" in again


def test_skipped_clips_are_counted_and_named(
    videos: Path, small_clip: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(videos, tmp_path / "broken")
    (broken / "climbing" / "climbing_0.mp4").write_bytes(b"")
    (broken / "swimming" / "swimming_1.mp4").write_text("no video\n")
    run(tmp_path, broken, small_clip, "frames.on_error=skip")
    (parent,), _ = read_runs(tmp_path)
    assert parent.data.metrics["data/clips"] == 10
    assert parent.data.metrics["data/failed_clips"] == 2
    listed = (artifacts(parent) / "failed_clips.csv").read_text().splitlines()
    assert len(listed) == 3
    assert "climbing_0.mp4" in listed[1]
    assert "swimming_1.mp4" in listed[2]


def test_no_tracking_leaves_results_on_disk_only(
    videos: Path, small_clip: Path, tmp_path: Path
) -> None:
    run(tmp_path, videos, small_clip, "tracking=none")
    assert not (tmp_path / "results" / "mlflow.db").exists()
    (cell,) = (path for path in (tmp_path / "results" / "cells").iterdir() if path.is_dir())
    assert {path.name for path in cell.iterdir()} == ARTIFACTS


def test_the_batch_size_changes_no_prediction(
    videos: Path, small_clip: Path, tmp_path: Path
) -> None:
    tables = []
    for size in (1, 5, 32):
        run(
            tmp_path, videos, small_clip, "tracking=none", "masking=percent", "overwrite=always",
            f"batch_size={size}", f"results_dir=by_{size}",
        )  # fmt: skip
        (path,) = (tmp_path / f"by_{size}" / "cells").glob("*/scores.parquet")
        tables.append(ScoreTable.read(path))
    for table in tables[1:]:
        np.testing.assert_array_equal(table.scores.argmax(axis=1), tables[0].scores.argmax(axis=1))
        np.testing.assert_allclose(table.scores, tables[0].scores, atol=1e-4)


def test_the_tracking_address_of_the_environment_is_respected(
    videos: Path, small_clip: Path, tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    done = run_command(
        tmp_path,
        "dataset=folder", f"dataset.root={videos}", f"model.checkpoint={small_clip}", "limit=3",
        environment={"MLFLOW_TRACKING_URI": uri},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (parent,), _ = read_runs(tmp_path, uri=uri)
    assert parent.data.metrics["data/clips"] == 3


def test_a_store_out_of_reach_gets_one_line(videos: Path, small_clip: Path, tmp_path: Path) -> None:
    done = run_command(
        tmp_path,
        "dataset=folder", f"dataset.root={videos}", f"model.checkpoint={small_clip}",
        "tracking.uri=sqlite:////proc/nowhere/mlflow.db",
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("clip-har: error: tracking.uri=sqlite:")
    assert "tracking=none" in done.stderr


def test_a_result_with_skipped_clips_does_not_serve_where_they_must_stop(
    videos: Path, small_clip: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(videos, tmp_path / "broken")
    (broken / "climbing" / "climbing_0.mp4").write_bytes(b"")
    run(tmp_path, broken, small_clip, "tracking=none", "frames.on_error=skip")
    run(tmp_path, broken, small_clip, "tracking=none", status=1)
    assert "reused" in run(tmp_path, broken, small_clip, "tracking=none", "frames.on_error=skip")


@pytest.mark.slow
def test_commands_that_start_at_once_do_not_meet(
    videos: Path, small_clip: Path, tmp_path: Path
) -> None:
    with ThreadPoolExecutor() as pool:
        ended = [
            pool.submit(
                run, tmp_path, videos, small_clip, "-m", f"masking={mask}", "ratio=0.1,0.3",
                command=run_fresh,
            )
            for mask in ("percent", "shape")
        ]  # fmt: skip
        printed = [one.result() for one in ended]
    for mask, text in zip(("percent", "shape"), printed, strict=True):
        assert "2 cells: 2 done, 0 failed" in text
        assert text.count(f"{mask} r=") == 2
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'results' / 'mlflow.db'}")
    runs = client.search_runs(["1"])
    parents = {run.info.run_id: run for run in runs if "mlflow.parentRunId" not in run.data.tags}
    names = [run.info.run_name.partition(" · ")[0] for run in parents.values()]
    assert names == ["ratio=0.1,0.3"] * 2
    for parent in parents:
        children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent]
        assert len({run.data.params["masking"] for run in children}) == 1
        assert len(children) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_a_stopped_sweep_says_so_and_can_go_on(
    number: signal.Signals, videos: Path, small_clip: Path, tmp_path: Path
) -> None:
    arguments = ["dataset=folder", f"dataset.root={videos}", f"model.checkpoint={small_clip}"]
    arguments.append("clean_twin=false")
    many = ",".join(str(index) for index in range(40))
    command = [sys.executable, "-m", "clip_har", "-m", *arguments, "masking=percent"]
    prepare_store(tmp_path)
    with subprocess.Popen(
        [*command, f"seed={many}"],
        cwd=tmp_path,
        env=os.environ | {"CLIP_HAR_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:  # until the third cell runs
            if "seed=2" in line:
                break
        process.send_signal(number)
        printed, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert rest.splitlines()[-1] == "clip-har: stopped"
    assert "not run" in printed
    (parent,), children = read_runs(tmp_path)
    assert parent.info.status == "KILLED"
    states = [run.info.status for run in children]
    assert set(states[:-1]) == {"FINISHED"}
    assert states[-1] in ("FINISHED", "KILLED")
    done = run(tmp_path, videos, small_clip, "frames.count=8", "masking=percent", "seed=0")
    assert "reused" in done
