"""A large file that is memory-mapped, and whose parts are compared with their checksums."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_har.core.atomic import sync
from clip_har.core.cache import disk_errors, lock_of
from clip_har.core.checksum import checksum
from clip_har.core.errors import ClipHarError

log = logging.getLogger(__name__)

_verified: dict[tuple[Any, ...], set["Part"]] = {}
"""By file, the parts that this process has compared with their checksums."""


@dataclass(frozen=True)
class Part:
    """Rows of the file that belong together.

    Attributes:
        name: what they belong to, such as the id of a clip.
        start: the first row.
        length: how many rows.
        checksum: see `checksum_of`.
    """

    name: str
    start: int
    length: int
    checksum: str


def checksum_of(name: str, rows: NDArray[np.uint8]) -> str:
    """Return the checksum of rows, of what they belong to, and of their shape."""
    return checksum(f"{name}\n{rows.shape}\n".encode(), np.ascontiguousarray(rows).data)


class CheckedFile:
    """Rows of bytes in a file; each part is verified at its first use in a process.

    A damaged part is made again and written to its place. A process that reads it meanwhile finds
    it damaged and waits for the lock. No other bytes than the right ones are ever written.

    Args:
        path: the file, in a folder that `clip_har.core.cache.cached` made.
        shape: rows, then the shape of a row.
        what: a name for messages, such as ``"frames"``.
        index: the file with the checksums.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], *, what: str, index: Path) -> None:
        self.path = path
        self.shape = shape
        self.what = what
        self.index = index

    def open(self) -> bool:
        """Map the file, so that it can be read even after it was replaced.

        Returns:
            Whether it is there and has the right size.
        """
        try:
            whole: bool = self.path.stat().st_size == np.prod(self.shape)
            if whole and np.prod(self.shape):  # an empty file cannot be mapped
                _ = self._rows
        except OSError:
            return False
        return whole

    def part(self, part: Part, again: Callable[[], NDArray[np.uint8] | None]) -> NDArray[np.uint8]:
        """Return rows as a read-only view of the file; mend them first if they are damaged.

        Args:
            part: the rows.
            again: makes them again; None if they cannot be made.

        Raises:
            ClipHarError: when they are damaged and cannot be mended.
        """
        rows = self._rows[part.start : part.start + part.length]
        if part not in self._known:
            if checksum_of(part.name, rows) != part.checksum:
                rows = self._mended(part, again)
            self._known.add(part)
        return rows

    def _mended(
        self, part: Part, again: Callable[[], NDArray[np.uint8] | None]
    ) -> NDArray[np.uint8]:
        folder = self.path.parent
        with disk_errors(folder, self.what), lock_of(folder):
            if checksum_of(part.name, self._reopened(part)) != part.checksum:
                rows = again()
                if rows is None or checksum_of(part.name, rows) != part.checksum:
                    self.index.unlink(missing_ok=True)
                    raise ClipHarError(
                        f"{self.path}: the {self.what} of {part.name} are damaged, and what is made"
                        " again is not what was there: run the command again, which makes the"
                        f" {self.what} of all clips again"
                    )
                with self.path.open("r+b") as file:
                    file.seek(part.start * int(np.prod(self.shape[1:])))
                    file.write(np.ascontiguousarray(rows).data)
                sync(self.path)
                log.warning(
                    "%s: the %s of %s were damaged: made again", self.path, self.what, part.name
                )
            return self._reopened(part)

    def _reopened(self, part: Part) -> NDArray[np.uint8]:
        """Return rows of the file that has the name now: another process may have replaced it."""
        self.__dict__.pop("_rows", None)
        return self._rows[part.start : part.start + part.length]

    @cached_property
    def _rows(self) -> NDArray[np.uint8]:
        mapped = np.memmap(self.path, dtype=np.uint8, mode="r", shape=self.shape)
        return mapped.view(np.ndarray)

    @cached_property
    def _known(self) -> set[Part]:
        stat = self.path.stat()
        seen = (self.path, stat.st_ino, stat.st_mtime_ns, stat.st_size)
        return _verified.setdefault(seen, set())

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the place only: pickling a memory map would copy the whole file."""
        return {
            key: value for key, value in self.__dict__.items() if key not in ("_rows", "_known")
        }
