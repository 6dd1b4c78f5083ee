"""A disk that is full or read-only: one clear line, nothing half-written, and the sweep goes on."""

import errno
import os
import shutil
import subprocess

import pytest

from clip_har.cli.errors import one_line
from clip_har.core.errors import disk_fault
from clip_har.regions.store import _take_space
from tests.command import run_command
from tests.data.made import write_video


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MB, where this user may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no file system can be mounted here ({error})")
    if done.returncode:
        pytest.skip(f"no file system can be mounted here ({done.stderr.strip()})")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_gives_an_error_that_the_user_can_mend():
    message = one_line(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/x"))
    assert message.startswith("no space is left on the disk (/data/x): make room")
    assert "bug" not in message
    assert disk_fault(OSError(errno.EBADF, "no")) is None
    assert disk_fault(ValueError("no")) is None


@pytest.mark.slow
def test_a_disk_fills_up_in_the_midst_of_a_sweep(small_disk, small_clip, tmp_path):
    for label, name in enumerate(("climbing", "swimming")):
        write_video(tmp_path / "videos" / name / f"{name}.mp4", 6 + label)
    typed = ["-m", "masking=percent,shape", "ratio=0.3", "tracking=none", "frames.count=2"]
    typed += ["dataset=folder", f"dataset.root={tmp_path / 'videos'}", "clean_twin=false"]
    typed += ["model=clip", f"model.checkpoint={small_clip}"]
    typed += [f"results_dir={small_disk / 'results'}"]
    room = small_disk / "room"
    room.write_bytes(bytes(shutil.disk_usage(small_disk).free - 100_000))
    full = run_command(tmp_path, *typed)
    assert full.returncode == 1
    assert "no space is left" in full.stdout + full.stderr
    assert "Traceback" not in full.stdout + full.stderr
    assert "bug" not in full.stdout + full.stderr
    cells = small_disk / "results" / "cells"
    assert not list(cells.glob(".*")), "nothing half-written stays"

    room.unlink()
    again = run_command(tmp_path, *typed)
    assert again.returncode == 0, again.stderr
    assert "2 cells: 2 done, 0 failed" in again.stdout

    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    static = run_command(tmp_path, *typed)
    assert static.returncode == 1
    assert static.stderr.count("\n") == 1, "one line"
    assert "Read-only file system" in static.stderr

    page = ("--results-dir", "disk/results", "--out")
    report = run_command(tmp_path, *page, "disk/report", entry="clip_har.cli.report:main")
    assert (report.returncode, report.stderr.count("\n")) == (1, 1), report.stderr
    assert "the file system is read-only): make room, or name another folder with --out" in (
        report.stderr
    )
    elsewhere = run_command(tmp_path, *page, "report", entry="clip_har.cli.report:main")
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert (tmp_path / "report" / "cells.csv").is_file()


def test_region_maps_on_a_full_disk_are_an_error_and_not_the_processs_end(small_disk):
    path = small_disk / "maps.npy"
    with path.open("wb") as file:
        file.truncate(50_000_000)  # mapped files are sparse: writing to them would be a SIGBUS
    with pytest.raises(OSError, match="No space left"):
        _take_space(path)
