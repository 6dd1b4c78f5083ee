"""Prepare items ahead of their use in threads, up to a fixed number of them."""

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from threading import Event
from typing import TypeVar

THREADS = min(4, os.cpu_count() or 1)
"""Threads for work in Python and C: with more, the interpreter lock keeps them waiting."""

_TRIED = 3  # items that are timed; the quickest counts
_SHORT = 6e-4
"""Seconds: masks that took 0.3 ms were made at four fifths of the speed by two threads, masks of 4
ms at nearly twice the speed (clips of 8 frames, two cores)."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def work_ahead(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int,
    limit: int,
    ended: Event | None = None,
) -> Generator[Result, None, None]:
    """Apply a function to items in threads, and yield the results in the items' order.

    joblib's generator runs ahead of a slow consumer without a limit; this one has a limit. Threads
    are enough for code that releases the interpreter lock, as FFmpeg, numpy and torch do. Close the
    generator, or take all results: otherwise the threads keep running.

    Args:
        function: applied to each item.
        items: taken as they are needed.
        threads: how many; 0 does the work when its result is asked for, in the caller's thread.
        limit: largest number of results that wait for the consumer, at least 1; limits the memory.
        ended: set when no more results are wanted, so that a function that takes long can stop.

    Raises:
        Exception: what the function raises for an item, when its result is asked for.

    Example:
        >>> list(work_ahead(abs, [-1, 2, -3], threads=2, limit=4))
        [1, 2, 3]
    """
    if threads == 0:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ahead")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= limit:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        if ended is not None:
            ended.set()
        pool.shutdown(cancel_futures=True)


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


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Apply a function to items in a few threads; return the results in the items' order.

    Example:
        >>> in_threads(abs, [-1, 2, -3])
        [1, 2, 3]
    """
    return list(work_ahead(function, items, threads=THREADS, limit=2 * THREADS))
