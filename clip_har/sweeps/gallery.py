"""A picture of the masks and the noise of several cells on the same real clips."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from clip_har.config.cell import Cell
from clip_har.data.frames.store import FrameStore
from clip_har.engine.clips import find_masked, frame_settings
from clip_har.engine.load_model import load_zero_shot
from clip_har.engine.score_clips import seen_frames
from clip_har.figures.gallery import GalleryRow, Tile
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.none import NoMask
from clip_har.noise.none import NoNoise
from clip_har.noise.settings import NoiseSettings
from clip_har.regions.source import source_name

CLIPS = 2
"""Number of clips that are shown side by side."""

_WIDEST = 12
"""Pictures in a row; if ratios side by side need more, each ratio gets a row."""

_NOTHING = "nothing found"
_COVERED = "too little left"


def gallery_rows(
    cells: Sequence[Cell], frames: FrameStore, *, count: int = CLIPS
) -> tuple[list[GalleryRow], list[float | None] | None]:
    """Return the rows of a gallery: every mask and noise of the cells at every ratio of the cells.

    A row is a mask with a noise, a column is a ratio. Several clips stand side by side for each
    ratio; many clips at many ratios get a row for each ratio. A place is empty if no cell has that
    mask at that ratio. It says so if the target was not found, or if the mask leaves too little of
    the clip. Learned noise is left out: it would have to be learned first.

    Args:
        cells: at least one, all on the same clips, see `on_same_clips`.
        frames: the decoded frames of the cells' clips.
        count: number of clips that are shown side by side, evenly spread.

    Returns:
        The rows, and the ratio of each column; None for columns without titles. See
        `clip_har.figures.gallery.mask_gallery`.
    """
    step = max(1, len(frames.ok) // count)
    chosen = frames.ok[step // 2 :: step][:count]
    ratios = sorted(
        {cell.masking.ratio for cell in cells if not cell.masking.is_clean}, key=_last_none
    )
    in_rows = len(ratios) * len(chosen) > _WIDEST
    beside = [0.0] if in_rows or not ratios else ratios
    columns = [(ratio, index) for ratio in beside for index in chosen]
    blank: list[Tile | str | None] = [None] * len(columns)
    first = cells[0].model_copy(update={"masking": NoMask(), "noise": NoNoise()})
    rows: dict[str, GalleryRow] = {}
    for cell in [first, *cells]:
        masking, clean = cell.masking, cell.masking.is_clean
        region = cell.region.described() if masking.feature else ""
        mask = masking.described() | ({} if in_rows else {"ratio": None})
        key = f"{mask} {region} {_shown_noise(cell).described()} {'' if clean else cell.seed}"
        if clean and key in rows:
            continue
        masked = find_masked(cell, frames, zero_shot=partial(load_zero_shot, cell, frames.clip_set))
        tile = _tiles(masked, cell)
        label = row_label(cell, cells)
        if in_rows and masking.ratio is not None and not clean:
            label += f" {masking.ratio:.0%}"
        row = rows.setdefault(key, GalleryRow(label, list(blank), clean=clean))
        ratio = columns[0][0] if clean or in_rows else masking.ratio
        tiles = [
            tile(index) if at == ratio else old
            for old, (at, index) in zip(row.tiles, columns, strict=True)
        ]
        rows[key] = replace(row, tiles=tiles)
    titles = None if in_rows else [ratio for ratio, _ in columns]
    return list(rows.values()), titles


def _last_none(ratio: float | None) -> float:
    return 2.0 if ratio is None else ratio


def on_same_clips(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells that show the same frames of the same clips as the first one.

    Args:
        cells: at least one.
    """
    first = cells[0]
    return [
        cell
        for cell in cells
        if cell.dataset == first.dataset
        and (cell.limit, cell.classes) == (first.limit, first.classes)
        and frame_settings(cell) == frame_settings(first)
    ]


def row_label(cell: Cell, cells: Sequence[Cell]) -> str:
    """Return a few words for a row: mask and noise, and what sets it apart from the other cells.

    Only maps that come with the data are called exact.

    Args:
        cell: whose mask the row shows.
        cells: all cells of the gallery.
    """
    label = cell.masking.label
    if cell.masking.targets and not cell.region.exact:
        label = label.replace("(exact", "(outline") + ", estimated"
    if cell.masking.feature and len({type(other.region) for other in cells}) > 1:
        label += f" {source_name(cell.region)}"
    label += _noise_words(cell, cells)
    return label + (f" seed {cell.seed}" if len({other.seed for other in cells}) > 1 else "")


def _noise_words(cell: Cell, cells: Sequence[Cell]) -> str:
    """Return the name of a cell's noise, with the settings that other such noise has otherwise."""
    noise = _shown_noise(cell)
    if noise.is_clean:
        return ""
    others = [other.noise for other in cells if type(other.noise) is type(noise)]
    values = noise.model_dump(mode="json")
    differing = [
        f" {key} {value}"
        for key, value in values.items()
        if any(other.model_dump(mode="json")[key] != value for other in others)
    ]
    return f" + {type(noise).__name__.removesuffix('Noise').lower()} noise{''.join(differing)}"


def _shown_noise(cell: Cell) -> NoiseSettings:
    return NoNoise() if cell.noise.is_learned else cell.noise


def _tiles(masked: MaskedClips, cell: Cell) -> Callable[[int], Tile | str]:
    covered, evaluated = set(masked.covered), set(masked.evaluated)
    noise = _shown_noise(cell).unlearned()

    def draw(index: int) -> Tile | str:
        if index not in evaluated:
            return _COVERED if index in covered else _NOTHING
        clip = masked.clip(index)
        frames = seen_frames(clip, noise)
        middle = frames[len(frames) // 2].permute(1, 2, 0).numpy()
        return Tile(middle, clip.middle_hidden, clip.id)

    return draw
