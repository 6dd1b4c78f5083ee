"""Processes that write one folder wait for each other."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clip_har.core.locks import whole_folder_alone


def test_the_second_writer_waits_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = tmp_path / "deep" / "report"

    def second() -> list[str]:
        with whole_folder_alone(folder, "report") as out:
            (out / "page").write_text("2")
            return [path.read_text() for path in folder.iterdir()]

    with ThreadPoolExecutor(1) as pool:
        with whole_folder_alone(folder, "report") as out:
            seen = pool.submit(second)
            while not seen.done() and not caplog.text:
                time.sleep(0.01)
            (out / "page").write_text("1")
        assert seen.result() == ["1"]
    assert caplog.messages == [f"waiting for another process that writes the report {folder}"]
    assert (folder / "page").read_text() == "2"


def test_a_writer_that_failed_stops_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    with pytest.raises(RuntimeError), whole_folder_alone(folder, "report"):
        raise RuntimeError
    with whole_folder_alone(folder, "report"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report", "report.lock"]
