"""Run one shard of a cell: keep the answers to its clips, for the whole cell to put together."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from omegaconf import DictConfig

from clip_har.config.cell import Cell
from clip_har.config.compose import cell_from_config, clean_config
from clip_har.config.fingerprint import fingerprint
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.results.files import METRICS, SCORES

if TYPE_CHECKING:
    from clip_har.engine.drift import Embedded

log = logging.getLogger(__name__)


def run_part(config: DictConfig, cell: Cell, clips: ClipSet, folder: Path, name: str) -> bool:
    """Answer the cell's shard of the clips, where that was not done yet, and that of its twin.

    Nothing is sent to the tracking store: the numbers of a part are nobody's.

    Args:
        config: the composed configuration, without Hydra's own node.
        cell: the checked settings, with a shard.
        clips: all of the cell's clips.
        folder: of the whole cell's results.
        name: of the cell, for messages.

    Returns:
        Whether the model was asked.
    """
    if (folder / METRICS).is_file() and cell.overwrite != "always":
        log.info("%s: the whole cell is finished already", name)
        return False
    clean = None
    if cell.clean_twin:
        twin = cell_from_config(clean_config(config))
        twin_folder = folder.with_name(fingerprint(twin, clips))
        if twin_folder != folder:
            clean = _clean(twin, clips, twin_folder, f"{name}, its clean twin")
    asked = _answer(cell, clips, folder, name, clean, anew=cell.overwrite == "always")
    from clip_har.engine.shards import find_parts

    _, missing = find_parts(folder, cell.shard.count if cell.shard else None)
    rest = f"; {', '.join(map(str, missing))} to come" if missing else ""
    log.info("%s: kept%s; the same command without shard puts all parts together", name, rest)
    return asked


def finished_parts(folder: Path, name: str) -> list[Path]:
    """Return the files with the answers to all shards of a cell; empty where it has no shards.

    Raises:
        ClipHarError: when some shards are missing: a cell that was split for its size is not
            evaluated as a whole by mistake.
    """
    from clip_har.engine.shards import find_parts

    files, missing = find_parts(folder)
    if missing:
        raise ClipHarError(
            f"{name}: no answers yet for shard {' and '.join(map(str, missing))}: run it with"
            f" shard={missing[0]}, or remove {folder.with_suffix('.parts')} to evaluate all clips"
            " in one go"
        )
    return files


def _clean(twin: Cell, clips: ClipSet, folder: Path, name: str) -> "Embedded":
    """Return what the clean twin's answers are: of the whole, where it is finished, or a shard."""
    if (folder / METRICS).is_file():
        from clip_har.results.score_table import ScoreTable

        return ScoreTable.read(folder / SCORES)
    from clip_har.engine.shards import PartAnswers, part_file

    assert twin.shard is not None  # noqa: S101
    _answer(twin, clips, folder, name, None)
    return PartAnswers.read(part_file(folder, twin.shard))


def _answer(
    cell: Cell,
    clips: ClipSet,
    folder: Path,
    name: str,
    clean: "Embedded | None",
    *,
    anew: bool = False,
) -> bool:
    """Keep a shard's answers, where they are not kept yet, and return whether they were made."""
    # Imported here: all that is heavy (torch, transformers) comes after the checks.
    from clip_har.engine.evaluate import answer_part
    from clip_har.engine.shards import part_file

    assert cell.shard is not None  # noqa: S101
    file = part_file(folder, cell.shard)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):
        if file.is_file() and not anew:
            log.info("%s: answered already", name)
            return False
        log.info("%s: running", name)
        answer_part(cell, clips, clean=clean).write(file)
    return True
