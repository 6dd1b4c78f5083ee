"""A picture of masks on real clips: ``python -m clip_har.gallery``.

It takes the arguments of a sweep and draws what its cells would hide, without running a model;
without ``masking`` it draws a selection. All shapes, without a clip, go beside it.

    python -m clip_har.gallery dataset.root=/data/ucf101 limit=2
    python -m clip_har.gallery dataset.root=/data/ucf101 masking=percent masking.patch=8,16,32
"""

import logging
import sys
from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from matplotlib.figure import Figure
from rich.console import Console

from clip_har.app import CONFIG_DIR
from clip_har.artifacts import save_figure
from clip_har.cell import open_frames
from clip_har.config import Cell, cell_from_config, register_schema
from clip_har.data.store import FrameStore
from clip_har.faults import report_fault, take_over_errors
from clip_har.figures.gallery import mask_gallery, shape_figure
from clip_har.masking.area import Strategy
from clip_har.masking.none import NoMask
from clip_har.sweep import expand

_CLIPS = 2
_RATIOS = "ratio=0.1,0.3,0.5"
_SELECTION = (
    ["masking=percent"],
    ["masking=shape", "masking.shape=square,circle,star,grid"],
    ["masking=shape", "masking.shape=cross", "masking.fill=blur"],
)


def draw_gallery(cells: Sequence[Cell], frames: FrameStore, *, count: int = _CLIPS) -> Figure:
    """Draw every mask of the cells at every ratio of the cells.

    Args:
        cells: at least one.
        frames: the decoded frames of the first cell's clips.
        count: how many clips are shown side by side, spread over the clips.
    """
    strategies: dict[str, Strategy] = {"none": NoMask()}
    ratios: set[float] = set()
    for cell in cells:
        if not isinstance(cell.masking, NoMask):
            mask = type(cell.masking).__name__ + cell.masking.model_dump_json(exclude={"ratio"})
            strategies.setdefault(mask, cell.masking)
            ratios.add(cell.masking.ratio)
    step = max(1, len(frames.ok) // count)
    chosen = frames.ok[step // 2 :: step][:count]
    views = [frames.view(index) for index in chosen]
    subjects = {view.clip.id: cells[0].region.relevance(view) for view in views}
    known = {id_: subject for id_, subject in subjects.items() if subject is not None}
    shown = {view.clip.id: view.pixels for view in views}
    return mask_gallery(
        shown,
        list(strategies.values()),
        sorted(ratios) or [0.0],
        seed=cells[0].seed,
        subjects=known,
    )


def main(arguments: Sequence[str]) -> None:
    """Draw the gallery, write it to the results folder and send it to the tracking store."""
    register_schema()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        words = list(arguments)
        if not any(word.startswith("ratio=") for word in words):
            words.append(_RATIOS)
        masks = [[]] if any(word.startswith("masking=") for word in words) else _SELECTION
        jobs = [job for mask in masks for job in expand([*mask, *words], loader)]
        cells = [cell_from_config(compose("config", overrides=job)) for job in jobs]
    first = cells[0]
    clips = first.dataset.clips().limit(first.limit or _CLIPS)
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
