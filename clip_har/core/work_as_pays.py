"""Prepare items ahead of their use in as many threads as pay."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import TypeVar

from clip_har.core.work_ahead import work_ahead

_TRIED = 3  # items that are timed; the quickest counts
_SHORT = 6e-4
"""Seconds: masks that took 0.3 ms were made at four fifths of the speed by two threads, masks of 4
ms at nearly twice the speed (clips of 8 frames, two cores)."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def work_ahead_as_pays(
    function: Callable[[Item], Result], items: Sequence[Item], *, threads: int, limit: int
) -> Generator[Result, None, None]:
    """Do as `work_ahead`, but in a single thread if an item takes less than a millisecond.

    Threads hand the lock of Python's interpreter to each other, and to the thread that takes the
    results. For short work that takes longer than the work. The first items are done, and timed, in
    the caller's thread.

    Args:
        function: applied to each item.
        items: all of them.
        threads: how many, if they pay.
        limit: see `work_ahead`.

    Example:
        >>> list(work_ahead_as_pays(abs, [-1, 2, -3, 4, -5], threads=2, limit=4))
        [1, 2, 3, 4, 5]
    """
    tried, seconds = [], []
    for item in items[:_TRIED]:
        began = time.perf_counter()
        tried.append(function(item))
        seconds.append(time.perf_counter() - began)
    yield from tried
    count = threads if min(seconds, default=0.0) > _SHORT else 1
    rest = work_ahead(function, items[_TRIED:], threads=count, limit=limit)
    with closing(rest):
        yield from rest
