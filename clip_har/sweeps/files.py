"""The files of a sweep: the table of its cells, a gallery of masks, accuracy over the ratio."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from clip_har.config.cell import Cell
from clip_har.core.errors import describe
from clip_har.data.clips import ClipSet, clips_of
from clip_har.engine.clips import frame_settings, open_frames
from clip_har.figures.accuracy import Point, accuracy_figure
from clip_har.figures.noise_curves import effect_figure
from clip_har.figures.save import save_figure
from clip_har.results.result import Result
from clip_har.results.sweep import Outcome
from clip_har.sweeps.gallery import draw_gallery
from clip_har.sweeps.measures import SweepMeasures, sweep_measures
from clip_har.sweeps.noise import top1_rows
from clip_har.sweeps.table import cell_rows, sweep_table

log = logging.getLogger(__name__)

TABLE = "cells.csv"


@dataclass(frozen=True)
class SweepFiles:
    """The written files of a sweep.

    Attributes:
        files: tables and pictures.
        rows: one row per result, see `cell_rows`; empty without results.
        measures: the measures over several cells.
    """

    files: list[Path]
    rows: pd.DataFrame
    measures: SweepMeasures


def write_sweep_files(
    folder: Path, cells: Sequence[Cell], outcomes: Mapping[int, Outcome]
) -> SweepFiles:
    """Write a sweep's files.

    Args:
        folder: the folder of the sweep.
        cells: all of its cells, by job number.
        outcomes: the outcomes of the cells that ended, by job number.

    Returns:
        The files; pictures only if there are results.
    """
    files = [folder / TABLE]
    finished = [
        replace(result, known_cell=cells[number])
        for number, outcome in outcomes.items()
        if (result := outcome.result) is not None
    ]
    once = {one.folder: one for one in reversed(finished)}
    results = list(reversed(once.values()))
    rows = cell_rows(results) if results else pd.DataFrame({"folder": []})
    sweep_table(list(outcomes.values()), rows).to_csv(files[0], index=False)
    measures = sweep_measures(finished)
    if not finished:
        return SweepFiles(files, rows, measures)
    if len(measures.rows):
        files.append(folder / "measures.csv")
        measures.rows.to_csv(files[-1], index=False)
    if len(measures.per_class):
        files.append(folder / "reliance_per_class.csv")
        measures.per_class.to_csv(files[-1], index=False)
    if len(measures.noise):
        files += [folder / "noise_effects.csv", folder / "noise_effects.png"]
        measures.noise.to_csv(files[-2], index=False)
        title = "Top-1 with learned noise, against the same clips without noise"
        save_figure(files[-1], effect_figure(top1_rows(measures.noise), title=title))
    first = finished[0].cell
    clips = clips_of(first.dataset, first.limit)
    alike = [one.cell for one in finished if _same_clips(one.cell, first)]
    try:
        gallery = draw_gallery(alike, open_frames(first, clips))
    except Exception as error:  # noqa: BLE001, the numbers must not be lost with it
        log.warning("the gallery could not be drawn: %s", describe(error))
    else:
        files.append(folder / "mask_gallery.png")
        save_figure(files[-1], gallery)
    if figure := _accuracy(finished, clips):
        files.append(folder / "accuracy_over_ratio.png")
        save_figure(files[-1], figure)
    return SweepFiles(files, rows, measures)


def _same_clips(cell: Cell, other: Cell) -> bool:
    """Return whether two cells show the same frames of the same clips."""
    return bool(
        cell.dataset == other.dataset
        and cell.limit == other.limit
        and frame_settings(cell) == frame_settings(other)
    )


def _accuracy(finished: Sequence[Result], clips: ClipSet) -> Figure | None:
    """Draw top-1 over the hidden share; None if no cell has a ratio."""
    lines: dict[str, list[Point]] = {}
    clean: list[Point] = []
    for one in finished:
        ratio, metrics = one.cell.masking.ratio, one.metrics
        if ratio is None:
            continue  # the hidden share depends on the clip
        shown = metrics["mask/realised_ratio"]  # a soft edge hides more than the ratio
        point = Point(shown, metrics["top1"], int(metrics["data/clips"]))
        if one.cell.masking.is_clean:
            clean.append(point)
        else:
            lines.setdefault(one.strategy, []).append(point)
    if not lines:
        return None
    first = finished[0].cell
    counts = sorted({point.clips for line in lines.values() for point in line})
    # All lines start at the clean cell, if there is exactly one and it has the same clips.
    twin = clean[0] if len(set(clean)) == 1 and counts == [clean[0].clips] else None
    return accuracy_figure(
        lines,
        classes=len(clips.class_names),
        clean=twin,
        title=f"{Path(str(first.model.checkpoint)).name} on {clips.title},"
        f" {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} clips",
    )
