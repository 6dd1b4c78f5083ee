"""Numbers are computed again from the tables, without a model, and are those of a fresh run."""

import json
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pytest

import clip_har
from clip_har.cli.report import main
from clip_har.config.measures import MeasureSettings
from clip_har.core.checksum import write_manifest
from clip_har.engine import make_result
from clip_har.engine.numbers import numbers
from clip_har.results.files import METRICS, METRICS_CODE, write_json
from clip_har.results.result import Result
from tests.report.made import table

SMALL = (
    "dataset.count=24", "dataset.train_count=40", "frames.count=1", "dataset.workers=1",
    "region=annotation", "masking=percent", "learning.steps=2", "learning.validate_every=1",
    "learning.batch=8", "learning.validation_clips_per_class=2",
)  # fmt: skip


def made_by_other_code(result: Result) -> dict[str, float]:
    """Change a result as if other code had computed it, and return its true numbers."""
    true: dict[str, float] = json.loads((result.folder / METRICS).read_text())
    write_json(result.folder / METRICS, {**true, "top1": 0.0, "gone": 2.0})
    (result.folder / "confusion.csv").write_text("other")
    for name in ("card.md", "effect.csv"):
        if (path := result.folder / "noise" / name).is_file():
            path.write_text("other")
    write_manifest(result.folder, {METRICS_CODE: "other"})
    return true


def top1_in_store(results: Path, result: Result) -> list[float]:
    client = mlflow.MlflowClient(f"sqlite:///{results / 'mlflow.db'}")
    query = f"tags.`clip_har.fingerprint` = '{result.folder.name}'"
    return [run.data.metrics["top1"] for run in client.search_runs(["1"], query)]


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the model was run")

    monkeypatch.setattr(make_result, "make_result", refuse)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbers") / "results"
    clip_har.evaluate(*SMALL, results_dir=folder)
    return folder


def test_a_reused_cell_gets_the_numbers_of_today(results: Path, no_model: None) -> None:
    before = clip_har.evaluate(*SMALL, results_dir=results)
    assert before.clean is not None
    assert before.attention
    true = made_by_other_code(before)
    assert {"flip_rate", "drift", "attention/mass"} <= true.keys()
    table = (before.folder / "per_class.csv").read_text()
    after = clip_har.evaluate(*SMALL, results_dir=results)
    assert after.metrics == true
    assert list(after.metrics) == list(true)
    assert after.is_up_to_date
    assert (after.folder / "per_class.csv").read_text() == table
    assert (after.folder / "confusion.csv").read_text() != "other"
    assert top1_in_store(results, after) == [true["top1"]]
    assert not list(results.glob("cells/*.unsent"))


def test_the_new_numbers_are_in_the_store(results: Path, no_model: None) -> None:
    cell = clip_har.evaluate(*SMALL, results_dir=results)
    client = mlflow.MlflowClient(f"sqlite:///{results / 'mlflow.db'}")
    query = f"tags.`clip_har.fingerprint` = '{cell.folder.name}'"
    (run,) = client.search_runs(["1"], query)
    client.log_metric(run.info.run_id, "top1", -1.0)
    assert top1_in_store(results, cell) == [-1.0]
    true = made_by_other_code(cell)
    clip_har.evaluate(*SMALL, results_dir=results)
    assert top1_in_store(results, cell) == [true["top1"]]


def test_the_clean_twin_is_brought_up_to_date_too(results: Path, no_model: None) -> None:
    twin = clip_har.evaluate(*SMALL, results_dir=results).clean
    assert twin is not None
    true = made_by_other_code(twin)
    clip_har.evaluate(*SMALL, results_dir=results)
    assert Result(twin.folder).metrics == true


def test_learned_noise_keeps_what_only_its_run_knows(tmp_path: Path) -> None:
    settings = {"results_dir": tmp_path, "noise": "class_specific", "tracking": "none"}
    cell = clip_har.evaluate(*SMALL, **settings)
    files = {
        path: path.read_text()
        for path in (cell.folder / "noise" / name for name in ("card.md", "effect.csv"))
    }
    true = made_by_other_code(cell)
    assert {"noise/steps", "noise/named_on_empty", "noise/candidate/top1"} <= true.keys()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_result, "make_result", None)
        assert clip_har.evaluate(*SMALL, **settings).metrics == true
    assert {path: path.read_text() for path in files} == files


@pytest.mark.slow
def test_the_report_brings_a_sweep_up_to_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = clip_har.sweep(*SMALL, "ratio=0.1,0.3", results_dir=tmp_path, tracking="none")
    cells = [*table["result"], table["result"][0].clean]
    true = {cell.folder: made_by_other_code(cell) for cell in cells}
    main(["--results-dir", str(tmp_path)])
    assert Result(cells[0].folder).metrics["top1"] == 0
    main(["--results-dir", str(tmp_path), "--recompute"])
    capsys.readouterr()
    assert {folder: Result(folder).metrics for folder in true} == true
    again = clip_har.load_results(next((tmp_path / "sweeps").iterdir()))
    assert (again["top1"] == table["top1"]).all()


def test_the_tables_and_the_run_of_a_sweep_are_brought_up_to_date(tmp_path: Path) -> None:
    clip_har.sweep(*SMALL, "ratio=0.1,0.3", results_dir=tmp_path)
    (sweep,) = (tmp_path / "sweeps").iterdir()
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (run,) = client.search_runs(["1"], "tags.`clip_har.kind` = 'sweep'")
    name = "robustness/area"
    true = run.data.metrics[name]
    names = ("measures.csv", "cells.csv", "accuracy_over_ratio.png")
    files = {sweep / name: (sweep / name).read_bytes() for name in names}
    for path in files:
        path.write_text("other")
    (sweep / "noise_effects.csv").write_text("of a measure that is no longer there")
    client.log_metric(run.info.run_id, name, -1.0)
    client.set_tag(run.info.run_id, "mlflow.note.content", "other")
    main(["--results-dir", str(tmp_path), "--recompute"])
    assert {path: path.read_bytes() for path in files} == files
    assert not (sweep / "noise_effects.csv").exists()
    run = client.get_run(run.info.run_id)
    assert run.data.metrics[name] == true
    assert run.data.tags["mlflow.note.content"].startswith("# ")
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize("shown", ["evaluated", "reference", "both"])
def test_an_event_that_no_clip_shows_is_said(shown: str, caplog: pytest.LogCaptureFixture) -> None:
    """The labels of the made clips are 0 to 7: without class 0 they are 1 to 7."""
    some, other = table(0.9), table(0.9, seed=7)
    moved = [replace(one, labels=np.maximum(one.labels, 1)) for one in (some, other)]
    settings = MeasureSettings(target=("class 0",), reference="val")
    numbers(
        some if shown != "reference" else moved[0],
        None,
        {},
        failed=0,
        reference=other if shown != "evaluated" else moved[1],
        settings=settings,
    )
    assert ("no evaluated clip is an event" in caplog.text) == (shown == "reference")
    assert ("no clip of the reference is an event" in caplog.text) == (shown == "evaluated")
