"""A moved results folder: its MLflow store finds old artifacts, and keeps new ones there."""

import logging
import shutil
import sqlite3
from pathlib import Path

import mlflow
import pytest

from clip_har.tracking.mlflow import MLflowTracking, default_uri
from clip_har.tracking.relocate import follow_move
from clip_har.tracking.tracker import RunInfo


def send(results: Path, fingerprint: str, uri: str | None = None) -> None:
    """Send a finished cell of one file to the store."""
    cell = results / "cells" / fingerprint
    cell.mkdir(parents=True, exist_ok=True)
    (cell / "metrics.json").write_text(fingerprint)
    tracking = MLflowTracking(uri=uri)
    with tracking.run(
        results, RunInfo(name=fingerprint, fingerprint=fingerprint, params={})
    ) as run:
        run.log_results(cell, {"top1": 1.0})


def artifacts(uri: str) -> dict[str, list[str]]:
    """The artifacts of each run, as MLflow's client lists them."""
    client = mlflow.MlflowClient(uri)
    known = client.get_experiment_by_name("clip_har")
    assert known is not None
    return {
        str(run.info.run_name): [file.path for file in client.list_artifacts(run.info.run_id)]
        for run in client.search_runs([known.experiment_id])
    }


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The place at which a results folder was made; it was moved to ``kept`` beside it."""
    folder = tmp_path_factory.mktemp("sent") / "old place" / "results"
    send(folder, "a")
    shutil.move(folder, folder.with_name("kept"))
    return folder


@pytest.fixture
def new(former: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Path:
    """The results folder at another place."""
    caplog.set_level(logging.WARNING)
    return Path(shutil.copytree(former.with_name("kept"), tmp_path / "new"))


def test_after_a_move_old_runs_show_theirs_and_new_ones_are_kept_there(
    former: Path, new: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert artifacts(default_uri(new)) == {"a": []}, "what MLflow does alone"
    send(new, "b")
    assert artifacts(default_uri(new)) == {"a": ["metrics.json"], "b": ["metrics.json"]}
    assert not former.exists(), "the old folder is not made again"
    (line,) = [line for line in caplog.messages if "was moved" in line]
    assert f"from {former} to {new}" in line
    caplog.clear()
    send(new, "c")
    assert not [line for line in caplog.messages if "was moved" in line]


def test_a_run_from_before_the_move_is_still_updated(new: Path) -> None:
    tracking = MLflowTracking()
    tracking.update(new, "a", new / "cells" / "a", {"top1": 0.5}, tags={})
    client = mlflow.MlflowClient(default_uri(new))
    (run,) = client.search_runs(["1"])
    assert run.data.metrics["top1"] == 0.5


def test_a_copy_keeps_its_own_artifacts(new: Path) -> None:
    copy = new.with_name("copy")
    follow_move(new / "mlflow.db", new)
    shutil.copytree(new, copy)
    send(copy, "b")
    assert artifacts(default_uri(copy)) == {"a": ["metrics.json"], "b": ["metrics.json"]}
    assert artifacts(default_uri(new)) == {"a": ["metrics.json"]}
    shutil.rmtree(new)
    assert artifacts(default_uri(copy))["a"] == ["metrics.json"]


def test_another_name_of_the_same_folder_is_no_move(new: Path) -> None:
    follow_move(new / "mlflow.db", new)
    link = new.with_name("link")
    link.symlink_to(new)
    before = (new / "mlflow.db").read_bytes()
    follow_move(link / "mlflow.db", link)
    assert (new / "mlflow.db").read_bytes() == before


@pytest.mark.slow
def test_a_store_that_several_results_folders_share_is_left_alone(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'shared.db'}"
    one, other = tmp_path / "one", tmp_path / "other"
    send(one, "a", uri)
    send(other, "b", uri)
    assert artifacts(uri) == {"a": ["metrics.json"], "b": ["metrics.json"]}
    one.rename(tmp_path / "moved")
    send(tmp_path / "moved", "c", uri)
    assert artifacts(uri)["a"] == ["metrics.json"]
    assert not (one / "mlartifacts" / "a").exists()


@pytest.mark.parametrize(
    "location", ["s3://bucket/x", "file:///data/elsewhere", "mlflow-artifacts:/1", ""]
)
def test_a_place_that_the_user_chose_stays(new: Path, location: str) -> None:
    with sqlite3.connect(new / "mlflow.db") as store:
        store.execute("UPDATE experiments SET artifact_location = ?", (location,))
    store.close()
    follow_move(new / "mlflow.db", new)
    with sqlite3.connect(new / "mlflow.db") as store:
        found = store.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
    store.close()
    assert found == [(location,)]


def test_a_store_with_a_relative_address_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tracking = MLflowTracking(uri="sqlite:///runs.db")
    for _ in range(2):  # the first call makes it
        assert not tracking.has(tmp_path / "results", "a", None)
    assert (tmp_path / "runs.db").is_file()


def test_what_is_no_store_is_left_to_mlflow(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    follow_move(database, tmp_path)
    assert not database.exists()
    database.write_text("no database at all" * 100)
    follow_move(database, tmp_path)
    sqlite3.connect(tmp_path / "empty.db").close()
    follow_move(tmp_path / "empty.db", tmp_path)
