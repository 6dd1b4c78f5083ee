"""Masked sweeps over the data sets of falls and surgery, as a user types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import run_command
from tests.data.sources.healthcare import drawn, lay_cholec80, lay_jigsaws, lay_omnifall

LAYOUTS: dict[str, Callable[[Path, Path], Path]] = {
    "omnifall": lay_omnifall,
    "cholec80": lay_cholec80,
    "jigsaws": lay_jigsaws,
}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("drawn") / "drawn.mp4")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings", "clips"),
    [
        ("omnifall", ["dataset.part=wild", "dataset.setting=staged"], 3),
        ("cholec80", ["limit=6", "dataset.allow_missing=true"], 6),
        ("jigsaws", ["dataset.held_out=2", "dataset.subset=test"], 2),
    ],
)
def test_a_masked_sweep(
    name: str, settings: list[str], clips: int, tmp_path: Path, video: Path
) -> None:
    LAYOUTS[name](tmp_path / "set", video)
    less = ["frames.count=2", "attention_clips=0", "tracking=none", "clean_twin=false"]
    done = run_command(
        tmp_path,
        "-m",
        f"dataset={name}",
        "dataset.root=set",
        "masking=percent,shape",
        *settings,
        *less,
    )
    assert done.returncode == 0, done.stderr
    cells = [json.loads(path.read_text()) for path in tmp_path.glob("results/cells/*/metrics.json")]
    assert [cell["data/clips"] for cell in cells] == [clips, clips]
    assert all(cell["mask/realised_ratio"] > 0 for cell in cells)
