"""Before, and after, the cells of a sweep: all are checked first, and their ends are told last."""

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write

from clip_har.config import Cell, cell_from_config, without_hydra
from clip_har.data.clips import ClipSet, clips_of
from clip_har.errors import ClipHarError
from clip_har.faults import report_fault
from clip_har.fingerprint import fingerprint
from clip_har.run import Outcome, Sweep
from clip_har.tracking.tracker import SweepStatus

if TYPE_CHECKING:
    from clip_har.sweep_measures import SweepMeasures


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


class SweepCallback(Callback):
    """Hydra calls this before a run or a sweep starts.

    A wrong cell stops everything before the first one runs. Hydra turns an exception of a
    callback into a warning, so that leaving the process is the only way to stop it.
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


def preflight(cell: Cell) -> ClipSet:
    """Find out, cheaply, what would stop a cell: missing data, weights or prompt files.

    Returns:
        The clips that the cell is about.

    Raises:
        ClipHarError: for the first thing that is missing.
    """
    clips = clips_of(cell.dataset, cell.limit)
    if cell.shard is not None:
        cell.shard.of(clips)
    cell.prompts.texts(clips.class_names)
    cell.model.folder()
    if cell.frames.size not in (None, size := cell.model.image_size()):
        raise ClipHarError(
            f"frames.size={cell.frames.size}: the model takes {size} px; leave frames.size=null"
        )
    length, frames = cell.model.clip_length(), cell.frames
    if length is not None and (frames.sampler, frames.count) != ("uniform", length):
        raise ClipHarError(
            f"frames.sampler={frames.sampler}, frames.count={frames.count}: the model takes"
            f" {length} frames of each clip; use frames.sampler=uniform frames.count={length}"
        )
    if cell.device not in ("auto", "cpu") or cell.precision == "fp16":
        # Only these can be impossible, and only PyTorch knows (it takes seconds to import).
        from clip_har.models.dual_encoder import pick_device, pick_dtype

        pick_dtype(cell.precision, pick_device(cell.device))
    cell.region.identity(clips)
    return clips


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
    # Cells share most of what preflight looks at; each combination is looked at once.
    seen: dict[str, ClipSet] = {}
    prints = set()
    for cell in cells:
        own = {
            "masking",
            "noise",
            "ratio",
            "fill",
            "feature",
            "seed",
            "noise_seed",
            "learning",
            "train_masking",
            "train_ratios",
            "attention_clips",
            "clean_twin",
            "base_model",
        }
        shared = cell.model_dump_json(exclude=own)
        if shared not in seen:
            seen[shared] = preflight(cell)
        prints.add(fingerprint(cell, seen[shared]))

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


def finish(
    sweep: StartedSweep, outcomes: Mapping[int, Outcome], *, status: SweepStatus
) -> "tuple[list[Path], SweepMeasures]":
    """Leave the sweep's tables and pictures in its folder, and end its run.

    Args:
        sweep: the sweep.
        outcomes: of the cells that ended, by job number.
        status: how it ended: finished when no cell failed or is missing.

    Returns:
        The files, and what the cells tell together.
    """
    from clip_har.sweep_files import write_sweep_files, write_sweep_report

    files: list[Path] = []
    metrics: dict[str, float] = {}
    note = ""
    try:
        files, measures = write_sweep_files(sweep.folder, sweep.cells, outcomes)
        metrics = measures.metrics()
        # Shards have nothing to report before they are put together.
        shards = all(cell.shard is not None for cell in sweep.cells)
        report = None if shards else write_sweep_report(sweep.folder, measures)
        if report is not None:
            files += report
            note = report[0].read_text(encoding="utf-8")
    finally:  # the run must not stay open because a picture failed
        if sweep.parent is not None:
            first = sweep.cells[0]
            first.tracking.close_sweep(
                first.results_dir,
                sweep.parent,
                status=status,
                files=files,
                metrics=metrics,
                note=note,
            )
    return files, measures


def expand(words: list[str], loader: ConfigLoader) -> list[list[str]]:
    """Return the overrides of each cell, as Hydra's basic sweeper expands them.

    Args:
        words: overrides, where a value such as ``a,b`` stands for several cells.
        loader: of the configuration that they are for.
    """
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(words)
    batches = BasicSweeper.split_arguments(parsed, max_batch_size=None)
    return list(itertools.chain.from_iterable(batches))


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
    except Exception as error:  # told in one line
        raise SystemExit(report_fault(error)) from error
