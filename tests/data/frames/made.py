"""Stores of frames of made videos."""

from pathlib import Path

import numpy as np

from clip_har.core.checked_file import checksum_of
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.decode import video
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings

REPOSITORY = Path(__file__).resolve().parents[3]
SETTINGS = FrameSettings(sampler="every", step=4, size=32)
LENGTHS = (9, 1, 30, 16, 5, 12)


def clip_set(*paths: Path) -> ClipSet:
    clips = tuple(Clip(path.stem, path, i % 2, "g") for i, path in enumerate(paths))
    return ClipSet("made", ("run", "jump"), clips, licence="none", citation="")


def broken(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"broken{i}.avi" for i in range(count)]
    for path in paths:
        path.write_text("no video")
    return paths


def damaged(store: FrameStore) -> list[str]:
    """The ids of clips whose bytes in the file do not have their checksum."""
    shape = (-1, 3, store.size, store.size)
    rows = np.frombuffer((store.path / "frames.bin").read_bytes(), np.uint8).reshape(shape)
    parts = [store.entries[i].part for i in store.ok]
    return [
        part.name
        for part in parts
        if checksum_of(part.name, rows[part.start : part.start + part.length]) != part.checksum
    ]


def forbid_decoding(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("decoded again")

    monkeypatch.setattr(video, "read_clip", refuse)


def folders(cache: Path) -> list[str]:
    return sorted(p.name for p in (cache / "frames").iterdir() if p.suffix != ".lock")
