"""Learned noise, end to end: a real sweep in a subprocess, learned once, read back."""

from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow.entities import Run

from clip_har.results.score_table import ScoreTable
from tests.command import run_command
from tests.metrics.made import MEASURED

SMALL = (
    "dataset.count=40", "dataset.train_count=60", "frames.count=2", "batch_size=80",
    "learning.steps=4", "learning.batch=16", "learning.validate_every=2",
    "learning.validation_clips_per_class=2", "clean_twin=false",
)  # fmt: skip
SWEEP = ("-m", "noise=none,universal,class_specific", "masking=none,percent", "ratio=0.3")
FILES = {
    "noise.safetensors", "card.md", "effect.csv", "classes.csv", "loss_curve.csv",
    "loss_curve.png", "noise.png", "clips.png", "variants.json", "stacks.safetensors",
}  # fmt: skip
LEAKY = "oracle (leaks the label)"


def run(folder: Path, *arguments: str, status: int = 0) -> str:
    # One thread: two of them wait for each other where tests run side by side.
    own_cache = {"CLIP_HAR_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    done = run_command(folder, *SMALL, *arguments, environment=own_cache)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Warning" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def children(folder: Path) -> dict[str, Run]:
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'results' / 'mlflow.db'}")
    runs = client.search_runs(["1"])
    return {run.info.run_name: run for run in runs if "mlflow.parentRunId" in run.data.tags}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("noise")
    return folder, run(folder, *SWEEP)


def cell_folder(folder: Path, name: str) -> Path:
    cells = min(folder.glob("results/sweeps/*/cells.csv"))  # of the first sweep
    table = pd.read_csv(cells).set_index("cell")
    return Path(str(table.loc[name, "folder"]))


@pytest.mark.slow
def test_each_noise_is_learned_once(swept: tuple[Path, str]) -> None:
    folder, printed = swept
    # The universal noise is also the control of the other.
    assert printed.count("learning UniversalNoise noise (once") == 1
    assert printed.count("learning ClassSpecificNoise noise (once") == 1
    assert len(list((folder / "cache" / "noise").glob("*/noise.safetensors"))) == 2
    assert not list((folder / "cache" / "noise").glob("*/*.partial"))


@pytest.mark.slow
def test_typed_again_nothing_is_learned_or_run(swept: tuple[Path, str]) -> None:
    printed = run(swept[0], *SWEEP)
    assert "learning" not in printed
    assert printed.count("finished already, not run again") == 6


@pytest.mark.slow
def test_a_cell_holds_the_noise_and_all_that_it_did(swept: tuple[Path, str]) -> None:
    folder = cell_folder(swept[0], "percent r=0.3 noise=class_specific") / "noise"
    assert {path.name for path in folder.iterdir()} >= FILES
    effect = pd.read_csv(folder / "effect.csv")
    against_none = effect[effect["against"] == "none"]
    assert list(dict.fromkeys(against_none["variant"])) == [
        "candidate", "topk", "predicted", "shuffled", "random", "universal", "calibration", LEAKY,
    ]  # fmt: skip
    assert set(effect["measure"]) == set(MEASURED)
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert "training split only: synthetic/train/bias0.9" in card
    assert "leaks the label" in card


@pytest.mark.slow
def test_no_noise_inside_a_cell_is_the_cell_without_noise(swept: tuple[Path, str]) -> None:
    """The twin that every effect is measured against is the noise=none cell, to the bit."""
    plain = ScoreTable.read(cell_folder(swept[0], "percent r=0.3 noise=none") / "scores.parquet")
    for noise in ("universal", "class_specific"):
        folder = cell_folder(swept[0], f"percent r=0.3 noise={noise}")
        twin = ScoreTable.read(folder / "noise" / "scores_none.parquet")
        assert twin.clip_ids == plain.clip_ids
        assert (twin.scores == plain.scores).all()
        assert (ScoreTable.read(folder / "scores.parquet").scores != plain.scores).any()


@pytest.mark.slow
def test_the_numbers_and_curves_are_in_the_store(swept: tuple[Path, str]) -> None:
    runs = children(swept[0])
    found = runs["percent r=0.3 noise=class_specific"]
    metrics = found.data.metrics
    assert metrics["noise/oracle_leaks_the_label/top1"] >= 0
    assert 0 < metrics["noise/largest"] <= 16
    assert 0 <= metrics["noise/named_on_empty"] <= 1
    assert found.data.tags["clip_har.uses_true_label"] == "false"
    client = mlflow.MlflowClient(f"sqlite:///{swept[0] / 'results' / 'mlflow.db'}")
    curve = client.get_metric_history(found.info.run_id, "noise/learning/ranking")
    assert [point.step for point in curve] == [2, 4]


@pytest.mark.slow
def test_the_sweep_prints_the_effects_with_the_leak_marked(swept: tuple[Path, str]) -> None:
    folder, printed = swept
    assert f"class_specific: {LEAKY}" in printed
    effects = min(folder.glob("results/sweeps/*/noise_effects.csv"))
    table = pd.read_csv(effects)
    assert set(table["mask"]) == {"none", "percent r=0.3"}
    assert set(table[table["headline"]]["variant"]) == {"learned", "candidate"}
    assert effects.with_suffix(".png").stat().st_size > 10_000


@pytest.mark.slow
def test_oracle_is_marked_everywhere(swept: tuple[Path, str]) -> None:
    printed = run(swept[0], "noise=class_specific", "noise.protocol=oracle")
    assert "none [uses the true label]: finished" in printed
    client = mlflow.MlflowClient(f"sqlite:///{swept[0] / 'results' / 'mlflow.db'}")
    (oracle,) = client.search_runs(["1"], "tags.`clip_har.uses_true_label` = 'true'")
    assert "learning ClassSpecificNoise" not in printed  # a protocol is no other noise
    artifacts = Path(str(oracle.info.artifact_uri).removeprefix("file://")) / "noise"
    variants = set(pd.read_csv(artifacts / "effect.csv")["variant"])
    assert {LEAKY, "random (leaks the label)", "shuffled (leaks the label)"} <= variants


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["noise=universal", "noise.epsilon=-1"], "noise.epsilon=-1: "),
        (
            ["noise=class_specific", "noise.file=gone.safetensors", "dataset.count=2"],
            "there is no such file",
        ),
        (["noise=universal", "train_masking=[isolation]", "region=none"], "where the subject is"),
    ],
)
def test_what_is_impossible_gives_one_line(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    printed = run(tmp_path, *arguments, status=1)
    (line,) = (line for line in printed.splitlines() if "rendering 2 clips" not in line)
    assert line.startswith("clip-har: error: ")
    assert message in line


@pytest.mark.slow
def test_noise_of_another_size_or_class_set_is_refused(
    swept: tuple[Path, str],
) -> None:
    file = cell_folder(swept[0], "none noise=universal") / "noise" / "noise.safetensors"
    printed = run(
        swept[0], "noise=universal", f"noise.file={file}", "noise.resolution=14", status=1
    )
    assert "expected δ of shape shared (1, 1, 3, 14, 14), got shared (1, 1, 3, 112, 112)" in printed
    printed = run(
        swept[0], "noise=universal", f"noise.file={file}", "noise.epsilon=0.001", status=1
    )
    assert "larger than allowed here by noise.epsilon; it was learned with epsilon=" in printed
    printed = run(swept[0], "noise=universal", f"noise.file={file}")
    assert "learning" not in printed
