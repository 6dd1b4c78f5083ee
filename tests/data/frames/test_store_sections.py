"""Sections of longer videos in a frame store: one opening per video, the same frames."""

import time
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_har.data.clips import Clip, ClipSet
from clip_har.data.decode import sections as decode_sections
from clip_har.data.frames import build
from clip_har.data.frames.store import FrameStore
from tests.data.frames.made import SETTINGS, broken, damaged, folders
from tests.data.made import write_video


def sections(videos: Sequence[Path], times: Sequence[tuple[float | None, float | None]]) -> ClipSet:
    """Sections of several videos, those of one video far from each other in the list."""
    clips = tuple(
        Clip(f"{path.stem}_{number}", path, number % 2, path.stem, start=start, end=end)
        for number, (start, end) in enumerate(times)
        for path in videos
    )
    return ClipSet("made", ("run", "jump"), clips, "none", "")


PARTS = [(1.0, 1.4), (0.0, 0.4), (0.2, 1.1), (None, None), (0.4, 0.8), (9.0, None)]
LENIENT = SETTINGS.model_copy(update={"on_error": "skip"})


@pytest.fixture(scope="module")
def long_videos(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("long")
    kinds = [("a.mp4", "libx264"), ("b.avi", "mpeg4"), ("c.ts", "mpeg2video")]
    options = {"g": "12", "bf": "2"}
    return [write_video(folder / n, 60, codec=c, options=options) for n, c in kinds]


def test_sections_of_one_video_are_those_of_clips_alone(long_videos, tmp_path, openings):
    clips = sections([*long_videos, *broken(tmp_path, 1)], PARTS)
    openings.clear()
    store = FrameStore.open(clips, LENIENT.model_copy(update={"workers": 2}), cache_dir=tmp_path)
    assert [entry.clip_id for entry in store.entries] == [clip.id for clip in clips.clips]
    for path in long_videos:  # once for all sections, and for the one that is not there
        assert openings.count(str(path)) == 2
    assert damaged(store) == []
    assert [file.name for file in store.path.iterdir() if file.suffix == ".part"] == []
    for number, clip in enumerate(clips.clips):
        entry, frames = build._decode_one(clip, LENIENT)
        assert replace(store.entries[number], offset=0) == entry
        if frames is not None:
            np.testing.assert_array_equal(store.clip(number), frames)
    failed = {failure.clip_id for failure in store.failures}
    assert failed == {f"{path.stem}_5" for path in long_videos} | {f"broken0_{i}" for i in range(6)}


def test_neither_threads_nor_their_shares_change_a_byte_of_sections(
    long_videos, tmp_path, monkeypatch
):
    clips = sections(long_videos, PARTS[:5])
    stores = []
    for workers, together in [(1, 256), (3, 256), (16, 256), (2, 2)]:
        monkeypatch.setattr(decode_sections, "_MOST_TOGETHER", together)
        settings = LENIENT.model_copy(update={"workers": workers})
        cache = tmp_path / f"{workers}_{together}"
        stores.append(FrameStore.open(clips, settings, cache_dir=cache))
    for name in ("frames.bin", "index.json"):
        assert len({(store.path / name).read_bytes() for store in stores}) == 1


def test_frames_of_sections_wait_on_the_disk(long_videos, tmp_path, monkeypatch):
    """Memory holds the frames of one section, whatever their number."""
    clips = sections(long_videos[:1], [(s / 50, s / 50 + 0.2) for s in range(100)])
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0
    fitted_clip = build.fitted_clip

    def watched(clip, source, settings):
        nonlocal most
        entry, frames = fitted_clip(clip, source, settings)
        alive.append(weakref.ref(frames))
        most = max(most, sum(one() is not None for one in alive))
        return entry, frames

    monkeypatch.setattr(build, "fitted_clip", watched)
    one_thread = LENIENT.model_copy(update={"workers": 1})
    store = FrameStore.open(clips, one_thread, cache_dir=tmp_path)
    assert store.ok == list(range(100))
    assert most <= 2


def test_a_stop_ends_the_sections_of_a_video(long_videos, tmp_path, monkeypatch):
    clips = sections(long_videos[:1], [(s / 50, s / 50 + 0.2) for s in range(100)])
    clips = replace(clips, clips=(Clip("bad", tmp_path / "first.mp4", 0, "g"), *clips.clips))
    done = []
    fitted_clip = build.fitted_clip

    def slow(*args):
        done.append(args)
        time.sleep(0.02)
        return fitted_clip(*args)

    def fail(*args):
        time.sleep(0.1)
        raise RuntimeError("a defect")

    monkeypatch.setattr(build, "fitted_clip", slow)
    monkeypatch.setattr(build, "_decode_one", fail)
    with pytest.raises(RuntimeError, match="a defect"):
        FrameStore.open(clips, LENIENT.model_copy(update={"workers": 2}), cache_dir=tmp_path)
    assert 0 < len(done) < 60
    assert folders(tmp_path) == []
