"""Run one cell in this process, without the command line."""

from collections.abc import Sequence

from clip_har.config.compose import cell_from_config, without_hydra
from clip_har.config.session import Session
from clip_har.core.addresses import hide_logins
from clip_har.core.errors import ClipHarError
from clip_har.engine.job import Job
from clip_har.engine.preflight import preflight
from clip_har.engine.run import run_cell
from clip_har.results.result import Result
from clip_har.sweeps.start import refuse_plan


def evaluate_here(overrides: Sequence[str], session: Session) -> Result:
    """Check and run a cell.

    Args:
        overrides: overrides of the configuration.
        session: composes the configuration.

    Raises:
        ClipHarError: when the cell cannot run, or it failed before and ``overwrite=never``.
    """
    overrides = [hide_logins(override) for override in overrides]
    config = session.compose(overrides)
    cell = cell_from_config(without_hydra(config))
    refuse_plan(cell)
    preflight(cell)
    outcome = run_cell(config, Job(overrides, dict(config.hydra.runtime.choices)))
    if outcome.result is None:
        raise ClipHarError(f"{outcome.name}: {outcome.state}, there is no result")
    return outcome.result
