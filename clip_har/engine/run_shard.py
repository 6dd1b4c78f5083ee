"""Evaluate one shard of a cell: the clips of one of several jobs."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from clip_har.config.cell import Cell
from clip_har.core.checksum import read_manifest
from clip_har.data.clips import ClipSet
from clip_har.data.shards import Shard
from clip_har.engine.job import Prepared
from clip_har.results.cell_folder import CellFolder
from clip_har.results.result import Result

if TYPE_CHECKING:
    from clip_har.results.score_table import ScoreTable

log = logging.getLogger(__name__)


def run_shard(run: Prepared, shard: Shard) -> bool:
    """Evaluate a shard of a cell, of its clean twin and of its reference cell.

    What was done already is not done again. Nothing is sent to the tracking store: a shard alone
    is not a result.

    Args:
        run: the whole cell.
        shard: which clips are evaluated.

    Returns:
        Whether the model was run on the cell's own clips.
    """
    cell, clips, folder, name = run.cell, run.clips, run.folder, run.info.name
    if Result.at(folder) is not None and cell.overwrite != "always":
        log.info("%s: the whole cell is finished already", name)
        return False
    clean = None
    if cell.clean_twin and (twin := run.clean_twin()) is not None:
        clean = clean_table(twin.cell, shard, clips, twin.folder, f"{name}, its clean twin")
    reference = run.reference()
    if reference is not None and Result.at(reference.folder) is None:
        what = f"{name}, its reference"
        _evaluate(reference.cell, shard, reference.clips, reference.folder, what, None)
    again = cell.overwrite == "always"
    evaluated = _evaluate(cell, shard, clips, folder, name, clean, again=again)
    _, missing = CellFolder(folder).find_shards(shard.count)
    rest = f"; {', '.join(map(str, missing))} to come" if missing else ""
    log.info("%s: kept%s; the same command without shard merges all shards", name, rest)
    return evaluated


def clean_table(twin: Cell, shard: Shard, clips: ClipSet, folder: Path, name: str) -> "ScoreTable":
    """Return the clean twin's score table: of all clips if it is finished, else of the shard."""
    # Imported here: heavy modules (torch, transformers) are loaded after the checks.
    from clip_har.results.shard_scores import read_shard

    if (finished := Result.at(folder)) is not None:
        return finished.table
    _evaluate(twin, shard, clips, folder, name, None)
    part = read_shard(CellFolder(folder).shard(shard))
    return part.tables[part.headline]


def _evaluate(
    cell: Cell,
    shard: Shard,
    clips: ClipSet,
    folder: Path,
    name: str,
    clean: "ScoreTable | None",
    *,
    again: bool = False,
) -> bool:
    """Write the score tables of a shard unless they exist; return whether the model was run."""
    from clip_har.engine.evaluate import evaluate
    from clip_har.results.costs import Cost
    from clip_har.results.shard_scores import write_shard

    out = CellFolder(folder).shard(shard)
    out.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(out.with_suffix(".lock")):
        if out.is_dir() and not again:
            manifest = read_manifest(out)
            if manifest is not None and not manifest.damaged():
                log.info("%s: finished already", name)
                return False
            log.warning("%s: files in %s are missing or damaged: run again", name, out)
        log.info("%s: running", name)
        cost = Cost()
        part = cell.model_copy(update={"shard": shard})
        found = evaluate(part, clips, clean=clean, cost=cost)
        compared = clean is not None
        write_shard(
            out, found.headline, found.variant_scores, seconds=cost.seconds, compared=compared
        )
    return True
