"""Write whole or not at all: what is half-written never gets its final name."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OLD = "old"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes ``folder``'s place once everything in it is written.

    An older ``folder`` stays until then. When the body raises, nothing is left behind; what a
    killed process left is removed by the next one that writes the same folder, so two must not
    write it at once.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    clear_up(folder)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if folder.exists():  # a folder cannot be replaced in one step: the old one steps aside
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
    """Remove what killed writers of a folder or file left; no other process may be writing it.

    One that was killed in the moment when the older folder had stepped aside gets that one back.
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
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """Return the process's file mode mask; there is no way to ask without setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
