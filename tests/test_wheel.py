"""The wheel holds the configuration and runs from another folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.data.made import write_video


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the built wheel is installed into, away from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*pip, *build, str(REPOSITORY)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    place = ["install", "--no-deps", "--no-index", "--target", str(folder / "site"), str(wheel)]
    subprocess.run([*pip, *place], check=True, capture_output=True)
    return folder


def test_what_is_in_the_wheel(installed: Path) -> None:
    (wheel,) = installed.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    packed = {
        f"clip_har/conf/{path.relative_to(REPOSITORY / 'conf').as_posix()}"
        for path in (REPOSITORY / "conf").rglob("*.yaml")
        if "local" not in path.parts
    }
    assert packed <= names
    assert {"clip_har/py.typed", "clip_har/synthetic/checkpoint/model.safetensors"} <= names
    assert not any("/local/" in name for name in names), "a machine's own settings"
    assert not any(name.startswith("tests/") for name in names)


@pytest.mark.slow
def test_it_runs_from_another_folder(installed: Path, small_clip: Path, tmp_path: Path) -> None:
    for name in ("running", "waving"):
        write_video(tmp_path / "videos" / name / f"{name}.mp4", 8)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "clip_har",
            "-m",
            "dataset=folder",
            "dataset.root=videos",
            f"model.checkpoint={small_clip}",
            "masking=percent,shape",
            "ratio=0.3",
        ],
        cwd=tmp_path,
        # first on the path: neither the checkout nor its editable install may serve
        env=os.environ
        | {"PYTHONPATH": str(installed / "site"), "CLIP_HAR_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2 cells: 2 done, 0 failed" in done.stdout
    where = subprocess.run(
        [sys.executable, "-c", "from clip_har.cli.app import CONFIG_DIR; print(CONFIG_DIR)"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.strip() == str(installed / "site" / "clip_har" / "conf")
