"""What the command imports: each heavy module only where it is used."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.command import prepare_store

_RUN = """
import atexit, json, sys
from clip_har.cli.app import main
atexit.register(lambda: json.dump(sorted(sys.modules), open("modules.json", "w")))
main()
"""
_PREDICT = "clip_har.cli.predict import run as main"
_REPORT = "clip_har.cli.report import main"
_DRAWING = {"matplotlib", "matplotlib.figure"}
_SPARED = _DRAWING | {"sklearn", "statsmodels", "scipy.stats", "transformers.pipelines"}
_HEAVY = _SPARED | {"torch", "transformers", "mlflow", "pandas", "scipy", "pyarrow"}


def imported(folder: Path, *typed: str, run: str = _RUN) -> set[str]:
    """Return the modules that a command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", run, *typed],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads((folder / "modules.json").read_text()))


@pytest.mark.parametrize("start", ["clip_har.cli.app import main", _PREDICT])
def test_help_imports_nothing_heavy(tmp_path, start):
    run = _RUN.replace("clip_har.cli.app import main", start)
    found = imported(tmp_path, "--help", run=run)
    assert "hydra" in found
    assert not found & _HEAVY


@pytest.mark.slow
def test_a_cell_imports_what_it_uses(tmp_path):
    prepare_store(tmp_path)
    found = imported(tmp_path, "dataset.count=20", "limit=4", "frames.count=1", "masking=percent")
    assert {"torch", "transformers.models.clip.modeling_clip", "mlflow"} <= found
    assert not found & _SPARED
    (cell, *_) = (tmp_path / "results" / "cells").glob("*/confusion.png")
    assert cell.with_name("masked_clips.png").is_file()


@pytest.mark.slow
def test_a_report_shows_frames_without_the_modules_of_networks(tmp_path):
    """The card of a cell has what the image processor would say about the frames."""
    small = ("dataset.count=20", "limit=4", "frames.count=1", "masking=percent", "tracking=none")
    imported(tmp_path, "-m", *small)
    (sweep,) = (tmp_path / "results" / "sweeps").iterdir()
    run = _RUN.replace("clip_har.cli.app import main", _REPORT)
    found = imported(tmp_path, str(sweep), "--out", "report", run=run)
    assert "torch" in found
    assert not found & {"torchvision", "torch._dynamo", "transformers.modeling_utils", "mlflow"}
    assert pd.read_parquet(tmp_path / "report" / "clips.parquet")["pictured"].any()
