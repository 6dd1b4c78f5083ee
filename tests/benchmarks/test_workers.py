"""Somebody else's work on the cores."""

import pytest

from benchmarks.workers import busy


def test_busy_processes_end_with_the_measurement():
    with pytest.raises(KeyError), busy(2) as processes:
        assert [process.poll() for process in processes] == [None, None]
        raise KeyError
    assert all(process.poll() is not None for process in processes)
