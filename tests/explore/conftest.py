"""Planted clips in a folder per class, with exact maps, and a page's logic over them."""

from pathlib import Path

import numpy as np
import pytest

from clip_har.explore.answer import Explorer
from tests.data.made import write_video
from tests.planted import CLASSES, planted_frames

EMPTY = "waving/4.mkv"
"""The clip in which nobody is."""


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory, small_clip: Path) -> tuple[str, ...]:
    """Overrides of a small cell, with clips for training."""
    folder = tmp_path_factory.mktemp("explore")
    rows = ["path,split,group"]
    for number in range(2 * len(CLASSES)):
        label = number % len(CLASSES)
        name = f"{CLASSES[label]}/{number}"
        frames, labels = planted_frames(
            label, None if f"{name}.mkv" == EMPTY else label, seed=number
        )
        (folder / "clips" / CLASSES[label]).mkdir(parents=True, exist_ok=True)
        write_video(folder / "clips" / f"{name}.mkv", list(frames), codec="ffv1", pix_fmt="bgr0")
        (folder / "maps" / CLASSES[label]).mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / "maps" / f"{name}.npz", labels=labels)
        rows.append(f"{name}.mkv,test,{number}")
    for number, name in enumerate(CLASSES * 2):
        path = f"{name}/train_{number}.mkv"
        frames, _ = planted_frames(number % len(CLASSES), number % len(CLASSES), seed=100 + number)
        write_video(folder / "clips" / path, list(frames), codec="ffv1", pix_fmt="bgr0")
        rows.append(f"{path},train,t{number}")
    (folder / "splits.csv").write_text("\n".join(rows))
    return (
        "dataset=folder",
        f"dataset.root={folder / 'clips'}",
        f"dataset.split_csv={folder / 'splits.csv'}",
        "dataset.subset=test",
        f"region.maps={folder / 'maps'}",
        "region=annotation",
        f"model.checkpoint={small_clip}",
        "model=clip",
        "frames.count=4",
        f"cache_dir={folder / 'cache'}",
        f"results_dir={folder / 'results'}",
        "attention_clips=0",
    )


@pytest.fixture(scope="session")
def explorer(words: tuple[str, ...]) -> Explorer:
    return Explorer(words)
