"""Before, and after, the cells of a sweep: all are checked first, and their ends are told last."""

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from clip_har.config import Cell, cell_from_config, without_hydra
from clip_har.data.clips import ClipSet
from clip_har.faults import report_fault
from clip_har.fingerprint import fingerprint
from clip_har.run import Outcome, Sweep


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
        """Check the cell."""
        _or_exit(lambda: preflight(cell_from_config(without_hydra(config))))

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Check every cell of the sweep, then open the parent run."""
        _or_exit(lambda: _start_sweep(config))


def preflight(cell: Cell) -> ClipSet:
    """Find out, cheaply, what would stop a cell: missing data, weights or prompt files.

    Returns:
        The clips that the cell is about.

    Raises:
        ClipHarError: for the first thing that is missing.
    """
    clips: ClipSet = cell.dataset.clips()
    cell.model.folder()
    cell.prompts.texts(clips.class_names)
    return clips.limit(cell.limit)


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
        shared = cell.model_dump_json(include={"dataset", "model", "prompts", "limit"})
        if shared not in seen:
            seen[shared] = preflight(cell)
        prints.add(fingerprint(cell, seen[shared]))

    first, varying = cells[0], _varying(overrides)
    swept = [word for word in words if word.partition("=")[0].lstrip("+") in varying]
    parent = first.tracking.open_sweep(
        first.results_dir,
        name=" ".join(swept)[:200] or "sweep",
        key=hashlib.sha256(json.dumps(sorted(prints)).encode()).hexdigest()[:32],
        fresh=first.overwrite == "always",
    )
    folder = Path(config.hydra.sweep.dir)
    Sweep(parent=parent, varying=varying, cells=len(cells)).write(folder)
    started.append(StartedSweep(folder, tuple(cells), parent))


def finish(sweep: StartedSweep, outcomes: Mapping[int, Outcome], *, whole: bool) -> None:
    """Leave the table of cells and the mask gallery in the sweep's folder, and end its run.

    Args:
        sweep: the sweep.
        outcomes: of the cells that ended, by job number.
        whole: whether every cell has a result.
    """
    import pandas as pd

    from clip_har.artifacts import save_figure
    from clip_har.cell import open_frames
    from clip_har.gallery import draw_gallery

    files = [sweep.folder / "cells.csv"]
    rows = [{**asdict(outcome), **outcome.metrics()} for outcome in outcomes.values()]
    pd.DataFrame(rows).to_csv(files[0], index=False)
    done = [sweep.cells[number] for number, outcome in outcomes.items() if outcome.folder]
    if done:
        clips = done[0].dataset.clips().limit(done[0].limit)
        files.append(sweep.folder / "mask_gallery.png")
        save_figure(files[1], draw_gallery(done, clips, open_frames(done[0], clips)))
    if sweep.parent is not None:
        first = sweep.cells[0]
        first.tracking.close_sweep(first.results_dir, sweep.parent, failed=not whole, files=files)


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
