"""The files of a sweep: the table of its cells, a gallery of masks, accuracy over the ratio."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from clip_har.config.cell import Cell
from clip_har.core.atomic import whole_file
from clip_har.core.background import AtOnce, Background
from clip_har.core.errors import describe
from clip_har.data.clips import clips_of
from clip_har.engine.clips import open_frames
from clip_har.figures.gallery import mask_gallery
from clip_har.figures.over_ratio import over_ratio_figure
from clip_har.figures.save import save_whole
from clip_har.figures.sheet import save_sheet
from clip_har.results.result import Result
from clip_har.results.sweep import Outcome
from clip_har.sweeps.comparisons import comparisons_of
from clip_har.sweeps.curves import curves_over_ratio
from clip_har.sweeps.detection import detection_rows
from clip_har.sweeps.domain_tables import DomainTables, domain_files, domain_tables
from clip_har.sweeps.measures import SweepMeasures, sweep_measures
from clip_har.sweeps.model_tables import ModelTables, model_files, model_tables
from clip_har.sweeps.noise import top1_rows
from clip_har.sweeps.over_ratio import ratio_lines
from clip_har.sweeps.table import cell_rows, sweep_table
from clip_har.tracking.tracker import Curve

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

TABLE = "cells.csv"
_CHANGE = ("top1_change", "top1_change_low", "top1_change_high")
GALLERY = "mask_gallery.png"
_ACCURACY, _EFFECTS = "accuracy_over_ratio", "noise_effects.png"


@dataclass(frozen=True)
class SweepFiles:
    """The written files of a sweep.

    Attributes:
        files: tables and pictures.
        rows: one row per result, see `cell_rows`; empty without results.
        measures: the measures over several cells.
        curves: numbers over the hidden share, see `curves_over_ratio`.
        models: the comparison of its models, see `model_tables`; empty for one model.
        domains: the comparison of its domains, see `domain_tables`; empty for one data set.
    """

    files: list[Path]
    rows: pd.DataFrame
    measures: SweepMeasures
    curves: Mapping[str, Curve]
    models: Sequence[ModelTables] = ()
    domains: Sequence[DomainTables] = ()

    @property
    def changes(self) -> dict[str, dict[str, float]]:
        """The change of top-1 with its interval, by the fingerprint of the cell."""
        names = [name for name in _CHANGE if name in self.rows]
        return {
            Path(row["folder"]).name: {
                name: float(row[name]) for name in names if pd.notna(row[name])
            }
            for row in self.rows.to_dict("records")
        }


def write_sweep_files(
    folder: Path, cells: Sequence[Cell], outcomes: Mapping[int, Outcome], drawing: Background
) -> SweepFiles:
    """Write a sweep's tables and pictures.

    Args:
        folder: the folder of the sweep.
        cells: all of its cells, by job number.
        outcomes: the outcomes of the cells that ended, by job number.
        drawing: draws the pictures; wait for it before they are used.

    Returns:
        The files; pictures only if there are results.
    """
    finished = [
        replace(result, known_cell=cells[number])
        for number, outcome in outcomes.items()
        if (result := outcome.result) is not None
    ]
    gallery = draw_gallery([one.cell for one in finished], folder / GALLERY, drawing)
    written = write_tables(folder, list(outcomes.values()), finished, drawing=drawing)
    return replace(written, files=[*written.files, *gallery])


def draw_gallery(cells: Sequence[Cell], file: Path, drawing: Background | AtOnce) -> list[Path]:
    """Draw the masks of some cells on the same clips.

    Args:
        cells: those on other clips than the first one are left out.
        file: where the gallery is written.
        drawing: draws it; wait for it before the file is used.

    Returns:
        The file; none without cells, or if their frames are gone.
    """
    if not cells:
        return []
    from clip_har.sweeps.gallery import gallery_rows, on_same_clips  # imports torch

    try:
        alike = on_same_clips(cells)  # asks their models for the size of frames
        first = alike[0]
        clips = clips_of(first.dataset, first.limit, first.classes)
        rows, ratios = gallery_rows(alike, open_frames(first, clips))
    except Exception as error:  # noqa: BLE001, the numbers must not be lost with it
        log.warning("the gallery could not be drawn: %s", describe(error))
        return []
    drawing.run(save_sheet, mask_gallery(rows, ratios), file)
    return [file]


def write_tables(
    folder: Path,
    outcomes: Sequence[Outcome],
    finished: Sequence[Result],
    *,
    base_model: str | None = None,
    margin: float | None = None,
    drawing: Background | AtOnce | None = None,
) -> SweepFiles:
    """Write what follows from the score tables of a sweep; older files are replaced or removed.

    Args:
        folder: the folder of the sweep.
        outcomes: the outcomes of the jobs that ended.
        finished: their results; several jobs may share one.
        base_model: see `sweep_measures`.
        margin: see `cell_rows`.
        drawing: draws the pictures; wait for it before they are used. None to draw them at once.
    """
    working = drawing or AtOnce()
    once = {one.folder: one for one in reversed(finished)}
    results = list(reversed(once.values()))
    rows = cell_rows(results, margin=margin) if results else pd.DataFrame({"folder": []})
    measures = sweep_measures(finished, base_model=base_model)
    comparisons = comparisons_of(finished) if finished else []
    models, domains = model_tables(comparisons), domain_tables(comparisons)
    tables = {
        TABLE: sweep_table(outcomes, rows),
        **tables_beside(results, measures, models, domains),
    }
    pictures = _accuracy_figures(finished, rows)
    if len(measures.noise):
        from clip_har.figures.noise_curves import effect_figure  # imports matplotlib

        title = "Top-1 with learned noise, against the same clips without noise"
        pictures[_EFFECTS] = partial(effect_figure, top1_rows(measures.noise), title=title)
    files = write_csv(folder, tables)
    for name, draw in pictures.items():
        files.append(folder / name)
        working.run(save_whole, draw, files[-1])
    possible = {folder / _EFFECTS, *folder.glob(f"{_ACCURACY}*.png")}
    possible |= {folder / name for name in tables}
    for stale in possible - set(files):
        stale.unlink(missing_ok=True)
    if drawing is None:
        working.wait()
    return SweepFiles(files, rows, measures, curves_over_ratio(finished), models, domains)


def tables_beside(
    results: Sequence[Result],
    measures: SweepMeasures,
    models: Sequence[ModelTables],
    domains: Sequence[DomainTables],
) -> dict[str, pd.DataFrame]:
    """Return the tables that stand beside that of the cells, by the names of their files.

    Args:
        results: each result once.
        measures: the measures over several cells.
        models: the comparison of the models.
        domains: the comparison of the domains.
    """
    return {
        **measures.files(),
        "detection.csv": detection_rows(results) if results else pd.DataFrame(),
        **model_files(models),
        **domain_files(domains),
    }


def write_csv(folder: Path, tables: Mapping[str, pd.DataFrame]) -> list[Path]:
    """Write the tables that have rows, and that of the cells; return their files.

    Args:
        folder: where they are written, each whole or not at all.
        tables: by the names of their files.
    """
    files = []
    for name, table in tables.items():
        if len(table) or name == TABLE:
            files.append(folder / name)
            with whole_file(files[-1]) as path:
                table.to_csv(path, index=False)
    return files


def _accuracy_figures(
    finished: Sequence[Result], rows: pd.DataFrame
) -> dict[str, "Callable[[], Figure]"]:
    """Return what draws top-1 over the hidden share, for each data set, model and protocol."""
    if not finished:
        return {}
    found: dict[str, Callable[[], Figure]] = {}
    for number, one in enumerate(comparisons_of(finished), 1):
        folders = [str(cell.folder) for cell in one.cells]
        own = rows.set_index("folder").loc[folders]
        if lines := ratio_lines(own, "top1"):
            classes = len(one.cells[0].table.class_names)
            name = f"{_ACCURACY}{f'_{number}' if number > 1 else ''}.png"
            found[name] = partial(
                over_ratio_figure,
                lines,
                measure="top-1 accuracy",
                chance=1 / classes,
                title=one.name,
            )
    return found
