"""A masked cell is compared with the same clips whole: the twin is run first, once, for all."""

import re
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow.entities import Run

from clip_har.metrics.robustness import robustness
from clip_har.report.page import PAGE
from clip_har.results.files import METRICS, SCORES
from clip_har.results.result import Result
from clip_har.results.score_table import ScoreTable
from clip_har.results.sweep import read_outcomes
from clip_har.sweeps.table import SETTINGS
from tests.command import run_command

SMALL = ("dataset.count=40", "frames.count=2", "batch_size=64")
SWEEP = ("-m", "masking=percent,shape", "ratio=0.3,0.5")
TWIN = "none (clean twin)"


def run(folder: Path, *arguments: str) -> str:
    done = run_command(folder, *SMALL, *arguments, environment={"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stderr, done.stderr
    return done.stderr + done.stdout


def runs(folder: Path) -> list[Run]:
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'results' / 'mlflow.db'}")
    return list(client.search_runs(["1"], order_by=["start_time ASC"]))


def cells(folder: Path) -> list[Path]:
    return [path for path in (folder / "results" / "cells").iterdir() if path.is_dir()]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("twin")
    return folder, run(folder, *SWEEP)


def test_the_twin_is_run_first_and_once(swept):
    folder, printed = swept
    assert printed.count(f"{TWIN}: running") == 1
    assert printed.index(f"{TWIN}: running") < printed.index("percent r=0.3: running")
    assert len(cells(folder)) == 5
    parent, first, *_ = runs(folder)
    assert first.info.run_name == TWIN
    assert first.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert (first.data.params["masking"], first.data.params["noise"]) == ("none", "none")
    assert "masking.patch" not in first.data.params


def test_every_masked_cell_is_compared_with_it(swept):
    folder, _ = swept
    twin = next(path for path in cells(folder) if "flip_rate" not in Result(path).metrics)
    clean = ScoreTable.read(twin / SCORES)
    assert Result(twin).metrics["mask/realised_ratio"] == 0
    others = [path for path in cells(folder) if path != twin]
    for path in others:
        expected = robustness(ScoreTable.read(path / SCORES), clean)
        found = Result(path).metrics
        assert {name: found[name] for name in expected} == pytest.approx(expected)
        assert f'"clean_twin": "{twin.name}"' in (path / "protocol.json").read_text()


def test_drift_is_from_the_twins_embeddings_which_it_alone_keeps(swept):
    folder, _ = swept
    drifts = []
    for path in cells(folder):
        table, found = ScoreTable.read(path / SCORES), Result(path).metrics
        assert (table.embeddings is None) == ("drift" in found)
        if table.drift is not None:
            drifts.append((round(found["mask/realised_ratio"], 2), found["drift"]))
            assert found["drift"] == pytest.approx(table.drift.mean())
    assert len(drifts) == 4
    percent, shape, more_percent, more_shape = (drift for _, drift in sorted(drifts))
    assert 0 < percent < more_percent
    assert 0 < shape < more_shape


def test_every_cell_holds_its_costs(swept):
    folder, _ = swept
    for path in cells(folder):
        cost = Result(path).cost
        parts = [cost[f"cost/{part}_seconds"] for part in ("load", "decode", "mask", "model")]
        assert all(seconds > 0 for seconds in parts)
        everything = [cost[name] for name in cost if name.endswith("_seconds")]
        assert cost["cost/seconds"] == pytest.approx(sum(everything))
        speed = 40 / (cost["cost/mask_seconds"] + cost["cost/model_seconds"])
        assert cost["cost/clips_per_second"] == pytest.approx(speed)
        assert cost["cost/frames_per_second"] == pytest.approx(2 * speed)
        assert 100 < cost["cost/peak_memory_mb"] < 10_000
    for run_of in runs(folder)[1:]:
        assert run_of.data.metrics["cost/frames_per_second"] > 0


def test_the_twin_is_the_cell_without_a_mask(swept):
    printed = run(swept[0], "masking=none", "ratio=0.4")
    assert "ratio=0.4 has no effect: masking=none hides nothing" in printed
    assert "finished already" in printed
    assert len(cells(swept[0])) == 5
    again = run(swept[0], *SWEEP)
    assert "running" not in again


def test_a_cell_that_was_not_compared_is_run_again_where_it_shall_be(tmp_path):
    printed = run(tmp_path, "masking=percent", "clean_twin=false")
    assert TWIN not in printed
    (only,) = cells(tmp_path)
    assert "flip_rate" not in Result(only).metrics
    printed = run(tmp_path, "masking=percent")
    assert f"{TWIN}: running" in printed
    assert "flip_rate" in Result(only).metrics
    assert len(cells(tmp_path)) == 2
    assert "running" not in run(tmp_path, "masking=percent", "clean_twin=false")


def test_the_terminal_shows_the_clean_accuracy_and_the_time_of_the_twin_apart(swept):
    folder, printed = swept
    twin = next(path for path in cells(folder) if "flip_rate" not in Result(path).metrics)
    top1 = f"{Result(twin).metrics['top1']:.4f}"
    header, *lines = printed[printed.index("cell ") :].splitlines()[:5]
    assert header.split()[:4] == ["cell", "state", "top1", "top1_clean"]
    assert [line.split()[4] for line in lines] == [top1] * 4
    sweep = min((folder / "results" / "sweeps").iterdir())  # other tests sweep here, too
    outcomes = read_outcomes(sweep).values()
    first, *rest = (outcome.twin_seconds for outcome in outcomes)
    assert first > Result(twin).cost["cost/seconds"] > max(rest)
    # The line is there from one second on; a quick machine needs less.
    said = re.search(r"clean twins: (\S+) seconds, which are not in the table", printed)
    seconds = first + sum(rest)
    assert seconds < 1.001 if said is None else float(said[1]) == pytest.approx(seconds, abs=0.051)
    again = run(folder, "masking=percent", "ratio=0.5")
    assert f"  top1_clean {top1}  " in again


def test_a_sweep_ends_by_naming_its_report(swept):
    folder, printed = swept
    page = min(folder.glob(f"results/sweeps/*/report/{PAGE}"))  # of the first sweep
    assert f"{'MLflow':<20} clip-har-ui {folder / 'results'}" in printed
    assert printed.strip().splitlines()[-1] == f"{'report':<20} {page}"
    rows = pd.read_csv(page.parents[1] / "cells.csv")
    assert rows["cell"].tolist() == [
        "percent r=0.3", "percent r=0.5", "shape r=0.3", "shape r=0.5",
    ]  # fmt: skip
    assert list(rows)[:13] == ["cell", "mask", "ratio", *SETTINGS, "model", "data", "seed"]
    assert rows["data"].str.startswith("synthetic/test").all()
    assert rows["seed"].tolist() == [0] * 4
    for name in ("top1", "top1_low", "top1_high", "top1_clean", "top1_change", "top1_change_low"):
        assert rows[name].notna().all()
    assert rows["folder"].map(Path).map(Path.is_dir).all()
    assert rows["command"].str.contains("python -m clip_har dataset.count=40").all()


def test_the_parent_run_has_the_report_and_its_summary(swept):
    parent = runs(swept[0])[0]
    note = parent.data.tags["mlflow.note.content"]
    assert note.startswith("# How much accuracy does the model lose")
    assert "| shape r=0.5 |" in note
    place = Path(str(parent.info.artifact_uri).removeprefix("file://"))
    assert (place / PAGE).is_file()


def test_metrics_are_finite_and_named_for_mlflow(swept):
    for path in cells(swept[0]):
        for name in Result(path).metrics:
            assert all(part.isalnum() for part in name.replace("/", "").replace("_", "")), name
        assert (path / METRICS).is_file()


def test_a_twin_that_failed_and_is_left_alone_costs_no_other_cell(swept, tmp_path):
    keys = {path.name for path in cells(swept[0]) if "flip_rate" not in Result(path).metrics}
    (key,) = keys
    place = tmp_path / "results" / "cells"
    place.mkdir(parents=True)
    (place / f"{key}.failed").write_text("no disk")
    printed = run(tmp_path, "masking=percent", "overwrite=never")
    assert "none (clean twin): failed before, not run again" in printed
    (only,) = cells(tmp_path)
    assert "flip_rate" not in Result(only).metrics


def test_a_twin_that_was_there_is_under_the_new_sweep_too_and_nothing_is_sent_twice(tmp_path):
    run(tmp_path, "masking=percent", "ratio=0.3")
    for _ in range(2):
        run(tmp_path, "-m", "masking=percent", "ratio=0.3,0.5")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'results' / 'mlflow.db'}")
    (parent,) = (one for one in runs(tmp_path) if one.data.tags["clip_har.kind"] == "sweep")
    assert parent.info.run_name == (
        "masking=percent ratio=0.3,0.5 · tiny on synthetic/test/bias0.9, uniform 2, single"
    ) or parent.info.run_name.startswith("ratio=0.3,0.5 · tiny on synthetic/test")
    assert {key: parent.data.params[key] for key in ("model", "dataset", "swept.ratio")} == {
        "model": "tiny", "dataset": "synthetic", "swept.ratio": "0.3, 0.5",
    }  # fmt: skip
    own = {"mlflow.parentRunId": parent.info.run_id}.items()
    children = [one for one in runs(tmp_path) if own <= one.data.tags.items()]
    assert [one.info.run_name for one in children] == [TWIN, "percent r=0.3", "percent r=0.5"]
    assert [one.data.params.get("ratio") for one in children] == [None, "0.3", "0.5"]
    curve = client.get_metric_history(parent.info.run_id, "top1_over_ratio/percent")
    top1 = [one.data.metrics["top1"] for one in children]
    assert [(one.step, one.value) for one in curve] == list(zip((0, 30, 50), top1, strict=True))
    for one in [parent, *children]:
        files = [file.path for file in client.list_artifacts(one.info.run_id, "images")]
        assert len(files) == 4, "two pictures, each whole and small"
        for name in one.data.metrics:
            steps = [point.step for point in client.get_metric_history(one.info.run_id, name)]
            assert len(steps) == len(set(steps)), name
    assert "top1_change_low" in children[1].data.metrics
