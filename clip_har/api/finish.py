"""End a sweep: write its tables, pictures and report, and end its run in the tracking store."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from clip_har.core.background import Background
from clip_har.core.errors import describe
from clip_har.figures.processes import drawing_processes
from clip_har.report.clips.links import PAGE as CLIPS
from clip_har.report.page import MARKDOWN, write_report
from clip_har.report.selection import Chosen, of_sweep
from clip_har.results.sweep import Outcome, Sweep
from clip_har.sweeps.domain_tables import domain_metrics
from clip_har.sweeps.files import SweepFiles, write_sweep_files
from clip_har.sweeps.measures import SweepMeasures
from clip_har.sweeps.model_tables import model_metrics
from clip_har.sweeps.start import StartedSweep
from clip_har.tracking.tracker import SweepStatus, SweepSummary, TrackingError

log = logging.getLogger(__name__)


def finish(
    sweep: StartedSweep,
    outcomes: Mapping[int, Outcome],
    *,
    status: SweepStatus,
    drawing: Background | None = None,
) -> tuple[list[Path], SweepMeasures]:
    """Write the tables and pictures of a sweep into its folder, and end its run.

    Args:
        sweep: the sweep.
        outcomes: the outcomes of the cells that ended, by job number.
        status: how it ended; finished if no cell failed or is missing.
        drawing: draws the pictures; it is closed. None to start a process for them.

    Returns:
        The files, and the measures over several cells.
    """
    summary = SweepSummary()
    with drawing or drawing_processes() as drawing:
        try:
            written = write_sweep_files(sweep.folder, sweep.cells, outcomes, drawing)
            files, measures = written.files, written.measures
            summary = _summary(written, files)
            # Shards have nothing to report before they are merged, and cells that did not run
            # neither.
            shards = all(cell.shard is not None for cell in sweep.cells)
            report = (
                None if shards or not outcomes else _write_report(sweep.folder, written, drawing)
            )
            drawing.wait()
            if report is not None:
                files += report
                summary = _summary(written, files, report[0])
        finally:  # the run must be closed even if a picture failed
            if sweep.shared.parent is not None:
                first = sweep.cells[0]
                first.tracking.close_sweep(
                    first.results_dir,
                    sweep.shared.parent,
                    summary,
                    status=status,
                )
    return files, measures


def send_again(chosen: Chosen, written: SweepFiles, page: Path) -> None:
    """Send the present tables, measures and report of a sweep to its run.

    Args:
        chosen: the cells of the sweep.
        written: its tables.
        page: its report.
    """
    assert chosen.folder is not None  # noqa: S101, these are the cells of a sweep
    shared = Sweep.read(chosen.folder)
    if shared is None or shared.parent is None:
        return
    note = page.with_name(MARKDOWN)
    try:
        chosen.jobs[0].cell.tracking.update_sweep(
            chosen.folder.parents[1],
            shared.parent,
            _summary(written, [*written.files, note, page, page.with_name(CLIPS)], note),
        )
    except TrackingError as error:
        log.warning("the run of the sweep: %s", error)


def _summary(written: SweepFiles, files: Sequence[Path], note: Path | None = None) -> SweepSummary:
    """Return what is sent to the run of a sweep; ``note`` is its report in Markdown."""
    return SweepSummary(
        files=files,
        metrics=written.measures.metrics()
        | model_metrics(written.models)
        | domain_metrics(written.domains),
        curves=written.curves,
        cells=written.changes,
        note="" if note is None else note.read_text(encoding="utf-8"),
    )


def _write_report(folder: Path, written: SweepFiles, drawing: Background) -> list[Path] | None:
    """Write the report of a sweep into its folder.

    Returns:
        The Markdown file, the page, and that of the clips; None if the report failed.
    """
    try:
        page = write_report(of_sweep(folder), folder / "report", written=written, drawing=drawing)
    except Exception as error:  # noqa: BLE001, it can be written again from the same cells
        log.warning("the report could not be written: %s", describe(error))
        return None
    return [page.with_name(MARKDOWN), page, page.with_name(CLIPS)]
