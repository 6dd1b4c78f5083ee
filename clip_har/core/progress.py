"""One progress bar for everything that takes long."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


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
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),  # file names may hold brackets
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not (show and console.is_terminal)
    ) as bar:
        task = bar.add_task(what, total=total)

        def advance(count: int, message: str = "") -> None:
            bar.update(task, advance=count, description=f"{what}  {message}".strip())

        yield advance
