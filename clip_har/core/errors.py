"""Errors that the user can mend: the package's own, and those of a full or read-only disk."""

import errno

from clip_har.core.addresses import without_login
from clip_har.core.names import plain_name


class ClipHarError(Exception):
    """An error that the user can mend.

    The message is one line: what was expected, what came, what to do. The command line prints it
    without a traceback and ends with a non-zero status.
    """


class AbsentError(ClipHarError):
    """A file, a folder or a split that is not there; what is there and wrong is another error."""


_DISK = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
}


def describe(error: BaseException) -> str:
    """Return an error in one line, without logins; a `ClipHarError` without its class name."""
    text = plain_name(without_login(" ".join(str(error).split())))  # it may name a file
    if isinstance(error, ClipHarError):
        return text
    return disk_fault(error) or f"{type(error).__name__}: {text}"


def disk_reason(error: OSError) -> str:
    """Return why something could not be read or written, in a few words."""
    return _DISK.get(error.errno or 0) or error.strerror or str(error)


def disk_fault(error: BaseException) -> str | None:
    """Return one line about a disk that is full or may not be written; None for other errors."""
    if not isinstance(error, OSError) or error.errno not in _DISK:
        return None
    where = f" ({error.filename})" if error.filename else ""
    return (
        f"{_DISK[error.errno]}{where}: make room, or set another results_dir or cache_dir; what is"
        " finished is kept, and the same command runs what is missing"
    )
