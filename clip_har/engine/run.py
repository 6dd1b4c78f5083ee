"""Run one cell: find its finished result or make it, and send it to the tracking store."""

import json
import logging
import os
import shlex
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from clip_har.config.cell import GROUPS, Cell
from clip_har.config.compose import cell_from_config, clean_config, without_hydra
from clip_har.config.fingerprint import fingerprint
from clip_har.core.atomic import clear_up, whole_folder
from clip_har.core.errors import ClipHarError, describe
from clip_har.data.clips import ClipSet, clips_of
from clip_har.engine.shards import finished_shards, run_shard
from clip_har.results.files import (
    COST,
    METRICS,
    SCORES,
    read_cost,
    read_curves,
    read_metrics,
    write_json,
)
from clip_har.tracking.tracker import RunInfo, TrackingError

log = logging.getLogger(__name__)

COMPARED = "flip_rate"  # there where a cell was compared with its clean twin
FAILED_CLIPS = "data/failed_clips"
_UNSENT = ".unsent"  # beside a result that the tracking store lacks

State = Literal["finished", "reused", "part kept", "left alone", "failed"]


@dataclass(frozen=True)
class Sweep:
    """What a cell must know of the sweep that it belongs to.

    Attributes:
        parent: id of the sweep's run in the tracking store, None without tracking.
        varying: the keys that differ between the sweep's cells.
        cells: how many there are.
        name: what differs, as it was typed.
        typed_in: the folder that it was typed in, which relative paths start from.
    """

    parent: str | None
    varying: tuple[str, ...]
    cells: int
    name: str
    typed_in: str

    def write(self, folder: Path) -> None:
        """Leave it in the sweep's folder, where workers on other machines find it, too."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "sweep.json", asdict(self))

    @classmethod
    def read(cls, folder: Path) -> "Sweep | None":
        """Read what `write` left; None when there is nothing."""
        path = folder / "sweep.json"
        if not path.is_file():
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
        # Sweeps of an earlier version have neither a number of cells nor a name.
        cells, name = content.get("cells", 0), content.get("name", folder.name)
        typed_in = content.get("typed_in", str(Path.cwd()))
        return cls(content["parent"], tuple(content["varying"]), cells, name, typed_in)

    def enter(self) -> None:
        """Go to the folder that the sweep was typed in: a cluster's workers start elsewhere.

        Raises:
            ClipHarError: when this machine does not have it.
        """
        try:
            os.chdir(self.typed_in)
        except OSError as error:
            raise ClipHarError(
                f"{self.typed_in}, in which the sweep was started, cannot be entered here"
                f" ({error.strerror}): start it in a folder that all machines share"
            ) from error


@dataclass(frozen=True)
class Outcome:
    """How a cell ended.

    Attributes:
        name: short, such as ``shape r=0.3``.
        state: ``finished`` now, ``reused`` from an earlier run, ``left alone`` by
            ``overwrite=never``, or ``failed``.
        folder: the cell's results; None when there are none.
        error: one line, for a failed cell.
        seconds: wall time.
    """

    name: str
    state: State
    folder: str | None
    error: str | None
    seconds: float

    def metrics(self) -> dict[str, float]:
        """Return the cell's numbers, empty when there are none."""
        return {} if self.folder is None else read_metrics(Path(self.folder))


def read_outcomes(folder: Path) -> dict[int, Outcome]:
    """Return the outcomes of a sweep's cells that ended, by job number in rising order."""
    paths = {int(path.parent.name): path for path in folder.glob("*/outcome.json")}
    return {
        number: Outcome(**json.loads(paths[number].read_text(encoding="utf-8")))
        for number in sorted(paths)
    }


def run_cell(config: DictConfig) -> Outcome:
    """Run the cell that Hydra composed, and leave its outcome in the job's folder.

    Raises:
        ClipHarError: when the cell cannot be run; the outcome says so, too.
    """
    started = time.monotonic()
    job = HydraConfig.get()
    sweep = Sweep.read(Path(job.sweep.dir)) if job.mode == RunMode.MULTIRUN else None
    plain = without_hydra(config)
    name = cell_name(plain, dict(job.runtime.choices), sweep.varying if sweep else ())
    place = Path(job.runtime.output_dir) / "outcome.json"

    def end(state: State, folder: Path | None = None, error: str | None = None) -> Outcome:
        seconds = round(time.monotonic() - started, 3)
        outcome = Outcome(name, state, str(folder) if folder else None, error, seconds)
        write_json(place, asdict(outcome))
        return outcome

    folder: Path | None = None
    try:
        if sweep is not None:
            sweep.enter()
        cell = cell_from_config(plain)
        name += f" shard={cell.shard}" if cell.shard else ""
        name += "".join(f" [{note}]" for note in cell.notes())
        if sweep is None and cell.masking.is_clean:
            _warn_of_no_mask(job.overrides.task)
        clips = clips_of(cell.dataset, cell.limit)
        key = fingerprint(cell, clips)
        folder = cell.results_dir / "cells" / key
        folder.parent.mkdir(parents=True, exist_ok=True)
        if cell.shard is not None:
            asked = run_shard(plain, cell, cell.shard, clips, folder, name)
            return end("part kept" if asked else "reused")
        # Two cells with one fingerprint (masking=none under two ratios) run one after the other,
        # and the second finds the first one's result.
        with FileLock(folder.with_suffix(".lock")):
            info = RunInfo(
                name=name,
                fingerprint=key,
                params=flat_params(plain, dict(job.runtime.choices)),
                tags={
                    "clip_har.overrides": " ".join(job.overrides.task),
                    "clip_har.uses_true_label": str(cell.uses_label).lower(),
                },
                parent=sweep.parent if sweep else None,
                dataset=(clips.name, clips.digest),
                command=_command(job.overrides.task),
            )
            twin = _clean_twin(plain, cell, clips, info)
            state = _run_locked(plain, cell, clips, folder, info, twin=twin)
    except TrackingError as error:
        # With its result, where there is one: the sweep's tables need no tracking store.
        whole = folder is not None and (folder / METRICS).is_file()
        end("failed", folder if whole else None, error=describe(error))
        raise
    except Exception as error:
        log.debug("the cell failed", exc_info=True)  # for the log file only
        end("failed", error=describe(error))
        raise
    return end(state, folder if (folder / METRICS).is_file() else None)


