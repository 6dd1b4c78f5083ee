"""What a sweep leaves beside its cells: a table, the masks on real frames, accuracy over ratio."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from clip_har.artifacts import save_figure
from clip_har.cell import open_frames
from clip_har.config import Cell
from clip_har.figures.accuracy import Point, accuracy_figure
from clip_har.gallery import draw_gallery
from clip_har.masking.none import NoMask
from clip_har.run import Outcome


def write_sweep_files(
    folder: Path, cells: Sequence[Cell], outcomes: Mapping[int, Outcome]
) -> list[Path]:
    """Write a sweep's files.

    Args:
        folder: the sweep's.
        cells: all of its cells, by job number.
        outcomes: of the cells that ended, by job number.

    Returns:
        The files; pictures only where there are results to draw.
    """
    files = [folder / "cells.csv"]
    rows = [{**asdict(outcome), **outcome.metrics()} for outcome in outcomes.values()]
    pd.DataFrame(rows).to_csv(files[0], index=False)
    done = [number for number, outcome in outcomes.items() if outcome.folder]
    if not done:
        return files
    first = cells[done[0]]
    clips = first.dataset.clips().limit(first.limit)
    gallery = draw_gallery([cells[number] for number in done], open_frames(first, clips))
    files.append(folder / "mask_gallery.png")
    save_figure(files[-1], gallery)

    lines: dict[str, list[Point]] = {}
    clean: list[Point] = []
    for number in done:
        mask, metrics = cells[number].masking, outcomes[number].metrics()
        point = Point(mask.ratio, metrics["top1"], int(metrics["data/clips"]))
        if isinstance(mask, NoMask):
            clean.append(point)
        else:
            name = outcomes[number].name.replace(f" r={mask.ratio:g}", "")
            lines.setdefault(name, []).append(point)
    if lines:
        figure = accuracy_figure(
            lines,
            classes=len(clips.class_names),
            clean=clean[0] if len(set(clean)) == 1 else None,  # else which one is a line's twin?
            title=f"{Path(str(first.model.checkpoint)).name} on {clips.name},"
            f" {int(metrics['data/clips'])} clips",
        )
        files.append(folder / "accuracy_over_ratio.png")
        save_figure(files[-1], figure)
    return files
