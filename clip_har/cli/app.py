"""The command: ``python -m clip_har`` or ``clip-har``.

No heavy module is imported at the top: ``--help`` and errors must come at once.
"""

import atexit
import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from clip_har.cli.arguments import prepared_arguments
from clip_har.cli.cores import keep_memory, share_cores
from clip_har.cli.errors import report_fault, take_over_errors
from clip_har.config.cell import register_schema
from clip_har.config.compose import CONFIG_DIR
from clip_har.config.help import register_help
from clip_har.core.addresses import hide_environment
from clip_har.core.imports import own_process

_faults: list[Exception] = []  # errors of the cells that ran in this process


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="config")
def _hydra_main(config: DictConfig) -> None:
    share_cores()  # a worker on another machine has its own environment
    keep_memory()
    own_process()
    _say_what_runs()
    from clip_har.cli.terminal import show_cell
    from clip_har.engine.job import Job
    from clip_har.engine.run import run_cell
    from clip_har.results.sweep import Sweep

    hide_environment()
    hydra_job = HydraConfig.get()
    swept = hydra_job.mode == RunMode.MULTIRUN
    job = Job(
        overrides=list(hydra_job.overrides.task),
        choices=dict(hydra_job.runtime.choices),
        sweep=Sweep.read(Path(hydra_job.sweep.dir)) if swept else None,
        folder=Path(hydra_job.runtime.output_dir),
    )
    try:
        outcome = run_cell(config, job)
    except Exception as error:  # noqa: BLE001, reported later: Hydra would print its own lines
        _faults.append(error)
        return
    if not swept:
        show_cell(outcome)


def main() -> None:
    """Run a cell or a sweep; end with an exit status and, after an error, with one clear line."""
    take_over_errors()
    own_process()
    share_cores()
    keep_memory()
    _say_what_runs()
    atexit.register(gc.freeze)  # else the end searches all modules for garbage: half a second
    logging.raiseExceptions = False  # a log file on a full disk is no reason for a traceback
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cluster's stop
    sys.argv[1:] = prepared_arguments(sys.argv[1:])
    register_schema()
    register_help()
    stopped: BaseException | None = None
    try:
        _hydra_main()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line below
        stopped = error
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, _wait_once)
    except SystemExit as end:
        # CannotStart and Planned, whose heavy module is not imported here.
        fault, plan = getattr(end, "fault", None), getattr(end, "plan", None)
        if plan is not None:
            sys.exit(_show_plan(plan))
        if fault is None:
            raise
        sys.exit(report_fault(fault))
    if _sweep_started():
        from clip_har.cli.terminal import end_sweep

        try:
            sys.exit(end_sweep(stopped))
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
            sys.exit(report_fault(error))
    for fault in (stopped, *_faults):
        if fault is not None:
            sys.exit(report_fault(fault))


def _say_what_runs() -> None:
    """Let this package's loggers speak.

    The files of ``conf/hydra/job_logging`` leave it out: Hydra reads them twice for each cell, and
    a level there sets those of all loggers below, for each of which Python looks at all loggers.
    """
    logger = logging.getLogger("clip_har")
    if logger.level == logging.NOTSET:  # hydra.verbose may have set it
        logger.setLevel(logging.INFO)


def _show_plan(plan: Any) -> int:
    from clip_har.cli.plan import show_plan

    try:
        show_plan(plan)
        sys.stdout.write("nothing was run\n")
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
        return report_fault(error)
    return 0


def _wait_once(*_: object) -> None:
    """Answer a second Ctrl-C: the runs in the tracking store must be ended first."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    sys.stderr.write("clip-har: stopping; a further Ctrl-C leaves at once\n")


def _sweep_started() -> bool:
    # Hydra imports the callback's module itself when there is a sweep.
    module = sys.modules.get("clip_har.sweeps.callback")
    return module is not None and bool(module.started)
