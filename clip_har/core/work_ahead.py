"""Prepare items ahead of their use in threads, up to a fixed number of them."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

THREADS = min(4, os.cpu_count() or 1)
"""Threads for work in Python and C: with more, the interpreter lock keeps them waiting."""

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


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Apply a function to items in a few threads; return the results in the items' order.

    Example:
        >>> in_threads(abs, [-1, 2, -3])
        [1, 2, 3]
    """
    return list(work_ahead(function, items, threads=THREADS, limit=2 * THREADS))
