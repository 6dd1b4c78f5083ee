"""Write files and folders whole or not at all: a half-written one never gets its final name.

What gets its final name is on the disk before: its content is synced first, then the name. So it is
whole after a loss of power, too.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OLD = "old"
_CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP}  # some network file systems cannot sync a folder


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces ``folder`` when everything in it is on the disk.

    An older ``folder`` stays until then. If the body raises, or the disk fails, nothing is left
    behind. What a killed process left is removed by the next process that writes the same folder.
    So two processes must not write the same folder at the same time.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    clear_up(folder)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_UMASK)
        for path in temporary.rglob("*"):
            sync(path)
        sync(temporary)
        _rename_over(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _rename_over(temporary: Path, folder: Path) -> None:
    """Give a folder its final name, and remove the older folder of that name."""
    if not folder.exists():
        temporary.rename(folder)
        sync(folder.parent)
        return
    # A folder cannot be replaced in one step: move the old one first.
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    folder.rename(aside / _OLD)
    try:
        temporary.rename(folder)
    except BaseException:
        (aside / _OLD).rename(folder)
        aside.rmdir()
        raise
    sync(folder.parent)  # before the old one is removed: one of the two is there at any time
    shutil.rmtree(aside, ignore_errors=True)


def clear_up(folder: Path) -> None:
    """Remove the temporary files that killed writers of a folder or file left.

    No other process may be writing it at the same time. If a writer was killed after it moved the
    older folder away and before it renamed the new one, the older folder is put back.
    """
    for stale in folder.parent.glob(f".{folder.name}-*"):
        if (stale / _OLD).is_dir() and not folder.exists():
            (stale / _OLD).rename(folder)
        if stale.is_dir():
            shutil.rmtree(stale, ignore_errors=True)
        else:
            stale.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file that takes the place of ``path`` once its content is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # the suffix stays: some writers tell the format from it
    handle, name = tempfile.mkstemp(path.suffix, f".{path.name}-", path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_UMASK)
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk.

    Raises:
        OSError: when the disk is full or fails; some systems notice it only here.
    """
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":  # Windows cannot open a folder
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not (is_folder and error.errno in _CANNOT_SYNC):
            raise
    finally:
        os.close(descriptor)


def _umask() -> int:
    """Return the process's file mode mask. It can only be read by setting it: not in threads."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


_UMASK = _umask()
