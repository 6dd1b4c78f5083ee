"""Report an error in one line."""

import os
import sys
import traceback

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from clip_har.config.faults import composition_fault
from clip_har.core.addresses import without_login
from clip_har.core.errors import ClipHarError, disk_fault, disk_reason
from clip_har.core.names import plain_name

_TRACEBACK = "CLIP_HAR_TRACEBACK"


def take_over_errors() -> None:
    """Let Hydra raise its errors instead of printing them over several lines.

    The user's own value of ``HYDRA_FULL_ERROR`` is kept in another variable first.
    """
    os.environ.setdefault(_TRACEBACK, os.environ.get("HYDRA_FULL_ERROR", "0"))
    os.environ["HYDRA_FULL_ERROR"] = "1"


def report_fault(error: BaseException) -> int:
    """Write one line about an error to standard error and return the exit status.

    With ``HYDRA_FULL_ERROR=1`` the traceback comes first.
    """
    if os.environ.get(_TRACEBACK) == "1":
        sys.stderr.write(without_login("".join(traceback.format_exception(error))))
    if isinstance(error, BrokenPipeError):  # the reader of our output, such as head, is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, KeyboardInterrupt):
        sys.stderr.write("clip-har: stopped\n")
        return 130
    sys.stderr.write(f"clip-har: error: {without_login(one_line(error))}\n")
    return 1


def one_line(error: BaseException) -> str:
    """Return in one line what was expected, what came, and what to do."""
    if isinstance(error, ClipHarError):
        return str(error)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return composition_fault(error)
    if (fault := disk_fault(error)) is not None:
        return fault
    if isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        around = error.object[max(0, error.start - 40) : error.end + 20].split("\n")
        return (
            f"a path is not text in UTF-8 (…{plain_name(' '.join(around))}…): rename that folder,"
            " or start in another one"
        )
    if isinstance(error, OSError) and error.errno is not None:
        where = f"{error.filename}: " if error.filename else ""
        reason = disk_reason(error)
        return f"{where}{reason[:1].lower()}{reason[1:]}"
    text = " ".join(str(error).split())
    return (
        f"unexpected {type(error).__name__}: {text} (this is a bug; HYDRA_FULL_ERROR=1 shows where)"
    )
