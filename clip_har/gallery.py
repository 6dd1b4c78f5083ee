"""A picture of masks on real clips: ``python -m clip_har.gallery``.

It takes the arguments of a sweep and draws what its cells would hide, without running a model;
without ``masking`` it draws a selection: with a ``region``, masks that are aimed at the subject.
All shapes, without a clip, go beside it.

    python -m clip_har.gallery dataset.root=/data/ucf101 limit=2
    python -m clip_har.gallery region=annotation limit=4
    python -m clip_har.gallery dataset.root=/data/ucf101 masking=percent masking.patch=8,16,32
"""

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from matplotlib.figure import Figure
from rich.console import Console

from clip_har.app import CONFIG_DIR
from clip_har.cell import load_zero_shot
from clip_har.config import Cell, cell_from_config, register_schema
from clip_har.data.clips import clips_of
from clip_har.data.store import FrameStore
from clip_har.faults import report_fault, take_over_errors
from clip_har.figures.gallery import GalleryRow, Tile, mask_gallery, shape_figure
from clip_har.figures.save import save_figure
from clip_har.masked_clips import MaskedClips, open_frames, open_masked
from clip_har.masking.none import NoMask
from clip_har.masking.swap import SwapMask
from clip_har.sweep import expand

_CLIPS = 2
_NOTHING = "nothing found"
_RATIOS = "ratio=0.1,0.3,0.5"
_SELECTION = (
    ["masking=percent"],
    ["masking=shape", "masking.shape=square,circle,star,grid"],
    ["masking=shape", "masking.shape=cross", "masking.fill=blur"],
)
_AIMED = (  # for a region source
    ["masking=feature", "masking.hole=exact,box,ellipse"],
    ["masking=feature", "masking.place=away"],
    ["masking=background_only"],
    ["masking=isolation"],
    ["masking=isolation", "masking.hole=box", "masking.fill=grey"],
    ["masking=swap"],
)


def draw_gallery(cells: Sequence[Cell], frames: FrameStore, *, count: int = _CLIPS) -> Figure:
    """Draw every mask of the cells at every ratio of the cells.

    A row is a mask, a column a ratio; of several clips, each ratio has them side by side. A place
    stays empty where no cell has that mask at that ratio, and says so where the mask's thing was
    not found in the clip.

    Args:
        cells: at least one, all on the same clips.
        frames: the decoded frames of the cells' clips.
        count: how many clips are shown side by side, spread over the clips.
    """
    step = max(1, len(frames.ok) // count)
    chosen = frames.ok[step // 2 :: step][:count]
    ratios = sorted({cell.masking.ratio for cell in cells if not _is_clean(cell)}, key=_last_none)
    columns = [(ratio, index) for ratio in ratios or [0.0] for index in chosen]
    blank: list[Tile | str | None] = [None] * len(columns)
    clean = MaskedClips(NoMask(), cells[0].seed, frames)
    rows = {"": GalleryRow("none", [*map(_tile(clean), chosen), *blank[len(chosen) :]], clean=True)}
    for cell in cells:
        if _is_clean(cell):
            continue
        model = partial(load_zero_shot, cell, frames.clip_set)
        masked = open_masked(cell, frames, zero_shot=model)
        draw, judged = _tile(masked), set(masked.judged)
        region = type(cell.region).__name__ + cell.region.model_dump_json()
        mask = type(cell.masking).__name__ + cell.masking.model_dump_json(exclude={"ratio"})
        key = f"{mask} {region if cell.masking.feature else ''} {cell.seed}"
        row = rows.setdefault(key, GalleryRow(_row_label(cell, cells), list(blank)))
        tiles: list[Tile | str | None] = [
            old if ratio != cell.masking.ratio else draw(index) if index in judged else _NOTHING
            for old, (ratio, index) in zip(row.tiles, columns, strict=True)
        ]
        rows[key] = replace(row, tiles=tiles)
    return mask_gallery(list(rows.values()), [ratio for ratio, _ in columns])


def _is_clean(cell: Cell) -> bool:
    return isinstance(cell.masking, NoMask)


def _last_none(ratio: float | None) -> float:
    return 2.0 if ratio is None else ratio


def _row_label(cell: Cell, cells: Sequence[Cell]) -> str:
    plain = cell.masking.fill == "black" or isinstance(cell.masking, SwapMask)
    label = str(cell.masking.short_name) + ("" if plain else f" {cell.masking.fill}")
    if cell.masking.feature and len({type(other.region) for other in cells}) > 1:
        label += f" {type(cell.region).__name__.removesuffix('Region').lower()}"
    return label + (f" seed {cell.seed}" if len({other.seed for other in cells}) > 1 else "")


def _tile(masked: MaskedClips) -> Callable[[int], Tile]:
    def draw(index: int) -> Tile:
        clip = masked.clip(index)
        middle = clip.frames[len(clip.frames) // 2]
        return Tile(middle.permute(1, 2, 0).numpy(), clip.effect.realised_ratio)

    return draw


def main(arguments: Sequence[str]) -> None:
    """Draw the gallery, write it to the results folder and send it to the tracking store."""
    if {"-h", "--help"} & set(arguments):
        sys.stdout.write(__doc__ or "")
        return
    register_schema()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        words = list(arguments)
        given = {word.partition("=")[0] for word in words}
        aimed = "region" in given and "masking" not in given
        if "ratio" not in given:
            words.append("ratio=null" if aimed else _RATIOS)
        selection = _AIMED if aimed else _SELECTION
        masks: Sequence[list[str]] = [[]] if "masking" in given else selection
        jobs = [job for mask in masks for job in expand([*mask, *words], loader)]
        cells = [cell_from_config(compose("config", overrides=job)) for job in jobs]
    first = cells[0]
    clips = clips_of(first.dataset, first.limit or _CLIPS)
    figure = draw_gallery(cells, open_frames(first, clips), count=len(clips.clips))
    first.results_dir.mkdir(parents=True, exist_ok=True)
    drawn = {"mask_gallery": figure, "mask_shapes": shape_figure()}
    for name, picture in drawn.items():
        path = first.results_dir / f"{name}.png"
        save_figure(path, picture)
        first.tracking.log_figure(first.results_dir, path, name=name.replace("_", " "))
        Console().print(str(path), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    take_over_errors()
    try:
        main(sys.argv[1:])
    except Exception as error:  # noqa: BLE001, told in one line
        sys.exit(report_fault(error))