def _warn_of_no_mask(overrides: Sequence[str]) -> None:
    for override in overrides:
        if override.partition("=")[0] in ("ratio", "fill", "feature"):
            log.warning(
                "%s has no effect: masking=none hides nothing; add a mask, such as masking=percent",
                override,
            )


def cell_name(config: DictConfig, choices: dict[str, Any], varying: tuple[str, ...]) -> str:
    """Return a short name: the mask, its ratio, and what else differs within the sweep."""
    name = str(choices["masking"])
    if "ratio" in config.masking and config.masking.ratio is not None:
        name += f" r={config.masking.ratio:g}"
    for key in varying:
        # The mask's or the noise's own, which may be fixed; some have none.
        own = {"fill": "masking.fill", "feature": "masking.feature", "noise_seed": "noise.seed"}
        value = choices.get(key, OmegaConf.select(config, own.get(key, key)))
        if key not in ("masking", "ratio", "shard") and not (key in own and value is None):
            # What is the noise's is told apart from what is the mask's.
            of_noise = key.startswith(("noise.", "learning."))
            name += f" {key if of_noise else key.rpartition('.')[2]}={_shown(value)}"
    return name


def _command(overrides: Sequence[str]) -> str:
    """Return what a user types to run a cell again.

    Example:
        >>> _command(["masking=shape", "train_masking=[none,shape]"])
        "python -m clip_har masking=shape 'train_masking=[none,shape]'"
    """
    return shlex.join(["python", "-m", "clip_har", *overrides])


def _shown(value: Any) -> str:
    """Return a value for a name: of a path its last part, of a list its items."""
    if OmegaConf.is_list(value):
        return "+".join(str(item) for item in value)
    return Path(str(value)).name


def flat_params(config: DictConfig, choices: dict[str, Any]) -> dict[str, str]:
    """Return the configuration with keys joined by dots; a group's own key is the option's name.

    Example:
        >>> config = OmegaConf.create({"ratio": 0.3, "masking": {"_target_": "x", "patch": 16}})
        >>> flat_params(config, {"masking": "percent"})
        {'masking': 'percent', 'ratio': '0.3', 'masking.patch': '16'}
    """
    params = {group: str(choices[group]) for group in GROUPS if group in choices}

    def walk(node: Any, prefix: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key != "_target_":
                    walk(value, f"{prefix}.{key}" if prefix else str(key))
        else:
            params[prefix] = str(node)

    walk(OmegaConf.to_container(config, resolve=True), "")
    return params


def _clean_twin(config: DictConfig, cell: Cell, clips: ClipSet, info: RunInfo) -> Path | None:
    """Return the results of a cell's clean twin, after running it where there are none.

    None where the cell is its own twin, none is asked for, or it failed before and is left alone.
    """
    if not cell.clean_twin:
        return None
    plain = clean_config(config)
    twin = cell_from_config(plain)
    key = fingerprint(twin, clips)
    if key == info.fingerprint:
        return None
    folder = cell.results_dir / "cells" / key
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / METRICS).is_file() or folder.with_suffix(_UNSENT).is_file():
            params = {**info.params, "masking": "none", "noise": "none"}
            unlike = ("masking.", "noise.")
            kept = {name: text for name, text in params.items() if not name.startswith(unlike)}
            tags = {**info.tags, "clip_har.uses_true_label": str(twin.uses_label).lower()}
            own = replace(
                info,
                name="none (clean twin)",
                fingerprint=key,
                params=kept,
                tags=tags,
                command=f"{info.command} masking=none noise=none",
            )
            try:
                _run_locked(plain, twin, clips, folder, own, twin=None)
            except TrackingError as error:
                log.warning("%s: %s", own.name, error)  # the cell can be compared all the same
    return folder if (folder / METRICS).is_file() else None  # it may be left alone


