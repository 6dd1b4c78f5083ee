"""The layers contract holds, and an import against the flow breaks it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

LINTER = Path(sys.executable).with_name("lint-imports")
pytestmark = pytest.mark.skipif(not LINTER.exists(), reason="import-linter is not installed")


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINTER, "--no-logo", "--no-cache"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_import_from_a_higher_layer_is_refused(tmp_path):
    shutil.copytree(
        REPOSITORY / "clip_har", tmp_path / "clip_har", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    assert linted(tmp_path).returncode == 0
    for lower, higher in (("core/errors", "cli.app"), ("masking/area", "sweeps.callback")):
        with (tmp_path / "clip_har" / f"{lower}.py").open("a") as file:
            file.write(f"\nimport clip_har.{higher}\n")
    broken = linted(tmp_path)
    assert broken.returncode == 1
    assert "clip_har.core is not allowed to import clip_har.cli" in broken.stdout
    assert "clip_har.masking is not allowed to import clip_har.sweeps" in broken.stdout
