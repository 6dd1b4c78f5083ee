"""The MLflow store: deleted experiments, names from the environment, runs of killed workers."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from clip_har.config.session import session
from clip_har.core.errors import ClipHarError
from clip_har.tracking.mlflow import MLflowTracking, default_uri
from clip_har.tracking.tracker import SweepInfo, SweepStatus, SweepSummary


def test_a_deleted_experiment_is_named_with_the_command_that_restores_it(tmp_path: Path) -> None:
    tracking = MLflowTracking(experiment="old study")
    assert not tracking.has(tmp_path, "0" * 32, None)
    client = MlflowClient(tracking_uri=default_uri(tmp_path))
    found = client.get_experiment_by_name("old study")
    assert found is not None
    client.delete_experiment(found.experiment_id)
    with pytest.raises(ClipHarError) as error:
        tracking.open_sweep(tmp_path, SweepInfo("s", "k"), fresh=False)
    message = str(error.value)
    assert message.startswith("tracking.experiment=old study: ")
    assert f"mlflow experiments restore --experiment-id {found.experiment_id}" in message
    assert "check the address" not in message
    client.restore_experiment(found.experiment_id)
    assert tracking.open_sweep(tmp_path, SweepInfo("s", "k"), fresh=False)


def test_a_run_that_was_found_in_a_sweep_is_not_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking = MLflowTracking()
    parent = tracking.open_sweep(tmp_path, SweepInfo("s", "k"), fresh=False)
    client = MlflowClient(tracking_uri=default_uri(tmp_path))
    cell, other = "a" * 32, "b" * 32
    assert not tracking.has(tmp_path, cell, parent)
    tags = {"mlflow.parentRunId": parent, "clip_har.fingerprint": cell, "clip_har.kind": "cell"}
    experiment = client.get_run(parent).info.experiment_id
    run = client.create_run(experiment, tags=tags).info.run_id
    assert not tracking.has(tmp_path, cell, parent), "it has not ended"
    client.set_terminated(run, "FINISHED")
    assert tracking.has(tmp_path, cell, parent)
    assert not tracking.has(tmp_path, other, parent)
    assert not tracking.has(tmp_path, cell, "another")
    assert tracking.has(tmp_path, cell, None)
    monkeypatch.setattr(MlflowClient, "search_runs", None)
    assert tracking.has(tmp_path, cell, parent)


@pytest.mark.parametrize(("status", "child"), [("KILLED", "KILLED"), ("FINISHED", "RUNNING")])
def test_a_stopped_sweep_ends_the_runs_that_killed_workers_left(
    tmp_path: Path, status: SweepStatus, child: str
) -> None:
    tracking = MLflowTracking()
    parent = tracking.open_sweep(tmp_path, SweepInfo("s", "k"), fresh=False)
    client = MlflowClient(tracking_uri=default_uri(tmp_path))
    experiment = client.get_run(parent).info.experiment_id
    left = client.create_run(experiment, tags={"mlflow.parentRunId": parent}).info.run_id
    other = client.create_run(experiment, tags={"mlflow.parentRunId": "another"}).info.run_id
    tracking.close_sweep(tmp_path, parent, SweepSummary(), status=status)
    assert client.get_run(left).info.status == child
    assert client.get_run(other).info.status == "RUNNING"
    assert client.get_run(parent).info.status == status


@pytest.mark.parametrize(
    ("environment", "overrides", "expected"),
    [
        (None, [], "clip_har"),
        ("", [], "clip_har"),
        ("mine", [], "mine"),
        ("mine", ["tracking.experiment=typed"], "typed"),
    ],
)
def test_the_experiment_of_the_environment_counts_unless_one_is_typed(
    monkeypatch, environment, overrides, expected
) -> None:
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    if environment is not None:
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", environment)
    with session() as composer:
        found = composer.compose(overrides).tracking.experiment
    assert MLflowTracking(experiment=found).experiment == expected


def test_a_login_in_a_configuration_file_is_refused_without_showing_it() -> None:
    with pytest.raises(ClipHarError, match="MLFLOW_TRACKING_URI") as error:
        MLflowTracking(uri="http://me:a s3cret@server").check()
    assert "s3cret" not in str(error.value)
    MLflowTracking(uri="http://server").check()


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        (None, "clip-har-ui '/my results'"),
        ("http://me:s3cret@server:5000", "http://server:5000"),
        (
            "postgresql://me:s3cret@server/runs",
            "clip-har-ui --uri postgresql://server/runs",
        ),
    ],
)
def test_what_shows_the_runs(uri: str | None, shown: str) -> None:
    assert MLflowTracking(uri=uri).ui(Path("/my results")) == shown
