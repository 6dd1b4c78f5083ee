"""Several processes open one frame store: it is built once, and a killed one leaves no harm."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from clip_har.data.frames.store import FrameStore
from tests.data.frames.made import REPOSITORY, SETTINGS, folders

BUILDER = textwrap.dedent(
    """
    import os, pathlib, sys, time
    from clip_har.data.decode import video
    from clip_har.data.clips import Clip, ClipSet
    from clip_har.data.sampling import FrameSettings
    from clip_har.data.frames.store import FrameStore

    log, cache, die_after, *paths = sys.argv[1:]
    read_clip = video.read_clip

    def logged(path, *args, **kwargs):
        with open(log, "a") as file:
            file.write(path.name + "\\n")
        if len(open(log).readlines()) > int(die_after):
            os._exit(9)  # as a kill would: nothing is tidied up
        time.sleep(0.1)
        return read_clip(path, *args, **kwargs)

    video.read_clip = logged
    paths = [pathlib.Path(path) for path in paths]
    clips = tuple(Clip(path.stem, path, i % 2, "g") for i, path in enumerate(paths))
    made = ClipSet("made", ("run", "jump"), clips, licence="none", citation="")
    settings = FrameSettings(sampler="every", step=4, size=32, workers=1)
    print(FrameStore.open(made, settings, cache_dir=pathlib.Path(cache)).digest)
    """
)


def builder(
    log: Path, cache: Path, videos: list[Path], die_after: int = 99
) -> "subprocess.Popen[str]":
    arguments = [str(log), str(cache), str(die_after), *map(str, videos)]
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )


def test_processes_that_open_at_once_build_once(made, videos, tmp_path):
    log = tmp_path / "log"
    processes = [builder(log, tmp_path / "cache", videos) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0]
    assert outputs[0][1] == ""  # no progress bar where standard error is no terminal
    assert sorted(log.read_text().split()) == sorted(path.name for path in videos)


@pytest.mark.slow
def test_what_a_killed_process_left_is_cleaned(made, videos, tmp_path):
    process = builder(tmp_path / "log", tmp_path, videos, die_after=3)
    process.communicate(timeout=60)
    assert process.returncode == 9
    [left] = folders(tmp_path)
    assert left.startswith(".")
    other = SETTINGS.model_copy(update={"step": 9})
    stores = [FrameStore.open(made, settings, cache_dir=tmp_path) for settings in (other, SETTINGS)]
    assert folders(tmp_path) == sorted(store.path.name for store in stores)


@pytest.mark.slow
def test_a_living_builder_is_left_alone(made, videos, tmp_path):
    process = builder(tmp_path / "log", tmp_path, videos)
    while not (tmp_path / "log").exists():
        time.sleep(0.02)
    FrameStore.open(made, SETTINGS.model_copy(update={"step": 9}), cache_dir=tmp_path)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
