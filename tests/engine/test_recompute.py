"""New numbers stay marked as unsent until a run of the tracking store has them."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pytest

from clip_har.config.measures import MeasureSettings
from clip_har.engine.recompute import send_numbers
from clip_har.results.cell_folder import CellFolder
from clip_har.tracking.mlflow import MLflowTracking
from clip_har.tracking.none import NoTracking
from clip_har.tracking.tracker import RunInfo


def cell(results: Path) -> Any:
    """A cell whose numbers are marked as unsent, as far as sending needs it."""
    folder = results / "cells" / "a"
    folder.mkdir(parents=True, exist_ok=True)
    CellFolder(folder).unsent.touch()
    measures = MeasureSettings(target=("falling", "fallen"))
    return SimpleNamespace(
        folder=folder,
        name="a cell",
        metrics={"top1": 0.5},
        cost={},
        measures=measures,
        pictures={},
    )


def test_numbers_that_reach_no_run_stay_marked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    uri = f"sqlite:///{tmp_path / 'shared.db'}"
    tracking = MLflowTracking(uri=uri)
    made = cell(tmp_path / "results")
    with tracking.run(tmp_path / "results", RunInfo(name="a", fingerprint="a", params={})) as sent:
        sent.log_results(made.folder, {"top1": 0.4, "detect/auroc": 0.9})
    moved = cell(tmp_path / "moved")  # as after a move: the store names the former place
    send_numbers(moved, tracking)
    assert CellFolder(moved.folder).unsent.is_file()
    (line,) = [line for line in caplog.messages if "not sent" in line]
    assert str(tmp_path / "moved") in line
    send_numbers(made, tracking)
    assert not CellFolder(made.folder).unsent.is_file()
    (run,) = mlflow.MlflowClient(uri).search_runs(["1"])
    assert run.data.metrics["top1"] == 0.5
    assert np.isnan(run.data.metrics["detect/auroc"]), "the cell no longer has it"
    assert run.data.tags["measures.target"] == "falling, fallen"


def test_without_tracking_nothing_stays_marked(tmp_path: Path) -> None:
    made = cell(tmp_path)
    send_numbers(made, NoTracking())
    assert not CellFolder(made.folder).unsent.is_file()
