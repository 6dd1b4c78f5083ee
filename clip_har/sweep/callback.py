"""Before, and after, the cells of a sweep: all are checked first, and their ends are told last."""

import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write

from clip_har.config.cell import Cell
from clip_har.config.compose import cell_from_config, expand, without_hydra
from clip_har.config.fingerprint import fingerprint
from clip_har.core.errors import ClipHarError
from clip_har.engine.preflight import preflight
from clip_har.engine.run import Sweep


@dataclass(frozen=True)
class StartedSweep:
    """The sweep that this process started.

    Attributes:
        folder: where its jobs leave logs and outcomes.
        cells: all of its cells, checked.
        parent: id of its run in the tracking store, None without tracking.
    """

    folder: Path
    cells: tuple[Cell, ...]
    parent: str | None


started: list[StartedSweep] = []
"""At most one; Hydra gives its callbacks no way to hand anything to the caller."""


class CannotStart(SystemExit):
    """A cell of the command cannot run, so that none is started.

    Hydra turns other exceptions of a callback into warnings.

    Attributes:
        fault: why.
    """

    def __init__(self, fault: Exception) -> None:
        super().__init__(1)
        self.fault = fault


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
    preflight(cell_from_config(without_hydra(config)))
    with read_write(config):
        config.hydra.run.dir = str(claim_folder(Path(config.hydra.run.dir)))


def claim_folder(folder: Path) -> Path:
    """Make a folder that no other command has; where the name is taken, add a number to it.

    Raises:
        ClipHarError: when it cannot be made.
    """
    folder = folder.expanduser().absolute()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(2):
            try:
                folder.mkdir()
            except FileExistsError:
                folder = folder.with_name(
                    f"{folder.name.rpartition('~')[0] or folder.name}~{number}"
                )
            else:
                break
    except OSError as error:
        raise ClipHarError(f"results_dir: {folder} cannot be made ({error.strerror})") from error
    return folder


def _start_sweep(config: DictConfig) -> None:
    loader = GlobalHydra.instance().config_loader()
    params = config.hydra.sweeper.get("params") or {}
    words = [f"{key}={value}" for key, value in params.items()]
    words += list(config.hydra.overrides.task)
    overrides = expand(words, loader)
    cells = [
        cell_from_config(without_hydra(loader.load_sweep_config(config, job))) for job in overrides
    ]
    prints = {fingerprint(cell, preflight(cell)) for cell in cells}

    first, varying = cells[0], _varying(overrides)
    swept = [word for word in words if word.partition("=")[0].lstrip("+") in varying]
    name = " ".join(swept)[:200] or "sweep"
    folder = claim_folder(Path(config.hydra.sweep.dir))
    with read_write(config), open_dict(config):
        config.hydra.sweep.dir = str(folder)
        # The jobs are composed anew, in other processes too: there this override counts.
        config.hydra.overrides.hydra.append(f"hydra.sweep.dir='{folder}'")
    try:
        parent = first.tracking.open_sweep(
            first.results_dir,
            name=name,
            key=hashlib.sha256(json.dumps(sorted(prints)).encode()).hexdigest()[:32],
            fresh=first.overwrite == "always",
        )
    except BaseException:
        folder.rmdir()
        raise
    Sweep(
        parent=parent, varying=varying, cells=len(cells), name=name, typed_in=str(Path.cwd())
    ).write(folder)
    started.append(StartedSweep(folder, tuple(cells), parent))


def _varying(overrides: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the override keys that take more than one value."""
    values: dict[str, set[str]] = {}
    for job in overrides:
        for override in job:
            key, _, value = override.partition("=")
            values.setdefault(key.lstrip("+~"), set()).add(value)
    return tuple(key for key, found in values.items() if len(found) > 1)


def _or_exit(check: Callable[[], object]) -> None:
    try:
        check()
    except Exception as error:
        raise CannotStart(error) from error
