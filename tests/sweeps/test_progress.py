"""The bar of a sweep's cells: what it counts, and how it judges the time left."""

from pathlib import Path

import pytest

from clip_har.core import progress
from clip_har.results.files import write_json
from clip_har.sweeps.progress import Pace


def end(folder: Path, number: int, state: str) -> None:
    (folder / str(number)).mkdir()
    write_json(folder / str(number) / "outcome.json", {"state": state})


def test_cells_that_were_found_do_not_set_the_pace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("clip_har.sweeps.progress.time.monotonic", lambda: now)
    pace = Pace(tmp_path, cells=10)
    assert pace() == (0, None)
    for number in range(4):
        end(tmp_path, number, "reused")
    now = 101.0
    assert pace() == (4, None)
    end(tmp_path, 4, "finished")
    now = 120.0
    assert pace() == (5, 100.0)
    now = 130.0
    assert pace() == (5, 90.0)  # it counts down until the next cell ends
    end(tmp_path, 5, "failed")
    now = 140.0
    assert pace() == (6, 80.0)
    (tmp_path / "6").mkdir()
    (tmp_path / "6" / "outcome.json").write_text("{")  # damaged
    assert pace()[0] == 7


def test_a_worker_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress._console(), "_force_terminal", True)
    assert progress._is_shown()
    monkeypatch.setenv("CLIP_HAR_BARS_OF", "1")
    assert not progress._is_shown()
