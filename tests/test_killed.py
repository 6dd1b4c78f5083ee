"""A sweep that is killed again and again ends with what an undisturbed one finds.

``CLIP_HAR_KILLS`` says how often it is killed (2; 30 for a thorough check), ``CLIP_HAR_KILL_SEED``
at which moments.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from clip_har.results.score_table import ScoreTable
from tests.command import prepare_store, run_command
from tests.data.made import write_video
from tests.sweeps.test_callback import read_runs

KILLS = int(os.environ.get("CLIP_HAR_KILLS", "2"))
SEED = int(os.environ.get("CLIP_HAR_KILL_SEED", "0"))
RATIOS = ",".join(f"{ratio:.3f}" for ratio in np.linspace(0.1, 0.8, max(4, KILLS)))
SWEEP = ("masking=percent,shape", f"ratio={RATIOS}")  # long enough that each kill meets it at work
CLIPS = 8


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "clip_har", "-m", *SWEEP, *arguments],
        cwd=folder,
        env=os.environ | {"CLIP_HAR_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a process group of its own, which is killed as a whole
    )


def to_the_end(folder: Path, *arguments: str) -> str:
    process = start(folder, *arguments)
    printed, rest = process.communicate(timeout=300)
    assert process.returncode == 0, printed + rest
    return printed


def whole_cells(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the finished cells by fingerprint, with a mark of the very file; each is read."""
    found = {}
    for path in (folder / "results" / "cells").glob("*/metrics.json"):
        if "." in path.parent.name:
            continue  # being written: nobody takes it for a result
        json.loads(path.read_text())
        json.loads((path.parent / "protocol.json").read_text())
        assert len(ScoreTable.read(path.parent / "scores.parquet").labels) == CLIPS
        assert (path.parent / "confusion.png").read_bytes().endswith(b"IEND\xaeB`\x82")
        stat = path.stat()
        found[path.parent.name] = (stat.st_ino, stat.st_mtime_ns)
    return found


def finished(folder: Path) -> int:
    cells = (folder / "results" / "cells").glob("[!.]*/metrics.json")
    return sum(1 for _ in cells)


@pytest.mark.slow
def test_what_was_finished_stays_and_the_end_is_equal_to_the_bit(tmp_path, small_clip):
    videos = tmp_path / "videos"
    for label, name in enumerate(("climbing", "swimming")):
        for number in range(4):
            path = videos / name / f"{name}_{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_video(path, 6 + label + number)
    settings = ["dataset=folder", f"dataset.root={videos}", "model=clip", "frames.count=2"]
    settings += [f"model.checkpoint={small_clip}"]
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    for folder in (calm, killed):
        folder.mkdir()
        prepare_store(folder)
    started = time.time()
    to_the_end(calm, *settings)
    cells = whole_cells(calm)
    ends = sorted(nanoseconds / 1e9 - started for _, nanoseconds in cells.values())
    one_cell = (ends[-1] - ends[0]) / (len(ends) - 1)

    draws = np.random.default_rng(SEED)
    kept: dict[str, tuple[int, int]] = {}
    for number in range(KILLS):
        process = start(killed, *settings)
        if number % 2:  # at any moment, the start of the process included
            time.sleep(float(draws.uniform(0, ends[0] + 3 * one_cell)))
        else:  # soon after one more cell is finished: in the midst of the work
            while process.poll() is None and finished(killed) <= len(kept):
                time.sleep(0.02)
            time.sleep(float(draws.uniform(0, one_cell)))
        assert process.poll() is None, f"kill {number}: the sweep had ended before it"
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        found = whole_cells(killed)
        assert found.items() >= kept.items(), f"kill {number}: a finished cell was lost or run anew"
        kept = found
    assert kept, "killed too early each time"
    cache = {"CLIP_HAR_CACHE": str(killed / "cache")}
    last = run_command(killed, "-m", *SWEEP, *settings, environment=cache)
    assert last.returncode == 0, last.stdout + last.stderr
    assert f"{len(cells) - 1} cells" in last.stdout
    found = whole_cells(killed)
    assert found.items() >= kept.items()

    assert found.keys() == cells.keys()
    assert len(found) == 2 * len(RATIOS.split(",")) + 1, "the clean twin, too"
    for key in found:
        ours, theirs = (
            ScoreTable.read(folder / "results" / "cells" / key / "scores.parquet")
            for folder in (killed, calm)
        )
        assert ours.clip_ids == theirs.clip_ids
        np.testing.assert_array_equal(ours.scores, theirs.scores)
        numbers = [
            json.loads((folder / "results" / "cells" / key / "metrics.json").read_text())
            for folder in (killed, calm)
        ]
        assert numbers[0] == numbers[1]
    assert not [path.name for path in (killed / "results" / "cells").iterdir() if _is_rest(path)]

    (parent,), children = read_runs(killed)
    assert parent.info.status == "FINISHED"
    states: dict[str, list[str]] = {}
    for child in children:
        states.setdefault(child.data.tags["clip_har.fingerprint"], []).append(child.info.status)
    assert {key: marks.count("FINISHED") for key, marks in states.items()} == dict.fromkeys(
        found, 1
    )
    assert {mark for marks in states.values() for mark in marks} <= {"FINISHED", "KILLED"}


def _is_rest(path: Path) -> bool:
    return path.is_dir() and "." in path.name
