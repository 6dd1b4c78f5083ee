import os
import pickle
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from clip_har.core.background import AtOnce, Background
from clip_har.core.errors import ClipHarError


def write(path: Path, text: str) -> None:
    path.write_text(text)


def append_process(path: Path) -> None:
    with path.open("a") as file:
        file.write(f"{os.getpid()}\n")


def fail(reason: str) -> None:
    sys.stdout.write("this must not be read as an answer\n")
    raise ClipHarError(reason)


def end(number: int) -> None:
    os.kill(os.getpid(), number)


def test_functions_run_in_order_in_one_other_process(tmp_path):
    with Background() as process:
        for _ in range(3):
            process.run(append_process, tmp_path / "one")
        process.run(os.rename, tmp_path / "one", tmp_path / "two")
        process.wait()
        names = (tmp_path / "two").read_text().split()
    assert len(names) == 3
    assert len(set(names)) == 1
    assert names[0] != str(os.getpid())


def process_of(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def test_results_come_back_from_several_processes_at_once():
    with Background(2) as processes:
        found = [processes.run(process_of, 1.0) for _ in range(2)]
        numbers = {one.result() for one in found}
        processes.wait()
    assert len(numbers) == 2, "one waits for the other"
    assert os.getpid() not in numbers


def blas_threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_a_process_multiplies_matrices_on_one_core(monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    with Background() as process:
        process.import_early("numpy")
        assert process.run(blas_threads).result() <= {1}, "of a BLAS that can be asked"


def test_modules_are_imported_before_they_are_needed():
    with Background() as process:
        process.import_early("wave")
        assert process.run(is_imported, "wave").result()


def is_imported(name: str) -> bool:
    return name in sys.modules


def test_the_caller_does_not_wait_for_large_arguments(tmp_path):
    with Background() as process:
        started = time.monotonic()
        process.run(time.sleep, 0.5)
        for number in range(4):
            process.run(write, tmp_path / str(number), "x" * 2**20)  # more than a pipe holds
        assert time.monotonic() - started < 0.4
        process.wait()
    assert len(list(tmp_path.iterdir())) == 4


def test_the_first_error_is_raised_and_the_rest_is_done(tmp_path):
    with Background() as process:
        process.run(fail, "no room")
        process.run(fail, "later")
        process.run(write, tmp_path / "a", "")
        with pytest.raises(ClipHarError, match="no room"):
            process.wait()
        process.run(write, tmp_path / "b", "")
        process.wait()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_process_that_dies_is_an_error():
    with Background() as process:
        process.run(end, int(signal.SIGKILL))
        process.run(time.sleep, 0)
        with pytest.raises(ClipHarError, match="was ended"):
            process.wait()


def test_leaving_early_does_not_wait():
    started = time.monotonic()
    with Background() as process:
        process.run(time.sleep, 60)
    assert time.monotonic() - started < 30


class UnreadError(Exception):
    """An error that can be written as bytes, but not read."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(f"{number} {text}")


def fail_unread() -> None:
    raise UnreadError(7, "pages")


def test_an_error_that_cannot_be_sent_is_told_in_words() -> None:
    with Background() as process:
        process.run(fail_unread)
        with pytest.raises(ClipHarError, match="UnreadError: 7 pages"):
            process.wait()


def make_unsent() -> object:
    return lambda: None


def test_a_result_that_cannot_be_sent_is_an_error_and_the_process_goes_on() -> None:
    with Background() as process:
        process.run(make_unsent)
        with pytest.raises((AttributeError, pickle.PicklingError), match="make_unsent"):
            process.wait()
        assert process.run(process_of, 0.0).result() != os.getpid()


def answer_half() -> None:
    """Begin an answer and end, as a process that is killed while it writes."""
    for descriptor in range(3, 20):  # the pipe of the answers is one of them
        if stat_is_pipe(descriptor):
            os.write(descriptor, pickle.dumps((None, "x" * 1000))[:100])
    os._exit(1)


def stat_is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def test_an_answer_that_is_cut_off_is_an_error_in_words() -> None:
    with Background() as process:
        process.run(answer_half)
        with pytest.raises(ClipHarError, match="was ended"):
            process.wait()


def test_at_once_the_error_comes_when_it_is_waited_for(tmp_path: Path) -> None:
    working = AtOnce()
    failed = working.run(fail, "no room")
    working.run(write, tmp_path / "late", "")
    with pytest.raises(ClipHarError, match="no room"):
        working.wait()
    assert (tmp_path / "late").is_file()
    with pytest.raises(ClipHarError, match="no room"):
        failed.result()
    working.wait()


def test_files_in_the_working_folder_take_the_place_of_no_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("pickle", "random", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(1)")
    with Background() as process:
        process.run(write, tmp_path / "done", "")
        process.wait()
    assert (tmp_path / "done").is_file()


def test_after_an_error_the_others_have_ended_when_it_is_raised(tmp_path):
    with Background() as process:
        process.run(fail, "no room")
        process.run(time.sleep, 0.3)
        process.run(write, tmp_path / "late", "")
        with pytest.raises(ClipHarError, match="no room"):
            process.wait()
        assert (tmp_path / "late").is_file(), "its folder may be removed now"


def test_without_room_for_a_process_it_is_done_in_this_one(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with Background() as process:
        process.run(append_process, tmp_path / "a")
        process.wait()
    assert (tmp_path / "a").read_text() == f"{os.getpid()}\n"
