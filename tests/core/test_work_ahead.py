"""Work ahead in threads."""

import threading
import time

import pytest

from clip_har.core.work_ahead import work_ahead


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_results_come_in_the_items_order(threads):
    def slow_at_first(item):
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    found = list(work_ahead(slow_at_first, range(12), threads=threads, limit=4))
    assert found == [item * item for item in range(12)]


def test_no_more_than_asked_for_is_done_ahead():
    started: list[int] = []
    results = work_ahead(started.append, range(100), threads=2, limit=3)
    next(results)
    time.sleep(0.05)
    assert len(started) <= 4, "one was taken, three wait"
    results.close()


def test_without_threads_nothing_is_done_ahead():
    names = set()
    results = work_ahead(
        lambda item: names.add((item, threading.current_thread().name)),
        range(3),
        threads=0,
        limit=1,
    )
    next(results)
    assert names == {(0, threading.main_thread().name)}


@pytest.mark.parametrize("threads", [0, 2])
def test_an_error_is_raised_where_its_result_is_asked_for(threads):
    results = work_ahead(lambda item: 1 // item, [1, 0, 1], threads=threads, limit=2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
