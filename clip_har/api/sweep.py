"""Run a sweep in this process, without the command line."""

from collections.abc import Sequence
from pathlib import Path

from clip_har.api.finish import finish
from clip_har.config.session import Session
from clip_har.core.addresses import hide_logins
from clip_har.core.errors import ClipHarError
from clip_har.engine.job import Job
from clip_har.engine.run import run_cell
from clip_har.figures.processes import drawing_processes
from clip_har.results.sweep import read_outcomes
from clip_har.sweeps.named_cells import named_cells
from clip_har.sweeps.progress import cells_bar
from clip_har.sweeps.start import start_sweep
from clip_har.tracking.tracker import SweepStatus


def sweep_here(overrides: Sequence[str], session: Session) -> Path:
    """Check all cells of a sweep, run them one after the other, and end the sweep.

    Args:
        overrides: overrides of the configuration; a value such as ``a,b`` makes several cells.
        session: composes the configuration.

    Returns:
        The folder of the sweep.

    Raises:
        ClipHarError: when a cell is wrong, or a launcher is named; then no cell is started.
    """
    overrides = [hide_logins(override) for override in overrides]
    for override in overrides:
        if override.startswith(("hydra/launcher", "hydra/sweeper")):
            raise ClipHarError(f"{override}: clip_har.sweep runs in this process; use the command")
    # Values such as `a,b` are for the sweep alone: the sweep itself is composed without them.
    config = session.compose(session.expand(overrides)[0])
    found = named_cells(config, overrides, session.loader)
    jobs, folder = found.jobs, Path(config.hydra.sweep.dir)
    started = start_sweep(
        *(found.overrides, jobs, session.compose, folder), name=found.name, parts=found.parts
    )
    with drawing_processes() as drawing:  # they import what they need while the cells run
        status: SweepStatus = "FINISHED"
        try:
            with cells_bar(started.folder, len(jobs)):
                for number, job in enumerate(jobs):
                    composed = session.compose(job)
                    place = started.folder / str(number)
                    choices = dict(composed.hydra.runtime.choices)
                    try:
                        run_cell(composed, Job(job, choices, started.shared, place))
                    except Exception:  # noqa: BLE001, its outcome names the error; others still run
                        status = "FAILED"
        except BaseException as error:
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            raise
        finally:
            outcomes = read_outcomes(started.folder)
            if status == "FINISHED" and any(outcome.is_lost for outcome in outcomes.values()):
                status = "FAILED"
            finish(started, outcomes, status=status, drawing=drawing)
    return started.folder
