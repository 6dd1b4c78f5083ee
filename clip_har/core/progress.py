"""Progress bars for everything that takes long."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Event, Thread
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn

_OWNER = "CLIP_HAR_BARS_OF"
"""Variable with the id of the process that shows bars; the workers that it starts show none."""
_PERIOD = 0.5  # seconds between two looks at what others do
_SHARE = 0.02  # of the time that looking may take


class Advance(Protocol):
    """Moves a progress bar."""

    def __call__(self, count: int, message: str = "") -> None:
        """Move it by ``count`` items; ``message`` is shown beside the bar's description."""


@contextmanager
def track(total: int, what: str, *, show: bool = True) -> Iterator[Advance]:
    """Show progress on a terminal's standard error; show nothing if there is no terminal.

    Args:
        total: how many items there are.
        what: what is done to them, such as ``"decoding"``.
        show: False shows nothing at all.

    Yields:
        A function that advances the bar by a number of items.
    """
    # Imported here: every command imports this module, and most of them show no bar.
    from rich.progress import Progress, TimeRemainingColumn

    columns = (*_columns(), TimeRemainingColumn())
    shown = show and _is_shown()
    with Progress(*columns, console=_console(), transient=True, disable=not shown) as bar:
        task = bar.add_task(what, total=total)

        def advance(count: int, message: str = "") -> None:
            bar.update(task, advance=count, description=f"{what}  {message}".strip())

        yield advance


@contextmanager
def watch(
    total: int, what: str, look: Callable[[], tuple[int, float | None]], *, period: float = _PERIOD
) -> Iterator[None]:
    """Show how far work is that others do: other code here, or other processes.

    The bar is above that of `track`. Processes that are started meanwhile show no bars: theirs
    would be written over this one.

    Args:
        total: how many items there are.
        what: what they are, such as ``"cells"``.
        look: returns how many are done, and the seconds that are left; None if that is not known.
        period: seconds between two looks.
    """
    from rich.progress import Progress, TextColumn

    if not _is_shown():
        yield
        return
    os.environ[_OWNER] = str(os.getpid())
    columns = (*_columns(), TextColumn("{task.fields[left]}"))
    ended = Event()
    with Progress(*columns, console=_console(), transient=True) as bar:
        task = bar.add_task(what, total=total, left="")

        def follow() -> None:
            pause = period
            while not ended.wait(pause):
                started = time.monotonic()
                done, seconds = look()
                left = "" if seconds is None else f"{_clock(seconds)} left"
                bar.update(task, completed=done, left=left)
                pause = max(period, (time.monotonic() - started) / _SHARE)

        thread = Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            os.environ.pop(_OWNER, None)


class AboveBars(logging.StreamHandler[TextIO]):
    """Writes log lines of workers over the bar of the process that started them.

    That process draws its bar again below the line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; on a terminal of another process it first clears the bar."""
        is_other = os.environ.get(_OWNER, str(os.getpid())) != str(os.getpid())
        clear = "\r\x1b[2K" if is_other and self.stream.isatty() else ""
        return clear + super().format(record)


@cache
def _console() -> "Console":
    """Return the one console of all bars: a bar within another one is shown below it."""
    from rich.console import Console

    return Console(stderr=True)


def _is_shown() -> bool:
    own = os.environ.get(_OWNER, str(os.getpid())) == str(os.getpid())
    return own and _console().is_terminal


def _columns() -> "tuple[ProgressColumn, ...]":
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    description = TextColumn("{task.description}", markup=False)  # file names may hold brackets
    return (description, BarColumn(), MofNCompleteColumn())


def _clock(seconds: float) -> str:
    """Return hours, minutes and seconds.

    Example:
        >>> _clock(3725)
        '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
