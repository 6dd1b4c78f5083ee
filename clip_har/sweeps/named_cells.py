"""The cells that a command names, before they are composed.

They are all combinations of its values, the rows of a table, or several parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from clip_har.config.compose import expand
from clip_har.config.faults import other_sweeper
from clip_har.config.parts import PARTS, key_of, parts_of
from clip_har.config.table import FILE, table_jobs
from clip_har.core.errors import ClipHarError
from clip_har.results.sweep import Parts
from clip_har.sweeps.start import experiment_overrides

_BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
_TABLE = "hydra_plugins.clip_har_table.TableSweeper"
_PARTS = "hydra_plugins.clip_har_parts.PartsSweeper"
_CHECKPOINT = "model.checkpoint"
_HERE = ("hydra._internal.", "hydra_plugins.hydra_joblib_launcher.")
"""Launchers that run cells on this machine."""


@dataclass(frozen=True)
class NamedCells:
    """The cells of a sweep before they are composed.

    Attributes:
        jobs: the overrides of each cell.
        overrides: all overrides of the sweep.
        name: of the sweep; empty for what varies, as it was typed.
        file: the table that names the cells; None without one.
        parts: None for a sweep without parts.
        here: whether they run on this machine.
    """

    jobs: Sequence[Sequence[str]]
    overrides: Sequence[str]
    name: str = ""
    file: Path | None = None
    parts: Parts | None = None
    here: bool = True


def named_cells(config: DictConfig, typed: Sequence[str], loader: ConfigLoader) -> NamedCells:
    """Return the cells of a sweep.

    Args:
        config: with Hydra's own node.
        typed: the overrides of the command line.
        loader: the loader of the configuration.

    Raises:
        ClipHarError: when the sweeper chooses values itself, its table or parts are wrong, or one
            checkpoint is typed for several models.
    """
    found = _of_sweeper(config, typed, loader)
    _refuse_one_checkpoint([*experiment_overrides(config), *typed], found.jobs)
    return replace(found, here=runs_here(config))


def _refuse_one_checkpoint(shared: Sequence[str], jobs: Sequence[Sequence[str]]) -> None:
    """Refuse one checkpoint for several options of ``model``: all their cells would show it.

    Args:
        shared: the overrides that hold for all cells.
        jobs: the overrides of each cell.

    Raises:
        ClipHarError: when there are both.
    """
    typed = [word for word in shared if key_of(word) == _CHECKPOINT]
    models = {
        word.partition("=")[2]: None for job in jobs for word in job if key_of(word) == "model"
    }
    each = {tuple(word for word in job if key_of(word) == _CHECKPOINT) for job in jobs}
    if typed and len(each) == 1 and len(models) > 1:
        raise ClipHarError(
            f"{typed[-1]} holds for every cell, so model={','.join(models)} would be one model:"
            " leave it out, or give each model its own in a table (hydra/sweeper=table"
            f" hydra.sweeper.file=cells.csv, with the columns model,{_CHECKPOINT},masking)"
        )


def runs_here(config: DictConfig) -> bool:
    """Return whether the launcher of a command runs cells on this machine.

    Args:
        config: with Hydra's own node.
    """
    return str(config.hydra.launcher.get("_target_")).startswith(_HERE)


def _of_sweeper(config: DictConfig, typed: Sequence[str], loader: ConfigLoader) -> NamedCells:
    sweeper, params = config.hydra.sweeper, experiment_overrides(config)
    target = sweeper.get("_target_")
    if target == _BASIC:
        overrides = [*params, *typed]
        return NamedCells(expand(overrides, loader), overrides)
    if target == _TABLE:
        file = Path(str(_given(sweeper, "file", FILE, "cells.csv, a table of one cell a row")))
        jobs = table_jobs(file.expanduser(), params, typed, loader)
        return NamedCells(jobs, _flat(jobs), f"table={file.name}", file.expanduser())
    if target != _PARTS:
        raise ClipHarError(other_sweeper(str(config.hydra.runtime.choices["hydra/sweeper"])))
    given = _given(sweeper, "parts", PARTS, "{Clean: [masking=none]}")
    found = parts_of(given, params, typed, loader)
    jobs = [list(job) for part in found for job in part.jobs]
    named = config.hydra.runtime.choices.get("experiment")
    several = [one for one in typed if "," in one and key_of(one) != "experiment"]
    name = " ".join([str(named or "parts"), *several])
    counts = tuple((one.title, len(one.jobs)) for one in found)
    return NamedCells(jobs, _flat(jobs), name, parts=Parts(str(sweeper.get("about") or ""), counts))


def _given(sweeper: DictConfig, key: str, name: str, example: str) -> Any:
    if OmegaConf.is_missing(sweeper, key):
        raise ClipHarError(f"{name} is not set: add {name}={example}")
    return sweeper[key]


def _flat(jobs: Sequence[Sequence[str]]) -> list[str]:
    return [override for job in jobs for override in job]
