"""What a sweep keeps in its folder: what all of its jobs must know, and how each job ended."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from clip_har.core.errors import ClipHarError
from clip_har.results.files import read_json, write_json
from clip_har.results.names import cell_name
from clip_har.results.result import Result

SWEEP, OUTCOME = "sweep.json", "outcome.json"

State = Literal["finished", "reused", "shard kept", "left alone", "failed"]
"""How a job ended: with a new result; with that of an earlier run; a shard with its answers; not
run, by ``overwrite=never``; or with an error."""


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
        write_json(folder / SWEEP, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> "Sweep | None":
        """Read what `write` left; None when there is nothing."""
        path = folder / SWEEP
        if not path.is_file():
            return None
        content = read_json(path)
        return cls(**{**content, "varying": tuple(content["varying"])})

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
    """How a job ended: a record in the job's folder that points at the cell's result.

    Attributes:
        varies: what the cell is called, see `what_varies`.
        notes: what must stand beside every number of the cell.
        state: how it ended.
        folder: the cell's results; None when there are none.
        error: one line, for a failed cell.
        seconds: wall time.
    """

    varies: Mapping[str, Any]
    notes: tuple[str, ...]
    state: State
    folder: str | None
    error: str | None
    seconds: float

    @property
    def name(self) -> str:
        """The cell's short name."""
        return cell_name(self.varies, notes=self.notes)

    @property
    def result(self) -> Result | None:
        """The cell's result; None when there is none."""
        found = None if self.folder is None else Result.at(Path(self.folder))
        return None if found is None else Result(found.folder, self.varies)

    def write(self, folder: Path) -> None:
        """Leave it in the job's folder."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / OUTCOME, asdict(self))


def read_outcomes(folder: Path) -> dict[int, Outcome]:
    """Return the outcomes of a sweep's cells that ended, by job number in rising order.

    A results folder that was moved as a whole is found where it is now.

    Raises:
        ClipHarError: when an earlier version wrote them.
    """
    paths = {int(path.parent.name): path for path in folder.glob(f"*/{OUTCOME}")}
    found = {}
    for number in sorted(paths):
        content = read_json(paths[number])
        if "varies" not in content:
            raise ClipHarError(
                f"{folder}: an earlier version made this sweep: type its command again"
            )
        place = content["folder"]
        if place is not None and Result.at(Path(place)) is None:
            moved = folder.parents[1] / "cells" / Path(place).name
            place = str(moved) if Result.at(moved) else place
        notes = tuple(content["notes"])
        found[number] = Outcome(**{**content, "notes": notes, "folder": place})
    return found
