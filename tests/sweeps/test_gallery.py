"""What a gallery shows of its cells, and the words of its rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_har.config.cell import Cell
from clip_har.data.frames.store import FrameStore
from clip_har.figures.gallery import GalleryRow, Tile, mask_gallery
from clip_har.sweeps.gallery import gallery_rows, on_same_clips, row_label
from tests.noise.cells import cell_of
from tests.planted import SIDE, open_planted, planted_clips


@pytest.mark.parametrize(
    ("overrides", "label"),
    [
        (["region=annotation", "masking=feature", "masking.hole=exact"], "hide subject (exact)"),
        (["region=annotation", "masking=isolation"], "keep subject (exact)"),
        (["region=motion", "masking=isolation"], "keep subject (outline), estimated"),
        (["region=person", "masking=feature"], "hide subject (box), estimated"),
        (["region=motion", "masking=swap"], "swap scene of subject, estimated"),
        (["region=motion", "masking=percent"], "percent 16 px"),
        (["masking=percent", "noise=gaussian"], "percent 16 px + gaussian noise"),
        (["noise=universal"], "none"),
    ],
)
def test_only_maps_of_the_data_are_called_exact(overrides: list[str], label: str) -> None:
    cell = cell_of(*overrides)
    assert row_label(cell, [cell]) == label


def test_noise_of_one_kind_is_told_apart() -> None:
    cells = [cell_of("noise=gaussian", f"noise.std={std}") for std in (8, 16)]
    labels = [row_label(cell, cells) for cell in cells]
    assert labels == ["none + gaussian noise std 8.0", "none + gaussian noise std 16.0"]


def test_cells_of_other_clips_or_frames_are_not_shown_beside() -> None:
    first, same = cell_of("masking=percent"), cell_of("masking=shape")
    others = [cell_of("dataset.scene_bias=0.5"), cell_of("frames.count=2"), cell_of("limit=3")]
    assert on_same_clips([first, *others, same]) == [first, same]


def planted(folder: Path) -> FrameStore:
    """Return planted clips, in one of which nobody is; in another the subject fills the frame."""
    clips = planted_clips(folder, per_class=1, without_actor=[0])
    labels = np.ones((8, SIDE, SIDE), np.uint8)
    labels[:, :, 50:] = 0
    labels[:, 0, 63] = 1  # a box about both is the whole frame
    np.savez_compressed(folder / "large.npz", labels=labels)
    large = replace(clips.clips[1], maps=folder / "large.npz")
    return open_planted(replace(clips, clips=(clips.clips[0], large, *clips.clips[2:])), folder)


def tiles(row: GalleryRow) -> list[Tile]:
    return [tile for tile in row.tiles if isinstance(tile, Tile)]


def test_each_picture_has_its_own_share_and_says_what_is_missing(tmp_path: Path) -> None:
    frames = planted(tmp_path)
    base = ("region=annotation", f"cache_dir={tmp_path}")
    cells: list[Cell] = [
        cell_of(*base),
        cell_of(*base, "noise=gaussian", "noise.std=60"),
        cell_of(*base, "masking=feature", "ratio=null", "masking.min_kept=0.1"),
    ]
    rows, ratios = gallery_rows(cells, frames, count=5)
    clean, noisy, masked = map(tiles, rows)
    assert [tile.clip for tile in clean] == [f"clip {number}" for number in range(5)]
    assert rows[2].tiles[:2] == ["nothing found", "too little left"]
    assert {tile.hidden for tile in masked} == {288 / SIDE**2}
    one, other = (np.asarray(row[2].picture, float) for row in (clean, noisy))
    assert 30 < (one - other).std() < 60
    assert len(mask_gallery(rows, ratios).pictures) == 13


def test_many_clips_at_many_ratios_get_a_row_for_each_ratio(tmp_path: Path) -> None:
    frames = planted(tmp_path)
    ratios = (0.1, 0.3, 0.5)
    cells = [cell_of("masking=percent", f"ratio={ratio}") for ratio in ratios]
    rows, titles = gallery_rows(cells, frames, count=5)
    assert [len(row.tiles) for row in rows] == [5] * (1 + len(ratios))
    assert titles is None
    assert [tiles(row)[0].hidden for row in rows[1:]] == pytest.approx([0.1, 0.3, 0.5], abs=0.01)
