"""A cache on disk: costly results are made once and found again by a key."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from clip_har.core.atomic import clear_up, whole_file, whole_folder
from clip_har.core.code_version import code_of
from clip_har.core.errors import ClipHarError, disk_fault, disk_reason

log = logging.getLogger(__name__)

Value = TypeVar("Value")


def key_of(described: object, *, code: Sequence[str] = (), libraries: Sequence[str] = ()) -> str:
    """Return a digest of settings, code and libraries, as the name of what they make.

    Args:
        described: all settings that decide the content, as a JSON object.
        code: modules that make the content; the modules that they import count, too (see
            `clip_har.core.code_version.code_of`).
        libraries: installed packages whose version may change the content.

    Returns:
        32 hexadecimal digits.

    Example:
        >>> key_of({"size": 224, "fit": "crop"}) == key_of({"fit": "crop", "size": 224})
        True
    """
    content = [described, code_of(*code) if code else "", [_version(name) for name in libraries]]
    text = json.dumps(content, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def cached(
    path: Path,
    what: str,
    *,
    read: Callable[[Path], Value | None],
    make: Callable[[Path], object],
    setting: str = "cache_dir",
) -> Value:
    """Return what is kept at a path; make it first if it is missing or damaged.

    Of several processes that ask for it at once, one makes it and the others wait. It gets its
    name when it is whole: a process that is killed leaves only a temporary file or folder, which
    the next one that makes something in the same folder removes. What is damaged stays until then,
    for processes that read it.

    Args:
        path: a file if it has a suffix, else a folder; its name holds the key of the content (see
            `key_of`).
        what: its name in messages, such as ``"frames of UCF-101"``.
        read: returns the value of a path; None if nothing is there, or what is there is damaged.
        make: writes it to a temporary path: an empty file or folder beside ``path``.
        setting: the setting that names the cache's folder, for error messages.

    Raises:
        ClipHarError: when the folder cannot be written, or the disk is full.
    """
    found = read(path)
    if found is None:
        with disk_errors(path, what, setting), _alone(path, what, setting):
            found = read(path)
            if found is None:
                if path.exists():
                    log.warning(
                        "%s: the %s are damaged or of another version: made again", path, what
                    )
                whole = whole_file if path.suffix else whole_folder
                with whole(path) as temporary:
                    make(temporary)
                found = read(path)
    if found is None:
        raise ClipHarError(f"{path} was changed while it was opened: try again")
    return found


@contextmanager
def _alone(path: Path, what: str, setting: str) -> Iterator[None]:
    """Hold the lock of a path, and remove what killed processes left in its folder."""
    lock = lock_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            held = lock.acquire(timeout=0)
        except Timeout:
            log.info("waiting for another process that makes the %s", what)
            held = lock.acquire()
    except OSError as error:
        raise _not_kept(path, what, setting, error) from error
    with held:
        _remove_stale(path)
        yield


def _remove_stale(path: Path) -> None:
    """Remove the temporary files that killed processes left in a folder.

    A process holds the lock of what it makes until it ends. So a temporary file can be removed if
    its lock is free, or is held by this process.
    """
    for stale in path.parent.glob(".*-*"):
        made = path.with_name(stale.name[1:].rpartition("-")[0])
        if made == path:
            clear_up(path)
            continue
        if not Path(lock_of(made).lock_file).exists():
            continue  # nobody made it by this cache: it may be in use
        try:
            with lock_of(made).acquire(timeout=0):
                clear_up(made)
        except Timeout:
            continue


@contextmanager
def disk_errors(path: Path, what: str, setting: str = "cache_dir") -> Iterator[None]:
    """Raise a one-line error if the disk is full or cannot be written; pass other errors on.

    Args:
        path: what is written.
        what: its name in messages.
        setting: the setting that names the cache's folder.

    Raises:
        ClipHarError: when the disk is full or cannot be written.
    """
    try:
        yield
    except OSError as error:
        is_here = isinstance(error.filename, str) and Path(error.filename).is_relative_to(
            path.parent
        )
        if is_here or disk_fault(error) is not None:
            raise _not_kept(path, what, setting, error) from error
        raise


def _not_kept(path: Path, what: str, setting: str, error: OSError) -> ClipHarError:
    return ClipHarError(
        f"the {what} cannot be kept in {path.parent} ({disk_reason(error)}): make room, or set"
        f" another {setting}"
    )


def lock_of(path: Path) -> FileLock:
    """Return the lock that is held while something is made or mended."""
    return FileLock(path.with_name(f"{path.name}.lock"))


@cache
def _version(library: str) -> str:
    return version(library)
