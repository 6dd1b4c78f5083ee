"""One bar for the cells of a sweep, with the time left."""

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from clip_har.core.errors import ClipHarError
from clip_har.core.progress import watch
from clip_har.results.files import read_json
from clip_har.results.sweep import OUTCOME


def cells_bar(folder: Path, cells: int) -> AbstractContextManager[None]:
    """Show how many cells of a sweep have ended, wherever they run, and the time left.

    Args:
        folder: of the sweep, into which each job writes how it ended.
        cells: their number; one cell alone needs no bar.
    """
    return watch(cells, "cells", Pace(folder, cells)) if cells > 1 else nullcontext()


class Pace:
    """Looks at the outcomes of a sweep.

    Cells that found an earlier result take no time, so they do not count for the pace.

    Args:
        folder: of the sweep.
        cells: their number.
    """

    def __init__(self, folder: Path, cells: int) -> None:
        self.folder = folder
        self.cells = cells
        self.started = self._last = time.monotonic()
        self._ran = 0
        self._ended: set[Path] = set()

    def __call__(self) -> tuple[int, float | None]:
        """Return how many cells have ended, and the seconds left; None if that is not known."""
        now = time.monotonic()
        new = set(self.folder.glob(f"*/{OUTCOME}")) - self._ended
        self._ended |= new
        if ran := sum(_state(path) != "reused" for path in new):
            self._ran += ran
            self._last = now
        ended = len(self._ended)
        if not self._ran:
            return ended, None
        pace = (self._last - self.started) / self._ran
        return ended, max(0.0, pace * (self.cells - ended) - (now - self._last))


def _state(path: Path) -> str:
    try:
        return str(read_json(path)["state"])
    except (OSError, ClipHarError, KeyError, TypeError):
        return ""  # damaged: the sweep says so at its end
