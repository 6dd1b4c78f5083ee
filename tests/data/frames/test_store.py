"""The frame store: built once, whole or not at all, checked at every opening."""

import errno
import json
import os
import pickle
import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.decode.video import decode_clip
from clip_har.data.frames import build
from clip_har.data.frames.index import INDEX_FILE, write_index
from clip_har.data.frames.store import FrameStore, store_key
from clip_har.data.geometry import fit_frames
from clip_har.data.sampling import FrameSettings
from clip_har.data.shards import open_whole
from clip_har.data.sources.ucf101 import UCF101
from tests.data.frames.made import (
    LENGTHS,
    SETTINGS,
    broken,
    clip_set,
    damaged,
    folders,
    forbid_decoding,
)
from tests.data.made import write_video


def test_frames_are_the_fitted_samples(made, tmp_path):
    store = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    assert store.lengths.tolist() == [3, 1, 8, 4, 2, 3]
    assert store.ok == list(range(6))
    assert store.failures == []
    assert store.seconds.tolist() == [frames / 25 for frames in LENGTHS]
    for i, clip in enumerate(made.clips):
        frames = torch.from_numpy(decode_clip(clip.path, SETTINGS)).permute(0, 3, 1, 2)
        assert np.array_equal(store.clip(i), fit_frames(frames, 32, "crop").numpy())
        entry = store.entries[i]
        assert entry.indices == tuple(range(0, LENGTHS[i], 4))
        assert (entry.width, entry.height, entry.fps) == (96, 64, 25.0)
        assert entry.frame_count == LENGTHS[i]
    assert damaged(store) == []


def test_further_frames_are_fitted_as_those_in_the_store(made, tmp_path):
    every = FrameSettings(sampler="every", step=1, size=32)
    dense = FrameStore.open(made, every, cache_dir=tmp_path)
    store = FrameStore.open(made, FrameSettings(count=2, size=32), cache_dir=tmp_path)
    for index in range(len(made.clips)):
        last = LENGTHS[index] - 1
        view, asked = store.view(index), [last, 0, last]
        np.testing.assert_array_equal(view.others(asked), dense.clip(index)[asked])
        assert view.others([]).shape == (0, 3, 32, 32)
        assert view.frame_count == dense.entries[index].frame_count
        assert view.fps == pytest.approx(25, rel=0.01)
    with pytest.raises(ClipHarError, match=r"^clip c0 cannot be decoded again: it has 9 frames"):
        store.view(0).others([9999])


def test_reading_is_a_read_only_view_of_the_file(made, tmp_path):
    store = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    frames = store.clip(2)
    assert type(frames) is np.ndarray
    assert frames.shape == (8, 3, 32, 32)
    assert not frames.flags.writeable
    assert not frames.flags.owndata
    assert np.shares_memory(frames, store.clip(2))
    size = (store.path / "frames.bin").stat().st_size
    assert size == sum(store.lengths) * 3 * 32 * 32


def test_a_pickled_store_maps_the_same_file(made, tmp_path):
    store = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    store.clip(0)
    pickled = pickle.dumps(store)
    assert len(pickled) < 10_000 < (store.path / "frames.bin").stat().st_size
    copy = pickle.loads(pickled)
    assert np.array_equal(copy.clip(3), store.clip(3))
    assert copy.digest == store.digest


def test_a_whole_store_is_not_decoded_again(made, tmp_path, monkeypatch):
    first = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    forbid_decoding(monkeypatch)
    for same in (
        SETTINGS,
        SETTINGS.model_copy(update={"on_error": "skip", "max_failed": 0.5, "workers": 3}),
        SETTINGS.model_copy(update={"fps": 9.0, "count": 3}),  # of other samplers
    ):
        again = FrameStore.open(made, same, cache_dir=tmp_path)
        assert again.path == first.path
        assert again.digest == first.digest
    with pytest.raises(AssertionError, match="decoded again"):
        FrameStore.open(made, SETTINGS.model_copy(update={"step": 5}), cache_dir=tmp_path)


def test_what_changes_frames_changes_the_key(made, tmp_path):
    changed = [
        SETTINGS,
        SETTINGS.model_copy(update={"step": 3}),
        SETTINGS.model_copy(update={"size": 48}),
        SETTINGS.model_copy(update={"fit": "squash"}),
        SETTINGS.model_copy(update={"sampler": "uniform"}),
        SETTINGS.model_copy(update={"max_frames": 2}),
    ]
    assert len({store_key(made, settings) for settings in changed}) == len(changed)
    path = write_video(tmp_path / "clip.mp4", 5)
    key = store_key(clip_set(path), SETTINGS)
    assert store_key(clip_set(path), SETTINGS) == key
    os.utime(path, (0, 0))
    assert store_key(clip_set(path), SETTINGS) != key
    part = Clip("clip", path, 0, "g", start=0.1)
    assert store_key(ClipSet("made", ("run", "jump"), (part,), "none", ""), SETTINGS) != key


