"""A cell has all of its files or none, also those that a thread writes."""

import errno
import os
import time
from pathlib import Path

import pytest

import clip_har
from clip_har.core.checksum import read_manifest
from clip_har.engine import artifacts, make_result
from clip_har.results.files import MASKED_CLIPS
from tests.test_api import SMALL


def test_a_cell_waits_for_its_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = artifacts.write_clip_pictures

    def late(*given: object, **named: object) -> None:
        time.sleep(1)  # all other files are there long before
        write(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(make_result, "write_clip_pictures", late)
    cell = clip_har.evaluate(*SMALL, results_dir=tmp_path)
    manifest = read_manifest(cell.folder)
    assert manifest is not None
    assert MASKED_CLIPS in manifest.files
    assert cell.is_whole


def test_pictures_that_cannot_be_written_are_an_error_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(artifacts, "_masked_clips", full)
    with pytest.raises(OSError, match="No space left"):
        clip_har.evaluate(*SMALL, results_dir=tmp_path)
    assert not [path for path in (tmp_path / "cells").iterdir() if path.is_dir()]
    assert "no space is left" in next((tmp_path / "cells").glob("*.failed")).read_text().lower()
    monkeypatch.undo()
    assert clip_har.evaluate(*SMALL, results_dir=tmp_path).is_whole