def _run_locked(
    config: DictConfig,
    cell: Cell,
    clips: ClipSet,
    folder: Path,
    info: RunInfo,
    *,
    twin: Path | None,
) -> State:
    clear_up(folder)  # whose lock is held
    failed = folder.with_suffix(".failed")
    finished = (folder / METRICS).is_file()
    if cell.overwrite == "never" and not finished and failed.is_file():
        log.info("%s: failed before, left alone (overwrite=never)", info.name)
        return "left alone"
    reuse = (
        finished
        and cell.overwrite != "always"
        and _tolerates(cell, clips, folder)
        # It may stem from a run with ``clean_twin=false``.
        and (twin is None or COMPARED in read_metrics(folder))
    )
    if reuse:
        _warn_of_failures(clips, folder, info.name)
    if reuse and cell.tracking.has(cell.results_dir, info.fingerprint, info.parent):
        folder.with_suffix(_UNSENT).unlink(missing_ok=True)
        log.info("%s: finished already, not run again (overwrite=%s)", info.name, cell.overwrite)
        return "reused"
    shards = [] if reuse else finished_shards(folder, info.name)
    made = reuse

    def make() -> None:
        nonlocal made
        log.info("%s: running", info.name)
        try:
            _make_results(config, cell, clips, folder, info, twin=twin, shards=shards)
        except Exception as error:
            failed.write_text(describe(error) + "\n", encoding="utf-8")
            raise
        failed.unlink(missing_ok=True)
        made = True

    unsent = folder.with_suffix(_UNSENT)
    try:
        with cell.tracking.run(cell.results_dir, info) as run:
            if reuse:
                log.info("%s: finished already, sent to the tracking store", info.name)
            else:
                make()
            run.log_results(folder, read_metrics(folder) | read_cost(folder))
            for name, curve in read_curves(folder).items():
                run.log_curve(name, curve)
    except TrackingError as error:
        # A server that is away costs a sweep no result: it is on the disk, and is sent the next
        # time. A cell of its own finds out at its start, before it costs anything.
        if info.parent is None and not made:
            raise
        log.warning("%s: %s", info.name, error)
        if not made:
            make()
        unsent.touch()
        raise TrackingError(
            f"{error}; the result is kept, and sent when the command is typed again"
            " (with overwrite=missing)"
        ) from error
    unsent.unlink(missing_ok=True)
    return "reused" if reuse else "finished"


def _make_results(
    config: DictConfig,
    cell: Cell,
    clips: ClipSet,
    folder: Path,
    info: RunInfo,
    *,
    twin: Path | None,
    shards: Sequence[Path],
) -> None:
    # Imported here: all that is heavy (torch, transformers, matplotlib) comes after the checks.
    import numpy as np

    from clip_har.engine.artifacts import write_artifacts
    from clip_har.engine.evaluate import evaluate
    from clip_har.engine.load_model import load_model
    from clip_har.engine.noise_measures import effect_table, noise_metrics
    from clip_har.metrics.summary import summarise
    from clip_har.results.costs import Cost
    from clip_har.results.score_table import ScoreTable

    cost = Cost()
    clean = None if twin is None else ScoreTable.read(twin / SCORES)
    if shards:
        log.info("%s: put together from %d shards", info.name, len(shards))
    found = evaluate(cell, clips, clean=clean, cost=cost, shards=shards)
    with whole_folder(folder) as out:
        with cost.of("metrics"):
            metrics = summarise(found.table, clean) | {
                "data/clips": float(len(found.table.clip_ids)),
                FAILED_CLIPS: float(len(found.masked.frames.failures)),
            }
            metrics |= {
                f"attention/{name}": float(np.nanmean(values))
                for name, values in found.attention.items()
                if np.isfinite(values).any()
            }
            effects = None
            if (fitted := found.noise.fitted) is not None:
                effects = effect_table(found.answers, found.headline)
                metrics |= noise_metrics(effects, found.looked.classes, fitted.history)
            write_artifacts(
                out,
                config,
                cell,
                found,
                metrics,
                effects,
                device=str(load_model(cell).device),
                title=info.name,
                command=info.command,
                clean_twin=None if twin is None else twin.name,
            )
        shown = found.masked.frames.lengths[found.masked.evaluated]
        write_json(out / COST, cost.metrics(clips=len(shown), frames=int(shown.sum())))
    if shards:  # their answers stand in the whole cell's tables now
        shutil.rmtree(shards[0].parent, ignore_errors=True)
    _warn_of_failures(clips, folder, info.name)


def _tolerates(cell: Cell, clips: ClipSet, folder: Path) -> bool:
    """Return whether a finished result misses no more clips than the settings allow now.

    It may stem from a run with ``frames.on_error=skip``, which this one need not share.
    """
    share = read_metrics(folder)[FAILED_CLIPS] / len(clips.clips)
    return bool(cell.frames.on_error == "skip" or share <= cell.frames.max_failed)


def _warn_of_failures(clips: ClipSet, folder: Path, title: str) -> None:
    if failed := int(read_metrics(folder)[FAILED_CLIPS]):
        log.warning(
            "%s: %d of %d clips could not be decoded and are in no metric (failed_clips.csv)",
            title,
            failed,
            len(clips.clips),
        )
