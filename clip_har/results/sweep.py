"""The records in a sweep's folder: what all its jobs must know, and how each job ended."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig, OmegaConf

from clip_har.core.atomic import whole_file
from clip_har.core.errors import ClipHarError
from clip_har.results.files import CONFIG, read_json, write_json
from clip_har.results.names import Words, cell_name
from clip_har.results.result import Result

SWEEP, OUTCOME = "sweep.json", "outcome.json"
_NOT_KEPT = ("config", "words")  # of an outcome: they are found when it is read

State = Literal["finished", "reused", "shard kept", "skipped", "failed"]
"""How a job ended: with a new result; with the result of an earlier run; with the score tables of a
shard; not run, because of ``overwrite=never``; or with an error."""


@dataclass(frozen=True)
class Parts:
    """The parts of a sweep.

    Attributes:
        about: what a report says above them; may be empty.
        jobs: title and number of jobs of each, in the order of the jobs.
    """

    about: str
    jobs: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Sweep:
    """What a cell must know about its sweep.

    Attributes:
        parent: id of the sweep's run in the tracking store, None without tracking.
        varying: the keys that differ between the sweep's cells.
        cells: the number of cells.
        name: what differs, as the user typed it.
        typed_in: the folder in which the command was typed; relative paths start there.
        words: the words of the names of its cells.
        parts: None for a sweep without parts.
    """

    parent: str | None
    varying: tuple[str, ...]
    cells: int
    name: str
    typed_in: str
    words: Words = field(default_factory=Words)
    parts: Parts | None = None

    def write(self, folder: Path) -> None:
        """Write it into the sweep's folder, where workers on other machines find it, too."""
        with whole_file(folder / SWEEP) as file:
            write_json(file, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> "Sweep | None":
        """Read what `write` wrote; None if there is nothing."""
        path = folder / SWEEP
        if not path.is_file():
            return None
        content = read_json(path)
        try:
            words = Words(**content.get("words", {}))
            known = {"varying": tuple(content["varying"]), "words": words}
            if (parts := content.get("parts")) is not None:
                jobs = tuple((str(title), int(count)) for title, count in parts["jobs"])
                known["parts"] = Parts(str(parts["about"]), jobs)
            return cls(**{**content, **known})
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise _damaged(path) from error

    def enter(self) -> None:
        """Change to the folder in which the sweep was typed: a cluster's workers start elsewhere.

        Raises:
            ClipHarError: when this machine does not have the folder.
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
        varies: what varies, see `what_varies`; the cell's name is made from it.
        notes: the warnings that must be shown with every number of the cell.
        state: how it ended.
        folder: the folder of the cell's result; None without a result.
        error: one line, for a failed cell.
        seconds: wall time, without that of the clean twin and the reference cell.
        twin_seconds: wall time of running these two, or of waiting for them; about 0 if another
            cell ran them before.
        command: the command that runs this job alone.
        config: its configuration, a file in the job's folder; None if it was not written.
        words: the words of the names of all jobs of the sweep.
    """

    varies: Mapping[str, Any]
    notes: tuple[str, ...]
    state: State
    folder: str | None
    error: str | None
    seconds: float
    twin_seconds: float
    command: str
    config: Path | None = None
    words: Words | None = None

    @property
    def name(self) -> str:
        """The cell's short name."""
        return cell_name(self.varies, self.words, notes=self.notes)

    @property
    def result(self) -> Result | None:
        """The cell's result, with the settings of this job; None when there is none."""
        found = None if self.folder is None else Result.at(Path(self.folder))
        if found is None:
            return None
        return replace(
            found,
            named=self.varies,
            words=self.words,
            job_command=self.command,
            job_config=self.config,
        )

    @property
    def is_lost(self) -> bool:
        """Whether it ended with a result, files of which are missing or damaged now."""
        if self.folder is None or self.state not in ("finished", "reused"):
            return False  # a shard has no result yet
        result = self.result
        return not (result and result.is_whole)

    def write(self, folder: Path, config: DictConfig) -> None:
        """Write it and the job's configuration into the job's folder.

        Each file is written whole or not at all: the disk may be full.
        """
        with whole_file(folder / CONFIG) as file:
            OmegaConf.save(config, file, resolve=True)
        kept = replace(self, config=None, words=None)
        content = {key: value for key, value in asdict(kept).items() if key not in _NOT_KEPT}
        with whole_file(folder / OUTCOME) as file:
            write_json(file, content)


_KEYS = {one.name for one in fields(Outcome)} - {*_NOT_KEPT}


def read_outcomes(folder: Path) -> dict[int, Outcome]:
    """Return the outcomes of a sweep's cells that ended, by job number in rising order.

    A results folder that was moved as a whole is found at its new place.

    Raises:
        ClipHarError: when one is damaged, or an earlier version of this package wrote it.
    """
    paths = {int(path.parent.name): path for path in folder.glob(f"*/{OUTCOME}")}
    contents = {}
    for number in sorted(paths):
        contents[number] = read_json(paths[number])
        if not isinstance(contents[number], dict) or contents[number].keys() != _KEYS:
            raise _damaged(paths[number])
    words = Words.of(content["varies"] for content in contents.values())
    found = {}
    for number, content in contents.items():
        place = content["folder"]
        if place is not None and Result.at(Path(place)) is None:
            moved = folder.parents[1] / "cells" / Path(place).name
            place = str(moved) if Result.at(moved) else place
        config = paths[number].with_name(CONFIG)
        known = {
            "notes": tuple(content["notes"]),
            "folder": place,
            "config": config if config.is_file() else None,
            "words": words,
        }
        found[number] = Outcome(**{**content, **known})
    return found


def _damaged(path: Path) -> ClipHarError:
    return ClipHarError(
        f"{path} is damaged, or an earlier version made it: run the command of the sweep again"
    )
