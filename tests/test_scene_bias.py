"""The studies of where targets are, as a user runs them: real clips on disk, a real store."""

from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow.entities import Run

from clip_har.results.files import SCORES
from clip_har.results.score_table import ScoreTable
from tests.command import run_command

SMALL = ("dataset.count=40", "frames.count=2", "batch_size=64", "clean_twin=false")
PARTS = ["none", "background_only", "person_only", "swap", "swap_frozen"]
MEASURES = {
    "scene/clean", "scene/background_only", "scene/background_ratio", "scene/person_only",
    "scene/swap_accuracy", "scene/swap_error", "scene/errors_to_scene", "scene/contrasted_accuracy",
    "scene/essential_cue", "scene/subject_reliance",
}  # fmt: skip

REGRESSION = {"regression/picture_hidden", "regression/subject_hidden"}


def run(folder: Path, *arguments: str) -> str:
    done = run_command(folder, *SMALL, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stderr, done.stderr
    return done.stdout


def read_runs(folder: Path) -> tuple[Run, list[Run]]:
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'results' / 'mlflow.db'}")
    runs = list(client.search_runs(["1"], order_by=["start_time ASC"]))
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    return parent, [run for run in runs if "mlflow.parentRunId" in run.data.tags]


def artifacts(run: Run) -> Path:
    return Path(str(run.info.artifact_uri).removeprefix("file://"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("study")
    return folder, run(folder, "experiment=scene_bias", "region=annotation")


def test_the_study_logs_every_measure_on_its_run(study: tuple[Path, str]) -> None:
    folder, printed = study
    parent, children = read_runs(folder)
    assert [child.info.run_name for child in children] == PARTS
    assert set(parent.data.metrics) == MEASURES | REGRESSION
    assert all(name in printed for name in MEASURES)
    for file, names in (("measures.csv", MEASURES), ("regression.csv", REGRESSION)):
        rows = pd.read_csv(artifacts(parent) / file).set_index("measure")
        for name in names:
            assert rows.loc[name, "value"] == pytest.approx(parent.data.metrics[name])
    top1 = {child.info.run_name: child.data.metrics["top1"] for child in children}
    assert parent.data.metrics["scene/swap_accuracy"] == pytest.approx(top1["swap"])
    assert parent.data.metrics["scene/background_only"] == pytest.approx(top1["background_only"])


def test_each_part_says_what_was_hidden(study: tuple[Path, str]) -> None:
    _, children = read_runs(study[0])
    numbers = {child.info.run_name: child.data.metrics for child in children}
    assert numbers["background_only"]["mask/subject_hidden"] == pytest.approx(1)
    assert numbers["person_only"]["mask/subject_hidden"] == pytest.approx(0, abs=0.01)
    assert numbers["none"]["mask/subject_hidden"] == 0
    assert "mask/nothing_found" not in numbers.pop("none")
    assert all(found["mask/nothing_found"] == 0 for found in numbers.values())


def test_the_pairs_are_saved_and_are_those_of_the_table(study: tuple[Path, str]) -> None:
    _, children = read_runs(study[0])
    saved = []
    for child in children[3:]:
        pairs = pd.read_csv(artifacts(child) / "scene_pairs.csv")
        table = ScoreTable.read(artifacts(child) / SCORES)
        assert pairs["clip_id"].tolist() == list(table.clip_ids)
        scenes = [table.class_names[label] for label in table.scene_labels]
        assert pairs["scene_class"].tolist() == scenes
        assert (pairs["class"] != pairs["scene_class"]).all()
        saved.append(pairs)
    moving, frozen = saved
    pd.testing.assert_frame_equal(moving, frozen)


def test_typed_again_it_runs_nothing_and_tells_the_same(study: tuple[Path, str]) -> None:
    folder, printed = study
    again = run(folder, "experiment=scene_bias", "region=annotation")
    assert again.count("reused") == 5
    message = [line for line in printed.splitlines() if line.startswith("scene/")]
    assert message == [line for line in again.splitlines() if line.startswith("scene/")]


@pytest.mark.slow
def test_one_mask_under_several_fills(tmp_path: Path) -> None:
    printed = run(
        tmp_path, "experiment=fill_control", "masking=feature", "region=annotation",
        "ratio=null", "masking.fill=black,surround",
    )  # fmt: skip
    parent, children = read_runs(tmp_path)
    assert {child.data.params["masking"] for child in children} == {"feature"}
    assert {child.data.params["masking.fill"] for child in children} == {"black", "surround"}
    top1 = [child.data.metrics["top1"] for child in children]
    assert parent.data.metrics == {"robustness/fill_spread": pytest.approx(max(top1) - min(top1))}
    assert "robustness/fill_spread" in printed


@pytest.mark.slow
def test_a_silhouette_is_marked(tmp_path: Path) -> None:
    printed = run(
        tmp_path, "-m", "masking=feature", "region=annotation", "ratio=null",
        "masking.hole=exact,box",
    )  # fmt: skip
    _, children = read_runs(tmp_path)
    names = [child.info.run_name for child in children]
    assert names == ["feature hole=exact [silhouette control]", "feature hole=box"]
    assert "[silhouette control]" in printed


def test_what_leaks_the_label_is_marked(tmp_path: Path) -> None:
    printed = run(
        tmp_path, "-m", "masking=isolation", "region=relevance", "ratio=0.5",
        "region.attribution=label,predicted",
    )  # fmt: skip
    _, (leaking, clean) = read_runs(tmp_path)
    assert leaking.info.run_name.endswith("[uses the true label]")
    assert leaking.data.tags["clip_har.uses_true_label"] == "true"
    assert clean.data.tags["clip_har.uses_true_label"] == "false"
    assert printed.count("[uses the true label]") == 1
    card = (artifacts(leaking) / "protocol.json").read_text()
    assert '"uses_true_label_at_test_time": true' in card
