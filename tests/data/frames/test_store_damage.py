"""Damaged stores of frames: noticed at the first use, made again in place."""

import json
import os
import pickle
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from clip_har.core import checked_file
from clip_har.core.checked_file import checksum_of
from clip_har.core.errors import ClipHarError
from clip_har.data.frames.store import FrameStore
from tests.data.frames.made import REPOSITORY, SETTINGS, damaged, forbid_decoding


@pytest.mark.parametrize(
    "fault", ["short", "long", "no frames", "no index", "half index", "index bit", "format"]
)
def test_a_damaged_store_is_built_again(made, tmp_path, fault, caplog):
    store = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    frames, index = store.path / "frames.bin", store.path / "index.json"
    match fault:
        case "short":
            frames.write_bytes(frames.read_bytes()[:-1])
        case "long":
            frames.write_bytes(frames.read_bytes() + b"0")
        case "no frames":
            frames.unlink()
        case "no index":
            index.unlink()
        case "half index":
            index.write_text(index.read_text()[:-40])
        case "index bit":
            index.write_text(index.read_text().replace('"width": 96', '"width": 97', 1))
        case "format":
            index.write_text(index.read_text().replace('"format": 2', '"format": 0'))
    again = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    assert again.digest == store.digest
    assert damaged(again) == []
    assert "are damaged or of another version: made again" in caplog.text


def spoil(store: FrameStore, clip: int) -> None:
    """Change one bit of a clip in the file, which keeps its size and its place."""
    with (store.path / "frames.bin").open("r+b") as file:
        file.seek(store.entries[clip].offset * 3 * 32 * 32 + 5)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    checked_file._verified.clear()  # as another process, which has read nothing


def test_a_damaged_clip_is_decoded_again_in_its_place(made, tmp_path, caplog, monkeypatch):
    store = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    right = [store.clip(i).copy() for i in store.ok]
    for clip in (0, 2, 5):
        spoil(store, clip)
    other = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)  # maps the same file
    again = pickle.loads(pickle.dumps(other))
    assert damaged(again) == ["c0", "c2", "c5"]
    for i in again.ok:
        assert np.array_equal(again.clip(i), right[i])
    lines = [line for line in caplog.messages if "made again" in line]
    assert len(lines) == 3
    assert "the frames of c2 were damaged: made again" in lines[1]
    assert damaged(again) == []
    forbid_decoding(monkeypatch)
    assert all(np.array_equal(other.clip(i), right[i]) for i in other.ok)


def test_a_clip_is_compared_once_in_a_process(made, tmp_path, monkeypatch):
    store = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    counted: list[str] = []

    def counting(name, rows):
        counted.append(name)
        return checksum_of(name, rows)

    monkeypatch.setattr(checked_file, "checksum_of", counting)
    for opened in (store, FrameStore.open(made, SETTINGS, cache_dir=tmp_path)):
        for i in (3, 1, 3):
            opened.clip(i)
    assert counted == ["c3", "c1"]


def test_a_damaged_clip_that_decodes_to_other_frames_is_an_error(made, tmp_path, monkeypatch):
    store = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    right = store.clip(2).copy()
    spoil(store, 2)
    opened = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    for other in (None, right[::-1]):
        with monkeypatch.context() as patch:
            patch.setattr("clip_har.data.frames.store.decode_again", lambda *_, x=other: x)
            with pytest.raises(ClipHarError, match=r"frames of c2 are damaged.*run the command"):
                opened.clip(2)
    again = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    assert np.array_equal(again.clip(2), right)


def test_two_swapped_offsets_are_damage(made, tmp_path, caplog):
    store = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    right = [store.clip(i).copy() for i in store.ok]
    index = store.path / "index.json"
    content = json.loads(index.read_text())
    first, last = content["clips"][0], content["clips"][5]
    assert first["length"] == last["length"]
    first["offset"], last["offset"] = last["offset"], first["offset"]
    index.write_text(json.dumps(content))
    again = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    assert "are damaged or of another version: made again" in caplog.text
    assert all(np.array_equal(again.clip(i), right[i]) for i in again.ok)


READER = textwrap.dedent(
    """
    import pathlib, sys
    import tests.data.frames.test_store as test
    from clip_har.core import checked_file

    cache, *paths = sys.argv[1:]
    made = test.clip_set(*map(pathlib.Path, paths))
    for _ in range(20):
        checked_file._verified.clear()
        store = test.FrameStore.open(made, test.SETTINGS, cache_dir=pathlib.Path(cache))
        assert all(store.clip(i).shape[0] == store.lengths[i] for i in store.ok)
        for i in store.ok:
            part, rows = store.entries[i].part, store.clip(i)
            assert checked_file.checksum_of(part.name, rows) == part.checksum
    """
)


@pytest.mark.slow
def test_readers_get_the_right_frames_while_another_process_makes_them_again(
    made, videos, tmp_path
):
    store = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    for clip in (0, 2, 5):
        spoil(store, clip)
    arguments = [sys.executable, "-c", READER, str(tmp_path), *map(str, videos)]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(arguments, cwd=REPOSITORY, stderr=log) as one,
        subprocess.Popen(arguments, cwd=REPOSITORY, stderr=log) as other,
    ):
        while one.poll() is None or other.poll() is None:
            (store.path / "index.json").write_text("{")
            again = FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
            assert all(len(again.clip(i)) for i in again.ok)
            time.sleep(0.02)
    assert (one.returncode, other.returncode) == (0, 0), (tmp_path / "log").read_text()[-2000:]
