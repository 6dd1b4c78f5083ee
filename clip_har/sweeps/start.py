"""Start a sweep: check all its cells, claim its folder, open its run in the tracking store."""

import hashlib
import itertools
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from clip_har.config.cell import Cell
from clip_har.config.compose import (
    cell_from_config,
    without_auto,
    without_hub_revision,
    without_hydra,
)
from clip_har.config.fingerprint import fingerprint
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.engine.job import cell_params
from clip_har.engine.preflight import preflight
from clip_har.results.names import MASK, RATIO, Words, what_varies, with_source
from clip_har.results.sweep import Parts, Sweep
from clip_har.tracking.tracker import SweepInfo

log = logging.getLogger(__name__)

_NAME_LIMIT = 250  # characters of a run's name, the limit of MLflow's databases


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


def experiment_overrides(config: DictConfig) -> list[str]:
    """Return the overrides of a sweep that its experiment names.

    Args:
        config: with Hydra's own node.
    """
    params = config.hydra.sweeper.get("params") or {}
    return [f"{key}={value}" for key, value in params.items()]


@dataclass(frozen=True, eq=False)
class CheckedJob:
    """One cell of a command that nothing would stop.

    Attributes:
        overrides: its overrides, as typed.
        config: its configuration as it is recorded, without Hydra's own node.
        choices: the option of each group that the command names.
        cell: its settings.
        clips: the clips that it evaluates.
        fingerprint: of the cell.
    """

    overrides: Sequence[str]
    config: DictConfig
    choices: Mapping[str, Any]
    cell: Cell
    clips: ClipSet
    fingerprint: str

    def resolved(self) -> tuple[DictConfig, Mapping[str, Any]]:
        """Return configuration and choices with the region source that is used."""
        return without_auto(self.config, self.choices)

    def varies(self, varying: Sequence[str]) -> dict[str, Any]:
        """Return what varies between it and other cells, see `what_varies`.

        Args:
            varying: the keys that differ between the cells.
        """
        config, choices = self.resolved()
        found = what_varies(config, choices, varying)
        return with_source(found, self.cell, self.choices, choices)


def check_jobs(
    jobs: Sequence[Sequence[str]], compose: Callable[[Sequence[str]], DictConfig]
) -> list[CheckedJob]:
    """Check every cell of a command.

    Args:
        jobs: the overrides of each cell.
        compose: returns the configuration of a cell for its overrides.

    Raises:
        ClipHarError: when a cell is wrong or cannot run.
    """
    composed = [compose(job) for job in jobs]
    plain = [without_hub_revision(without_hydra(config)) for config in composed]
    cells = [cell_from_config(config) for config in plain]
    _refuse_several_measures(cells)
    checked = []
    for job, config, full, cell in zip(jobs, plain, composed, cells, strict=True):
        clips, choices = preflight(cell), dict(full.hydra.runtime.choices)
        checked.append(CheckedJob(job, config, choices, cell, clips, fingerprint(cell, clips)))
    return checked


def start_sweep(
    overrides: Sequence[str],
    jobs: Sequence[Sequence[str]],
    compose: Callable[[Sequence[str]], DictConfig],
    folder: Path,
    *,
    name: str = "",
    parts: Parts | None = None,
) -> StartedSweep:
    """Check every cell of a sweep, then open its run and write its folder.

    Args:
        overrides: all overrides of the sweep: those of its experiment, then those that were typed.
        jobs: the overrides of each cell.
        compose: returns the configuration of a cell for its overrides.
        folder: the folder for the sweep; a number is added if another command has it.
        name: of the sweep; empty for what varies, as it was typed.
        parts: None for a sweep without parts.

    Raises:
        ClipHarError: when a cell is wrong or cannot run; then no cell is started.
    """
    checked = check_jobs(jobs, compose)
    refuse_plan(*(job.cell for job in checked))
    cells = [job.cell for job in checked]
    fingerprints = [job.fingerprint for job in checked]
    masks = [job.choices[MASK] for job in checked]
    if any(override.partition("=")[0] == RATIO for override in overrides):
        _say_ratio(cells, masks)
    keys = [f"{one} {cell.shard}" for one, cell in zip(fingerprints, cells, strict=True)]
    _say_equal(keys, masks, jobs)
    first, varying = cells[0], varying_keys(jobs)
    typed = [
        override for override in overrides if override.partition("=")[0].lstrip("+") in varying
    ]
    name = name or " ".join(typed)[:200] or "sweep"
    params = _shared_params(
        [
            cell_params(config, job.cell, choices)
            for job in checked
            for config, choices in [job.resolved()]
        ]
    )
    clips = [job.clips for job in checked]
    info = SweepInfo(
        name=f"{name} · {_protocol(params, clips)}"[:_NAME_LIMIT],
        key=hashlib.sha256(json.dumps(sorted(set(fingerprints))).encode()).hexdigest()[:32],
        params=params,
        datasets=list({one.digest: (one.title, one.digest) for one in clips}.values()),
    )
    folder = claim_folder(folder)
    try:
        parent = first.tracking.open_sweep(
            first.results_dir, info, fresh=first.overwrite == "always"
        )
    except BaseException:
        folder.rmdir()
        raise
    names = Words.of(job.varies(varying) for job in checked)
    typed_in = str(Path.cwd())
    sweep = Sweep(parent, varying, len(cells), name, typed_in, words=names, parts=parts)
    sweep.write(folder)
    return StartedSweep(folder, tuple(cells), sweep)