def test_the_files_of_a_set_are_looked_at_once_for_each_cell(made, tmp_path, monkeypatch):
    stats = []
    seen = Path.stat

    def stat(path, **more):
        if path.parent == made.clips[0].path.parent:
            stats.append(path)
        return seen(path, **more)

    FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    monkeypatch.setattr(Path, "stat", stat)
    halves = [
        replace(clip, id=f"{clip.id}/{end}", end=end) for clip in made.clips for end in (1, 2)
    ]
    open_whole(made, SETTINGS, cache_dir=tmp_path)
    assert sorted(stats) == sorted({clip.path for clip in made.clips})
    stats.clear()
    store_key(replace(made, clips=tuple(halves)), SETTINGS)
    assert sorted(stats) == sorted({clip.path for clip in made.clips}), "a video has two sections"


def test_an_index_that_another_process_wrote_is_read(made, tmp_path):
    store = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    found = FrameStore.find(made, SETTINGS, cache_dir=tmp_path)
    assert found is not None
    assert found.entries == store.entries
    entries = [replace(entry, fps=7.0) for entry in store.entries]
    write_index(store.path, entries)
    found = FrameStore.find(made, SETTINGS, cache_dir=tmp_path)
    assert found is not None
    assert found.entries == tuple(entries)
    (store.path / INDEX_FILE).write_text("damaged")
    assert FrameStore.find(made, SETTINGS, cache_dir=tmp_path) is None


def test_threads_change_no_byte(made, tmp_path, videos):
    faulty = clip_set(*videos[:3], *broken(tmp_path, 1), *videos[3:])
    stores = [
        FrameStore.open(
            faulty,
            SETTINGS.model_copy(update={"workers": n, "on_error": "skip"}),
            cache_dir=tmp_path / str(n),
        )
        for n in (1, 4)
    ]
    for name in ("frames.bin", "index.json", "failures.csv"):
        assert len({(store.path / name).read_bytes() for store in stores}) == 1
    assert stores[0].digest == stores[1].digest


def test_digest_is_of_the_pixels(made, tmp_path, videos):
    moved = []
    for path in videos:
        moved.append(tmp_path / path.name)
        moved[-1].write_bytes(path.read_bytes())
    here = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    there = FrameStore.open(clip_set(*moved), SETTINGS, cache_dir=tmp_path)
    assert here.path != there.path
    assert here.digest == there.digest
    assert len(here.digest) == 32
    squashed = SETTINGS.model_copy(update={"fit": "squash"})
    assert FrameStore.open(made, squashed, cache_dir=tmp_path).digest != here.digest


def test_decoding_runs_a_bounded_number_ahead(videos, tmp_path, monkeypatch):
    paths = [tmp_path / f"{i}.avi" for i in range(40)]
    for path in paths:
        path.write_bytes(videos[1].read_bytes())
    clips = tuple(Clip(path.stem, path, 0, "g") for path in paths)
    started = []
    decode_one = build._decode_one

    def noted(clip, settings):
        started.append(clip)
        return decode_one(clip, settings)

    monkeypatch.setattr(build, "_decode_one", noted)
    decoded = build._decode_all(
        clips, SETTINGS.model_copy(update={"workers": 2}), tmp_path, lambda *_: None
    )
    next(decoded)
    time.sleep(0.3)  # a slow writer
    assert len(started) <= 4
    assert len(list(decoded)) == 39


@pytest.mark.parametrize("place", ["write_index", "_write_failures", "_decode_one"])
@pytest.mark.parametrize("fault", [KeyboardInterrupt(), RuntimeError("a defect")])
def test_a_build_that_fails_leaves_nothing(made, tmp_path, monkeypatch, place, fault):
    def fail(*args, **kwargs):
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(build, place, fail)
        with pytest.raises(type(fault)):
            FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
        assert folders(tmp_path) == []
    assert damaged(FrameStore.open(made, SETTINGS, cache_dir=tmp_path)) == []


def test_a_full_disk_is_said_and_leaves_nothing(made, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(build, "write_index", full)
        with pytest.raises(
            ClipHarError,
            match=r"no space is left on the disk.*: make room, or set another cache_dir",
        ) as caught:
            FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    assert "\n" not in str(caught.value)
    assert folders(tmp_path) == []


def test_a_disk_too_small_is_said_before_decoding(made, tmp_path, monkeypatch):
    forbid_decoding(monkeypatch)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5000))
    with pytest.raises(ClipHarError, match="make room"):
        FrameStore.open(made, FrameSettings(size=224), cache_dir=tmp_path)


