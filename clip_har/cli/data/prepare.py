"""Unpack a data set from its archives: its lists and its clips, each whole or not at all."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from clip_har.cli.data.archives import MAX_BYTES, unpack
from clip_har.cli.data.layout import LIST_FILES, clips_folder, lists_folder
from clip_har.cli.data.sources import Name
from clip_har.core.errors import ClipHarError
from clip_har.data.sources.files import subfolders, video_files

log = logging.getLogger(__name__)

_TEMPORARY = ".clip-har-prepare-"
_LOCK = ".clip-har-prepare.lock"  # never removed: then two processes could hold it


def prepare(
    name: Name,
    root: Path,
    *,
    archive: Callable[[], Path] | None,
    splits: Callable[[], Path],
    max_bytes: int = MAX_BYTES,
) -> None:
    """Unpack the lists and the clips of a data set below ``root``.

    A folder that exists is not changed. A killed run leaves nothing under a final name, and the
    next run removes its temporary files.

    Args:
        name: of the data set.
        root: the folder for the data set.
        archive: returns the archive of the clips; called only if the clips are missing. None if
            they lie elsewhere: only the lists are unpacked.
        splits: returns the archive of the lists; called only if the lists are missing.
        max_bytes: largest unpacked size of each archive.

    Raises:
        ClipHarError: when an archive is missing, refused, damaged or holds something else, or
            another process prepares the same root.
    """
    root.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(root / _LOCK, timeout=0):
            _lay_out(name, root, archive, splits, max_bytes)
    except Timeout as error:
        raise ClipHarError(
            f"another clip-har-data prepare is running in {root}: wait until it has ended"
        ) from error


def _lay_out(
    name: Name,
    root: Path,
    archive: Callable[[], Path] | None,
    splits: Callable[[], Path],
    max_bytes: int,
) -> None:
    for stale in root.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(stale, ignore_errors=True)
    # The small lists first: a wrong file is noticed before gigabytes are unpacked.
    for folder, packed, unpacked in (
        (lists_folder(name, root), splits, partial(_lists, name)),
        (clips_folder(name, root), archive, _clips),
    ):
        if packed is None:
            continue
        if folder.is_dir():
            log.info("%s exists already and is not changed", folder)
            continue
        path = packed()
        with _temporary(root) as into:
            unpacked(path, into, max_bytes).rename(folder)
        log.info("%s is ready", folder)


@contextmanager
def _temporary(root: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lists(name: Name, path: Path, into: Path, max_bytes: int) -> Path:
    """Unpack the lists and return their folder."""
    unpack(path, into, max_bytes=max_bytes)
    found = sorted(file.parent for file in into.rglob(LIST_FILES[name]))
    if not found:
        raise ClipHarError(
            f"{path} holds no {LIST_FILES[name]}: expected the official lists of the splits (for"
            " action recognition, not detection)"
        )
    return _opened(found[0], into)


def _clips(path: Path, into: Path, max_bytes: int) -> Path:
    """Unpack the clips, also those of archives in the archive, and return their folder."""
    outer = into / "outer"
    outer.mkdir()
    used = unpack(path, outer, max_bytes=max_bytes)
    inner = sorted(file for file in outer.rglob("*.rar") if file.is_file())
    if not inner:
        return _opened(_class_parent(path, outer), into)
    # HMDB-51: one archive per class.
    folder = into / "classes"
    folder.mkdir()
    for one in inner:
        within = into / "one"
        within.mkdir()
        used += unpack(one, within, max_bytes=max_bytes - used)
        for class_folder in subfolders(_class_parent(one, within)):
            if (folder / class_folder.name).exists():
                raise ClipHarError(f"{path}: the class {class_folder.name} is in two archives")
            class_folder.rename(folder / class_folder.name)
        shutil.rmtree(within)
        one.unlink()
    return _opened(folder, into)


def _class_parent(path: Path, folder: Path) -> Path:
    """Return the folder that holds one folder of clips per class."""
    parents = {clip.parent.parent for clip in video_files(folder) if clip.parent != folder}
    if len(parents) != 1:
        what = "no folders of clips" if not parents else "folders of clips in several places"
        raise ClipHarError(f"{path} holds {what}: expected <class>/<clip> in one folder")
    return parents.pop()


def _opened(folder: Path, below: Path) -> Path:
    """Give a folder the permissions of the root: temporary folders are private."""
    folder.chmod(below.parent.stat().st_mode & 0o777)
    return folder
