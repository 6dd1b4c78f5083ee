"""Small cells of planted videos, evaluated with learned noise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clip_har.engine.evaluate import Evaluation, evaluate
from tests.data.made import write_video
from tests.noise.cells import cell_of
from tests.planted import CLASSES, planted_frames


@pytest.fixture(scope="module")
def cell_options(small_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A table of planted videos: 15 to learn from, in 3 groups; 5 to evaluate, in 2."""
    folder = tmp_path_factory.mktemp("cell")
    lines = ["path,label,group,split"]
    for number in range(20):
        frames, _ = planted_frames(number % 5, number % 5, seed=number)
        write_video(folder / f"{number}.mkv", list(frames), codec="ffv1", pix_fmt="bgr0")
        part = "train" if number < 15 else "test"
        lines.append(f"{number}.mkv,{CLASSES[number % 5]},g{number // 5 + (number > 17)},{part}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [
        "dataset=manifest",
        f"dataset.path={folder / 'clips.csv'}",
        "dataset.subset=test",
        "model=clip",
        f"model.checkpoint={small_clip}",
        "frames.count=2",
        "learning.steps=2",
        "learning.batch=10",
        "learning.validate_every=1",
        "cache_dir=" + str(folder / "cache"),
    ]


Evaluated = Callable[..., tuple[Any, Evaluation, Any]]


@pytest.fixture
def evaluated(cell_options: list[str]) -> Evaluated:
    def found(*more: str) -> tuple[Any, Evaluation, Any]:
        cell = cell_of(*cell_options, *more)
        result = evaluate(cell, cell.dataset.clips())
        return result.table, result, cell

    return found
