"""Work ahead in threads where they pay."""

import threading
import time

import pytest

from clip_har.core.work_as_pays import work_ahead_as_pays


@pytest.mark.parametrize(("seconds", "used"), [(0.0, 1), (2e-3, 3)])
def test_threads_are_used_where_they_pay(seconds: float, used: int) -> None:
    names = []

    def work(item: int) -> int:
        time.sleep(seconds)
        names.append(threading.current_thread().name)
        if item > 2:
            meet.wait(0.5)
        return item

    meet = threading.Barrier(used)
    found = list(work_ahead_as_pays(work, list(range(3 + 3 * used)), threads=3, limit=6))
    assert found == list(range(3 + 3 * used))
    assert set(names[:3]) == {threading.current_thread().name}, "they are timed"
    assert len(set(names[3:])) == used


def test_few_items_are_done_in_the_callers_thread() -> None:
    assert list(work_ahead_as_pays(abs, [], threads=2, limit=2)) == []
    assert list(work_ahead_as_pays(abs, [-1, 2], threads=2, limit=2)) == [1, 2]
