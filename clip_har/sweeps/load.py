"""Read finished cells as a table."""

import logging
from pathlib import Path

import pandas as pd

from clip_har.core.errors import ClipHarError
from clip_har.results.result import Result
from clip_har.results.sweep import SWEEP, read_outcomes
from clip_har.sweeps.comparisons import newest_results
from clip_har.sweeps.table import cell_rows, sweep_table

log = logging.getLogger(__name__)


def load_cells(folder: Path) -> pd.DataFrame:
    """Return the cells of a sweep, or of a results folder.

    Args:
        folder: the folder of a sweep, or a results folder.

    Returns:
        The columns of ``cells.csv``, see `sweep_table` and `cell_rows`, and ``result``.

    Raises:
        ClipHarError: when there are no cells.
    """
    if (folder / SWEEP).is_file():
        outcomes = list(read_outcomes(folder).values())
        results = [_of_this_version(outcome.result) for outcome in outcomes]
        once = {one.folder: one for one in reversed(results) if one is not None}
        if outcomes:
            rows = (
                cell_rows(list(reversed(once.values()))) if once else pd.DataFrame({"folder": []})
            )
            return sweep_table(outcomes, rows).assign(result=pd.Series(results, dtype=object))
    found = []
    for path in sorted((folder / "cells").glob("[!.]*")):
        if path.is_dir() and not path.suffix:
            result = Result.at(path)
            if result is None:
                log.warning("%s is left out: files are missing or damaged: run it again", path)
            elif (result := _of_this_version(result)) is not None:
                found.append(result)
    if not found:
        raise ClipHarError(
            f"{folder}: expected the folder of a sweep or a results folder with finished cells"
        )
    found, older = newest_results(found)
    for line in older:
        log.warning("%s, which is left out", line)
    return cell_rows(found).assign(result=pd.Series(found, dtype=object))


def _of_this_version(result: Result | None) -> Result | None:
    """Return a result if this version can read it; else None, and say so."""
    if result is None or result.is_of_this_version:
        return result
    log.warning("%s is left out: an earlier version made it: run it again", result.folder)
    return None
