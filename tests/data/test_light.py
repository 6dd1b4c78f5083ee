"""Settings are imported before any work: they must not bring the heavy libraries along."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "sources.ucf101",
        "sources.hmdb51",
        "sources.folder",
        "sources.manifest",
        "sampling",
        "frames.store",
    ],
)
def test_modules_import_nothing_heavy(name):
    code = (
        f"import sys, clip_har.data.{name}\n"
        "print(sorted({'torch', 'torchvision', 'pandas', 'pyarrow', 'av'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.stdout.strip() == "[]"
