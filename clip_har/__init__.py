"""Do CLIP models recognise the human action, or the room?

The same as the command, for notebooks and scripts: `evaluate` runs one cell, `sweep` runs all
combinations of settings, `load_results` reads what is finished. Faults are `ClipHarError`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from clip_har.core.code_version import __version__
from clip_har.core.errors import ClipHarError

if TYPE_CHECKING:
    import pandas as pd

    from clip_har.results.result import Result

__all__ = ["ClipHarError", "__version__", "evaluate", "load_results", "sweep"]


def evaluate(*overrides: str, **settings: Any) -> "Result":
    """Run one cell, or find its finished result, as ``python -m clip_har`` does.

    Args:
        *overrides: of the configuration, such as ``"masking.patch=8"``.
        **settings: root keys, such as ``masking="percent", ratio=0.3``.

    Returns:
        The finished cell: ``metrics``, ``table`` (a row per clip), ``clean`` (its clean twin), …

    Raises:
        ClipHarError: when a setting is wrong, something is missing, or the cell fails.
    """
    from clip_har.api.evaluate import evaluate_here
    from clip_har.config.session import as_overrides, session

    with session() as composer:
        return evaluate_here([*overrides, *as_overrides(settings)], composer)


def sweep(*overrides: str, **settings: Any) -> "pd.DataFrame":
    """Run all combinations of settings, as ``python -m clip_har -m`` does.

    Args:
        *overrides: of the configuration; ``"ratio=0.1,0.3"`` stands for two values.
        **settings: root keys, one value each.

    Returns:
        A row per cell, see `load_results`; a cell that failed says why in ``error``.

    Raises:
        ClipHarError: when a cell is wrong; then none is started.
    """
    from clip_har.api.sweep import sweep_here
    from clip_har.config.session import as_overrides, session

    with session() as composer:
        return load_results(sweep_here([*overrides, *as_overrides(settings)], composer))


def load_results(folder: str | Path = "results") -> "pd.DataFrame":
    """Read finished cells.

    Args:
        folder: of a sweep (``results/sweeps/…``), or a results folder for all of its cells; of
            cells with the same settings, made by other code, the newest.

    Returns:
        A row per cell with the columns of ``cells.csv`` (see docs/report.md), and ``result``: the
        finished cell itself, with its score table in ``.table``; None for a cell without one.

    Raises:
        ClipHarError: when there are no results.
    """
    from clip_har.sweeps.load import load_cells

    return load_cells(Path(folder).expanduser().absolute())
