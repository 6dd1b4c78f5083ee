"""Start a sweep: check all its cells, claim its folder, open its run in the tracking store."""

import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from clip_har.config.cell import Cell
from clip_har.config.compose import cell_from_config, without_hydra
from clip_har.config.fingerprint import fingerprint
from clip_har.core.errors import ClipHarError
from clip_har.engine.preflight import preflight
from clip_har.results.names import Words, what_varies
from clip_har.results.sweep import Sweep


@dataclass(frozen=True)
class StartedSweep:
    """A sweep that was started.

    Attributes:
        folder: where its jobs write logs and outcomes.
        cells: all its cells, checked.
        shared: what all its jobs must know.
    """

    folder: Path
    cells: tuple[Cell, ...]
    shared: Sweep


def swept_words(config: DictConfig) -> list[str]:
    """Return all overrides of a sweep: those of its experiment, then those that were typed.

    Args:
        config: with Hydra's own node.
    """
    return [*experiment_words(config), *config.hydra.overrides.task]


def experiment_words(config: DictConfig) -> list[str]:
    """Return the overrides of a sweep that its experiment names.

    Args:
        config: with Hydra's own node.
    """
    params = config.hydra.sweeper.get("params") or {}
    return [f"{key}={value}" for key, value in params.items()]


def start_sweep(
    words: Sequence[str],
    jobs: Sequence[Sequence[str]],
    compose: Callable[[Sequence[str]], DictConfig],
    folder: Path,
) -> StartedSweep:
    """Check every cell of a sweep, then open its run and write its folder.

    Args:
        words: all overrides of the sweep, see `swept_words`.
        jobs: the overrides of each cell.
        compose: returns the configuration of a cell for its overrides.
        folder: the folder for the sweep; a number is added if another command has it.

    Raises:
        ClipHarError: when a cell is wrong or cannot run; then no cell is started.
    """
    composed = [compose(job) for job in jobs]
    plain = [without_hydra(config) for config in composed]
    cells = [cell_from_config(config) for config in plain]
    prints = {fingerprint(cell, preflight(cell)) for cell in cells}
    first, varying = cells[0], _varying(jobs)
    typed = [word for word in words if word.partition("=")[0].lstrip("+") in varying]
    name = " ".join(typed)[:200] or "sweep"
    folder = claim_folder(folder)
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
    choices = [dict(config.hydra.runtime.choices) for config in composed]
    names = Words.of(
        what_varies(config, chosen, varying) for config, chosen in zip(plain, choices, strict=True)
    )
    sweep = Sweep(parent, varying, len(cells), name, typed_in=str(Path.cwd()), words=names)
    sweep.write(folder)
    return StartedSweep(folder, tuple(cells), sweep)


def claim_folder(folder: Path) -> Path:
    """Make a folder for this command alone; add a number to its name if the name is taken.

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


def _varying(jobs: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the override keys that take more than one value."""
    values: dict[str, set[str]] = {}
    for job in jobs:
        for override in job:
            key, _, value = override.partition("=")
            values.setdefault(key.lstrip("+~"), set()).add(value)
    return tuple(key for key, found in values.items() if len(found) > 1)
