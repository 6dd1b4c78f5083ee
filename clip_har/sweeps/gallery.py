"""A picture of the masks of several cells on the same real clips."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from matplotlib.figure import Figure

from clip_har.config.cell import Cell
from clip_har.data.frames.store import FrameStore
from clip_har.engine.clips import open_masked
from clip_har.engine.load_model import load_zero_shot
from clip_har.figures.gallery import GalleryRow, Tile, mask_gallery
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.none import NoMask

CLIPS = 2
"""Number of clips that are shown side by side."""

_NOTHING = "nothing found"


def draw_gallery(cells: Sequence[Cell], frames: FrameStore, *, count: int = CLIPS) -> Figure:
    """Draw every mask of the cells at every ratio of the cells.

    A row is a mask, a column is a ratio. Several clips stand side by side for each ratio. A place
    is empty if no cell has that mask at that ratio. It says so if the target was not found.

    Args:
        cells: at least one, all on the same clips.
        frames: the decoded frames of the cells' clips.
        count: number of clips that are shown side by side, evenly spread.
    """
    step = max(1, len(frames.ok) // count)
    chosen = frames.ok[step // 2 :: step][:count]
    masks = [cell.masking for cell in cells if not cell.masking.is_clean]
    ratios = sorted({mask.ratio for mask in masks}, key=_last_none)
    columns = [(ratio, index) for ratio in ratios or [0.0] for index in chosen]
    blank: list[Tile | str | None] = [None] * len(columns)
    clean = MaskedClips(NoMask(), cells[0].seed, frames, cells[0].model.patch_size())
    rows = {"": GalleryRow("none", [*map(_tile(clean), chosen), *blank[len(chosen) :]], clean=True)}
    for cell in cells:
        if cell.masking.is_clean:
            continue
        model = partial(load_zero_shot, cell, frames.clip_set)
        masked = open_masked(cell, frames, zero_shot=model)
        draw, evaluated = _tile(masked), set(masked.evaluated)
        region = cell.region.described()
        mask = cell.masking.described() | {"ratio": None}
        key = f"{mask} {region if cell.masking.feature else ''} {cell.seed}"
        row = rows.setdefault(key, GalleryRow(row_label(cell, cells), list(blank)))
        tiles: list[Tile | str | None] = [
            old if ratio != cell.masking.ratio else draw(index) if index in evaluated else _NOTHING
            for old, (ratio, index) in zip(row.tiles, columns, strict=True)
        ]
        rows[key] = replace(row, tiles=tiles)
    return mask_gallery(list(rows.values()), [ratio for ratio, _ in columns])


def _last_none(ratio: float | None) -> float:
    return 2.0 if ratio is None else ratio


def row_label(cell: Cell, cells: Sequence[Cell]) -> str:
    """Return a few words for a row: the mask, and what sets it apart from the other cells.

    Only maps that come with the data are called exact.

    Args:
        cell: whose mask the row shows.
        cells: all cells of the gallery.
    """
    label = cell.masking.label
    if cell.masking.targets and not cell.region.exact:
        label = label.replace("(exact", "(outline") + ", estimated"
    if cell.masking.feature and len({type(other.region) for other in cells}) > 1:
        label += f" {type(cell.region).__name__.removesuffix('Region').lower()}"
    return label + (f" seed {cell.seed}" if len({other.seed for other in cells}) > 1 else "")


def _tile(masked: MaskedClips) -> Callable[[int], Tile]:
    def draw(index: int) -> Tile:
        clip = masked.clip(index)
        middle = clip.frames[len(clip.frames) // 2]
        return Tile(middle.permute(1, 2, 0).numpy(), clip.effect.realised_ratio)

    return draw
