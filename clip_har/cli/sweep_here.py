"""Run a sweep in this process, without the command line."""

from collections.abc import Sequence
from pathlib import Path

from clip_har.cli.finish import finish
from clip_har.config.session import Session
from clip_har.core.errors import ClipHarError
from clip_har.engine.job import Job
from clip_har.engine.run import run_cell
from clip_har.results.sweep import read_outcomes
from clip_har.sweeps.start import start_sweep, swept_words
from clip_har.tracking.tracker import SweepStatus


def sweep_here(overrides: Sequence[str], session: Session) -> Path:
    """Check all cells of a sweep, run them one after the other, and end the sweep.

    Args:
        overrides: overrides of the configuration; a value such as ``a,b`` makes several cells.
        session: composes the configuration.

    Returns:
        The folder of the sweep.

    Raises:
        ClipHarError: when a cell is wrong; then no cell is started.
    """
    # Hydra cannot compose values such as `a,b`: the first cell gives the settings of the sweep.
    jobs = session.expand(overrides)
    config = session.compose(jobs[0])
    experiment = swept_words(config)[: -len(jobs[0])] if jobs[0] else swept_words(config)
    words = [*experiment, *overrides]
    jobs = session.expand(words)
    folder = Path(config.hydra.sweep.dir)
    started = start_sweep(words, jobs, session.compose, folder)
    status: SweepStatus = "FINISHED"
    try:
        for number, job in enumerate(jobs):
            composed = session.compose(job)
            choices = dict(composed.hydra.runtime.choices)
            try:
                run_cell(composed, Job(job, choices, started.shared, started.folder / str(number)))
            except ClipHarError:  # its outcome holds the error; the other cells still run
                status = "FAILED"
    except BaseException as error:
        status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        raise
    finally:
        finish(started, read_outcomes(started.folder), status=status)
    return started.folder
