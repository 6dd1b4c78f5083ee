"""Mend a local MLflow store after its results folder was moved.

MLflow notes the absolute folder of its artifacts. After ``mv results elsewhere`` it would make the
old folder again for new artifacts, and would show none of the earlier runs.
"""

import hashlib
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

log = logging.getLogger(__name__)

ARTIFACTS = "mlartifacts"
"""The folder of the artifacts in a results folder."""

PLACE = "clip_har.place"
"""The tag of a run with the digest of its results folder's path."""

_WAIT = 60.0  # s, for other processes that write to the store


def place_of(results_dir: Path) -> str:
    """Return a digest of a results folder's path, which does not reveal the path."""
    return hashlib.sha256(str(results_dir.absolute()).encode()).hexdigest()[:16]


def follow_move(database: Path, results_dir: Path) -> None:
    """Let a store's artifacts follow their results folder if it was moved or copied.

    Experiments whose artifacts are in an ``mlartifacts`` elsewhere, and their runs, get the folder
    in ``results_dir``, in one transaction. A run whose artifacts still lie at the old place, and
    not at the new one, is left alone; so is a store outside of the results folder, which other
    results folders may share, unless artifacts of its runs lie at the new place.

    Args:
        database: the SQLite file of the store; a relative path counts from the working folder.
        results_dir: the results folder as it is now.
    """
    database = database.absolute()  # an address of a file holds its whole path
    new = results_dir.absolute() / ARTIFACTS
    if not database.is_file():
        return
    try:
        # With a file's address, since a plain name would make a missing file.
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", _WAIT, uri=True)) as store:
            is_own = database.resolve().parent == results_dir.resolve()
            with store:  # one transaction
                for (location,) in store.execute(
                    "SELECT DISTINCT artifact_location FROM experiments"
                ).fetchall():
                    old = _moved_from(location, new)
                    if old is not None:
                        _move(store, location, old, new, is_own=is_own)
    except sqlite3.Error as error:
        log.debug("%s was not looked at: %s", database, error)  # MLflow itself says more about it


def _moved_from(location: str | None, new: Path) -> Path | None:
    """Return the folder of an artifact location if it may be a former place of ``new``."""
    if not location or not location.startswith("file:"):
        return None
    old = Path(url2pathname(urlsplit(location).path))
    if old.name != ARTIFACTS or old == new or (old.exists() and new.exists() and old.samefile(new)):
        return None
    return old


def _move(store: sqlite3.Connection, location: str, old: Path, new: Path, *, is_own: bool) -> None:
    start = location.rstrip("/") + "/"
    runs = store.execute(
        "SELECT run_uuid, artifact_uri FROM runs WHERE substr(artifact_uri, 1, ?) = ?",
        (len(start), start),
    ).fetchall()
    ends = {run: uri[len(start) :] for run, uri in runs}
    moved = {
        run: end
        for run, end in ends.items()
        if (new / end).exists() or (is_own and not (old / end).exists())
    }
    if not (moved or is_own):
        return
    store.execute(
        "UPDATE experiments SET artifact_location = ? WHERE artifact_location = ?",
        (new.as_uri(), location),
    )
    store.executemany(
        "UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?",
        [(f"{new.as_uri()}/{end}", run) for run, end in moved.items()],
    )
    store.executemany(
        "UPDATE tags SET value = ? WHERE key = ? AND value = ? AND run_uuid = ?",
        [(place_of(new.parent), PLACE, place_of(old.parent), run) for run in moved],
    )
    log.warning(
        "the results folder was moved from %s to %s: the MLflow store now finds the artifacts of"
        " its %d runs there",
        old.parent,
        new.parent,
        len(moved),
    )
