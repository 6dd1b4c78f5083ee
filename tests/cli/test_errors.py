"""The command's answers to bad input: one clear line, non-zero status, nothing half-written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import run_command
from tests.data.made import write_video


def fault(folder: Path, *arguments: str) -> str:
    """Return the one line that a command ends with."""
    done = run_command(folder, *arguments, with_store=False)
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("clip-har: error: ")
    assert list(folder.iterdir()) == [], "a command that was refused must leave nothing"
    return lines[0].removeprefix("clip-har: error: ")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["masking=shapes"],
            "masking=shapes: no such option; did you mean masking=shape? expected one of away, ba",
        ),
        (["rato=0.3"], "rato: there is no such key; did you mean ratio?"),
        (["masking=percent", "masking.patchh=3"], "masking.patchh: there is no such key; "),
        (["dataset.limit=5"], "dataset.limit: there is no such key; did you mean limit?"),
        (
            ["masking=percent", "masking.seed=3"],
            "masking.seed: there is no such key; did you mean seed?",
        ),
        (["sampler=fps"], "sampler: there is no such key; did you mean frames.sampler?"),
        (["patch=3"], "patch: there is no such key; did you mean masking.patch (masking=percent)?"),
        (["ratio=many"], "ratio=many: value 'many' of type 'str' could not be converted to Float"),
        (["ratio=1.5"], "ratio=1.5: input should be less than or equal to 1"),
        (["dataset=ucf101", "dataset.root=nowhere"], "nowhere"),
        (
            ["dataset.root=nowhere"],
            "dataset.root: there is no such key; it is a key of dataset=cholec80, folder, ",
        ),
        (
            ["dataset=ntu60", "dataset.splits={mine: {test: rest}}"],
            "dataset.splits.mine: dataset.splits has no such entry; add it with +dataset.splits.mi",
        ),
        (["experiment=paper/maskin"], "experiment=paper/maskin: no such option"),
    ],
)
@pytest.mark.parametrize("sweep", [[], ["-m"]], ids=["one cell", "sweep"])
def test_one_line(tmp_path: Path, sweep: list[str], arguments: list[str], expected: str) -> None:
    assert expected in fault(tmp_path, *sweep, *arguments)


@pytest.mark.parametrize("sweep", [[], ["-m", "seed=0,1"]], ids=["one cell", "sweep"])
def test_a_single_class_is_a_warning(tmp_path: Path, small_clip: Path, sweep: list[str]) -> None:
    for number in range(2):
        write_video(tmp_path / "videos" / "waving" / f"{number}.mp4", 4)
    data = ["dataset=folder", f"dataset.root={tmp_path / 'videos'}", "frames.count=1"]
    model = ["model=clip", f"model.checkpoint={small_clip}", "tracking=none"]
    done = run_command(tmp_path, *sweep, *data, *model)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if "has only one class, waving" in line)
    assert line.endswith(
        "every prediction is right, whatever the model sees; no accuracy measures recognition"
    )


def test_slurm_off_a_cluster_is_refused_before_the_first_cell(tmp_path: Path) -> None:
    line = fault(tmp_path, "-m", "masking=percent", "ratio=0.1,0.3", "hydra/launcher=slurm")
    assert line.startswith("hydra/launcher=slurm: srun was not found: ")


def test_a_sweeper_that_chooses_values_is_refused(tmp_path: Path) -> None:
    line = fault(tmp_path, "-m", "ratio=interval(0.1,0.3)", "hydra/sweeper=optuna")
    assert line.startswith("hydra/sweeper=optuna: all cells of a sweep are checked before ")


def test_several_values_are_a_sweep(tmp_path: Path) -> None:
    message = fault(tmp_path, "masking=shape", "ratio=0.1,0.3")
    assert message.startswith("ratio=0.1,0.3: several values make a sweep: add -m")


def test_no_hint_names_what_is_no_setting(tmp_path: Path) -> None:
    assert "_target_" not in fault(tmp_path, "masking=percent", "masking.place=away")


def test_a_wrong_cell_stops_the_sweep_before_the_first(tmp_path: Path) -> None:
    line = fault(tmp_path, "-m", "masking=percent,shape", "ratio=0.1,1.5")
    assert line.startswith("ratio=1.5: ")


def test_full_error_shows_the_traceback(tmp_path: Path) -> None:
    done = run_command(tmp_path, "ratio=1.5", environment={"HYDRA_FULL_ERROR": "1"})
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("clip-har: error: ratio=1.5: ")


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['clip-har', '--help'];"
        "from clip_har.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print({'torch', 'mlflow', 'transformers', 'av'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "set()"
    assert "masking=shape,percent" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes as a name")
def test_a_folder_that_is_no_text_is_named(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/l\xe4uft"))
    folder.mkdir()
    done = run_command(folder, "limit=2", with_store=False)
    assert done.returncode == 1
    assert r"l\xe4uft" in done.stderr.splitlines()[-1]
    assert "rename that folder" in done.stderr.splitlines()[-1]