def _shared_params(found: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the parameters that all cells share; those that vary as a list, after ``swept.``."""
    shared = {}
    for key in {key: None for params in found for key in params}:
        values = list(dict.fromkeys(params[key] for params in found if key in params))
        if len(values) == 1 and all(key in params for params in found):
            shared[key] = values[0]
        else:
            shared[f"swept.{key}"] = ", ".join(values)
    return shared


def _protocol(params: Mapping[str, str], clips: Sequence[ClipSet]) -> str:
    """Return model, data, frames and prompts as a few words."""
    words = {
        key: params.get(key) or params.get(f"swept.{key}", "")
        for key in ("model", "frames.sampler", "frames.count", "prompts")
    }
    frames = words["frames.sampler"]
    if frames == "uniform":
        frames += f" {words['frames.count']}"
    data = ", ".join(dict.fromkeys(one.title for one in clips))
    return f"{words['model']} on {data}, {frames}, {words['prompts']}"


def refuse_plan(*cells: Cell) -> None:
    """Refuse to run cells of which a plan is wanted.

    Raises:
        ClipHarError: when a cell has ``plan=true``.
    """
    if any(cell.plan for cell in cells):
        raise ClipHarError(
            "plan=true: expected on the command line, once (python -m clip_har … plan=true); here"
            " cells are run"
        )


def _refuse_several_measures(cells: Sequence[Cell]) -> None:
    """Refuse a sweep over measures: its cells would share one result, which holds one of them.

    Raises:
        ClipHarError: when the settings of the measures differ between the cells.
    """
    found = list(dict.fromkeys(cell.measures for cell in cells))
    for key, first in found[0]:
        if any(getattr(other, key) != first for other in found):
            raise ClipHarError(
                f"measures.{key} has several values: all cells of a sweep are measured in the same"
                " way; run a command for each value: the model is not run again"
            )


def _say_ratio(cells: Sequence[Cell], masks: Sequence[str]) -> None:
    """Say what a typed ratio does to masks whose own default is the exact target."""
    found = {
        mask: cell.masking.ratio
        for cell, mask in zip(cells, masks, strict=True)
        if cell.masking.targets and cell.masking.ratio is not None
    }
    if found:
        log.info(
            "ratio=… holds for all masks that take one: %s %s that share of each frame, whatever"
            " the size of the target; ratio=null hides or keeps exactly the target",
            " and ".join(found),
            "hides" if len(found) == 1 else "hide",
        )


def _say_equal(keys: Sequence[str], masks: Sequence[str], jobs: Sequence[Sequence[str]]) -> None:
    """Say which cells are the same, because their mask does not use what varies."""
    groups: dict[str, list[int]] = {}
    for number, one in enumerate(keys):
        groups.setdefault(one, []).append(number)
    same: dict[str, dict[str, None]] = {}
    for members in groups.values():
        named = " and ".join(dict.fromkeys(masks[number] for number in members))
        if len(members) > 1:
            varying = varying_keys([jobs[number] for number in members])
            same.setdefault(named, {}).update(dict.fromkeys(varying))
    if same:
        reasons = [_why_equal(mask, [*varying]) for mask, varying in same.items()]
        equal = len(keys) - len(groups)
        log.info(
            "%d of %d cells %s to another one and %s not run twice: %s",
            *(equal, len(keys), *(("is equal", "is") if equal == 1 else ("are equal", "are"))),
            "; ".join(reasons),
        )


_READ = ("dataset", "model", "prompts")  # groups that name files, whose content counts


def _why_equal(mask: str, varying: Sequence[str]) -> str:
    """Return why cells with a mask are equal, whatever differs in how they were typed."""
    if not varying:
        return f"masking={mask} is named twice"
    if MASK in varying:
        return f"masking={mask} is the same mask"
    if all(key.split(".")[0] in _READ for key in varying):
        return f"the values of {', '.join(varying)} name the same content"
    return f"masking={mask} does not depend on {', '.join(varying)}"


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


def varying_keys(jobs: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the override keys that do not have one value in all jobs.

    Example:
        >>> varying_keys([["seed=0", "ratio=0.1"], ["seed=0", "ratio=0.3"], ["seed=0"]])
        ('ratio',)
    """
    values: dict[str, list[str]] = {}
    for job in jobs:
        for override in job:
            key, _, value = override.partition("=")
            values.setdefault(key.lstrip("+~"), []).append(value)
    return tuple(
        key for key, found in values.items() if len(set(found)) > 1 or len(found) < len(jobs)
    )