def test_failures_stop_or_are_left_out(videos, tmp_path, monkeypatch, caplog):
    faulty = clip_set(videos[0], *broken(tmp_path, 4), videos[1])
    with pytest.raises(ClipHarError) as caught:
        FrameStore.open(faulty, SETTINGS, cache_dir=tmp_path)
    message = str(caught.value)
    for part in ("4 of 6 clips", "66.7%", "0.01", "broken0.avi: not a video", "on_error=skip"):
        assert part in message
    assert "\n" not in message
    assert "broken3" not in message  # only the first few
    [folder] = folders(tmp_path)
    table = tmp_path / "frames" / folder / "failures.csv"
    assert str(table) in message
    assert len(table.read_text().splitlines()) == 5

    forbid_decoding(monkeypatch)
    skip = SETTINGS.model_copy(update={"on_error": "skip"})
    store = FrameStore.open(faulty, skip, cache_dir=tmp_path)
    assert "4 of 6 clips cannot be decoded and are left out" in caplog.text
    assert store.ok == [0, 5]
    assert [failure.clip_id for failure in store.failures] == [f"broken{i}" for i in range(4)]
    assert store.failures[0].path == tmp_path / "broken0.avi"
    assert store.failures[0].reason == "not a video that FFmpeg can read"
    assert store.lengths.tolist() == [3, 0, 0, 0, 0, 1]
    assert store.clip(5).shape == (1, 3, 32, 32)
    with pytest.raises(ClipHarError, match="broken0 has no frames: not a video"):
        store.clip(1)

    tolerant = SETTINGS.model_copy(update={"max_failed": 4 / 6})
    assert FrameStore.open(faulty, tolerant, cache_dir=tmp_path).ok == [0, 5]
    strict = SETTINGS.model_copy(update={"max_failed": 0.66})
    with pytest.raises(ClipHarError, match="4 of 6"):
        FrameStore.open(faulty, strict, cache_dir=tmp_path)


def test_nothing_left_is_always_an_error(tmp_path):
    skip = SETTINGS.model_copy(update={"on_error": "skip", "max_failed": 1.0})
    for _ in range(2):  # decoded, and from the store
        with pytest.raises(ClipHarError, match="2 of 2 clips cannot be decoded, none is left"):
            FrameStore.open(clip_set(*broken(tmp_path, 2)), skip, cache_dir=tmp_path)


def test_a_missing_file_is_a_failure_until_it_appears(videos, tmp_path):
    late = tmp_path / "late.mp4"
    skip = SETTINGS.model_copy(update={"on_error": "skip"})
    store = FrameStore.open(clip_set(videos[0], late), skip, cache_dir=tmp_path)
    assert [failure.reason for failure in store.failures] == ["the file does not exist"]
    late.write_bytes(videos[1].read_bytes())
    assert FrameStore.open(clip_set(videos[0], late), skip, cache_dir=tmp_path).ok == [0, 1]


def test_start_and_end_are_honoured(videos, tmp_path):
    clip = Clip("part", videos[2], 0, "g", start=0.4, end=0.8)
    parts = ClipSet("made", ("run",), (clip,), "none", "")
    every = FrameSettings(sampler="every", step=1, size=32)
    store = FrameStore.open(parts, every, cache_dir=tmp_path)
    whole = FrameStore.open(clip_set(videos[2]), every, cache_dir=tmp_path)
    assert np.array_equal(store.clip(0), whole.clip(0)[10:20])
    assert store.seconds.tolist() == [0.4]


def test_the_size_must_be_known(made, tmp_path):
    with pytest.raises(ClipHarError, match=r"frames\.size"):
        FrameStore.open(made, FrameSettings(), cache_dir=tmp_path)


def test_a_cache_that_may_not_be_written_is_said(made, tmp_path):
    (tmp_path / "frames").write_text("in the way")
    with pytest.raises(ClipHarError, match="the frames of made cannot be kept in"):
        FrameStore.open(made, SETTINGS, cache_dir=tmp_path)


def test_index_is_plain_json(made, tmp_path):
    store = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    index = json.loads((store.path / "index.json").read_text())
    assert [entry["clip_id"] for entry in index["clips"]] == [clip.id for clip in made.clips]


@pytest.mark.sample_data
def test_real_clips(sample_data, tmp_path):
    clips = UCF101(root=sample_data / "ucf101-sample", allow_missing=True).clips()
    store = FrameStore.open(clips, FrameSettings(size=224), cache_dir=tmp_path)
    assert store.ok == list(range(13))
    assert set(store.lengths) == {8}
    assert store.clip(12).shape == (8, 3, 224, 224)
    assert store.clip(12).mean() > 10
