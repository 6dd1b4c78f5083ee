"""A video in which four people in four scenes come one after the other, and a small model."""

from pathlib import Path

import numpy as np
import pytest

from tests.data.made import write_video
from tests.planted import CLASSES, planted_frames

RATE = 4
"""Frames in a second; each scene lasts two."""


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenes = [planted_frames(number, number, seed=number)[0] for number in range(4)]
    path = tmp_path_factory.mktemp("own") / "day.mkv"
    frames = list(np.concatenate(scenes))
    return write_video(path, frames, codec="ffv1", pix_fmt="bgr0", rate=RATE)


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory, small_clip: Path) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("predict")
    return (
        *("model=clip", f"model.checkpoint={small_clip}", "frames.count=4"),
        *(f"cache_dir={folder / 'cache'}", f"results_dir={folder / 'results'}"),
    )


@pytest.fixture
def classes() -> tuple[str, ...]:
    return CLASSES
