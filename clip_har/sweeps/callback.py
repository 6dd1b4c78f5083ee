"""Hydra's callback before a run or a sweep: it checks every cell before the first one runs."""

import atexit
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from shutil import which
from typing import Any, NoReturn

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from clip_har.config.compose import cell_from_config, without_hydra
from clip_har.config.faults import composition_fault
from clip_har.core.background import Background
from clip_har.core.errors import ClipHarError
from clip_har.engine.preflight import preflight
from clip_har.figures.processes import drawing_processes
from clip_har.sweeps.composed import ComposedCells
from clip_har.sweeps.named_cells import named_cells, runs_here
from clip_har.sweeps.plan import Plan, plan_of
from clip_har.sweeps.progress import cells_bar
from clip_har.sweeps.start import (
    StartedSweep,
    check_jobs,
    claim_folder,
    start_sweep,
)
from clip_har.sweeps.timing import timing

log = logging.getLogger(__name__)

started: list[StartedSweep] = []
"""At most one sweep. A callback of Hydra cannot return a value, so it is kept here."""

drawing: list[Background] = []
"""The processes that draw the figures of this sweep: they start while its cells run."""

bar = ExitStack()
"""Closes the bar of the sweep's cells; Hydra calls no callback after a cell that failed."""
atexit.register(bar.close)  # a hidden cursor must not stay behind


class CannotStart(SystemExit):
    """A cell of the command cannot run, so no cell is started.

    Hydra turns other exceptions of a callback into warnings.

    Attributes:
        fault: the error.
    """

    def __init__(self, fault: Exception) -> None:
        super().__init__(1)
        self.fault = fault


class Planned(SystemExit):
    """The command asked for its plan (``plan=true``), so no cell is started.

    Attributes:
        plan: what the command would do.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(0)
        self.plan = plan


class SweepCallback(Callback):
    """Hydra calls this before a run or a sweep starts.

    A wrong cell stops everything before the first one runs, see `CannotStart`.
    """

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Check the cell, and claim the run's folder."""
        _or_exit(lambda: _start_run(config))

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Check every cell of the sweep, then open the parent run."""
        _or_exit(lambda: _start_sweep(config))


def _start_run(config: DictConfig) -> None:
    if config.plan:
        _plan(config, [list(config.hydra.overrides.task)], lambda _: config)
    preflight(cell_from_config(without_hydra(config)))
    with read_write(config):
        config.hydra.run.dir = str(claim_folder(Path(config.hydra.run.dir)))


def _check_launcher(config: DictConfig) -> None:
    """Refuse Slurm where there is none."""
    choices = config.hydra.runtime.choices
    launcher = str(config.hydra.launcher.get("_target_"))
    if launcher.endswith(".SlurmLauncher") and which("srun") is None:
        raise ClipHarError(
            f"hydra/launcher={choices['hydra/launcher']}: srun was not found: run the command on a"
            " node of a Slurm cluster, or use hydra/launcher=joblib, which runs cells in processes"
            " of this machine"
        )


def _start_sweep(config: DictConfig) -> None:
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None  # noqa: S101, it calls this
    loader = hydra.config_loader
    found = named_cells(config, list(config.hydra.overrides.task), loader)
    _check_launcher(config)
    composed: dict[tuple[str, ...], DictConfig] = {}

    def compose(job: Sequence[str]) -> DictConfig:
        try:
            composed[tuple(job)] = loader.load_sweep_config(config, list(job))
        except (HydraException, OmegaConfBaseException) as error:
            if found.file is None:
                raise
            raise ClipHarError(f"{found.file}: {composition_fault(error)}") from error
        return composed[tuple(job)]

    if config.plan:
        _plan(config, found.jobs, compose)
    sweep = start_sweep(
        *(found.overrides, found.jobs, compose, Path(config.hydra.sweep.dir)),
        name=found.name,
        parts=found.parts,
    )
    for one in (config, *composed.values()):
        with read_write(one), open_dict(one):
            one.hydra.sweep.dir = str(sweep.folder)
            # Other processes compose their cells again: they need this override.
            one.hydra.overrides.hydra.append(f"hydra.sweep.dir='{sweep.folder}'")
    hydra.config_loader = ComposedCells(loader, composed)
    started.append(sweep)
    drawing.append(drawing_processes())
    bar.enter_context(cells_bar(sweep.folder, len(sweep.cells)))


def _plan(
    config: DictConfig,
    jobs: Sequence[Sequence[str]],
    compose: Callable[[Sequence[str]], DictConfig],
) -> NoReturn:
    """Raise `Planned` with the plan of a command.

    Nothing is downloaded for it: the hub's library reads the variable when it is imported. The
    speed of this machine is measured if cells run on it.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    checked = check_jobs(jobs, compose)
    if not runs_here(config):
        raise Planned(plan_of(checked))
    with timing(log.warning) as measure:
        raise Planned(plan_of(checked, measure))


def _or_exit(check: Callable[[], object]) -> None:
    try:
        check()
    except Exception as error:
        raise CannotStart(error) from error
