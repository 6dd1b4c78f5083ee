"""Write files and folders whole or not at all: a half-written one never gets its final name."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OLD = "old"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces ``folder`` when everything in it is written.

    An older ``folder`` stays until then. If the body raises, nothing is left behind. What a
    killed process left is removed by the next process that writes the same folder. So two
    processes must not write the same folder at the same time.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    clear_up(folder)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if folder.exists():  # a folder cannot be replaced in one step: move the old one first
            aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
            folder.rename(aside / _OLD)
            temporary.rename(folder)
            shutil.rmtree(aside)
        else:
            temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


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
    """Yield a temporary file that takes the place of ``path`` once the body has ended."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # the suffix stays: some writers tell the format from it
    handle, name = tempfile.mkstemp(path.suffix, f".{path.name}-", path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """Return the process's file mode mask. It can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
