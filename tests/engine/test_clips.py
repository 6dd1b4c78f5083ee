"""The clips of a cell, as its model takes them."""

import shutil
from pathlib import Path

import pytest

from clip_har.config.cell import Cell
from clip_har.config.compose import cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.engine.clips import open_frames
from tests.config.test_cell import composed
from tests.data.made import write_video


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a clip of 4 frames and one of 12."""
    folder = tmp_path_factory.mktemp("videos")
    for name, frames in (("short", 4), ("long", 12)):
        (folder / name).mkdir()
        write_video(folder / name / f"{name}.mp4", frames)
    return folder


@pytest.mark.parametrize(
    ("step", "order", "said"),
    [
        (100, "reversed", "frames.order=reversed changes nothing in 2 of 2 clips"),
        (8, "single", "frames.order=single changes nothing in 1 of 2 clips"),
        (2, "reversed", ""),
        (100, "forward", ""),
    ],
)
def test_an_order_that_changes_nothing_is_said(
    step: int, order: str, said: str, videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cell: Cell = cell_from_config(
        composed(
            "dataset=folder", f"dataset.root={videos}", f"cache_dir={tmp_path}",
            "frames.sampler=every", f"frames.step={step}", f"frames.order={order}",
        )
    )  # fmt: skip
    open_frames(cell, cell.dataset.clips())
    assert said in caplog.text
    assert bool(said) == ("changes nothing" in caplog.text)


def test_a_video_that_changes_between_two_cells_is_an_error(videos: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(videos, tmp_path / "videos")
    cell: Cell = cell_from_config(
        composed("dataset=folder", f"dataset.root={folder}", f"cache_dir={tmp_path / 'cache'}")
    )
    clips = cell.dataset.clips()
    first = open_frames(cell, clips)
    (folder / "long" / "long.mp4").touch()
    again = open_frames(cell, clips)  # decoded anew, and the same
    assert again.path != first.path
    write_video(folder / "long" / "long.mp4", 9)
    with pytest.raises(ClipHarError, match="its files changed while this process ran"):
        open_frames(cell, clips)
    assert open_frames(cell, cell.dataset.clips()).digest != first.digest, "looked up anew"
