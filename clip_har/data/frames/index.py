"""The file names of a frame store, and the entries of its index."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
"""Version of the files of a store and of the pixels in them; it is in the store's key."""

FRAMES_FILE = "frames.bin"
INDEX_FILE = "index.json"
FAILURES_FILE = "failures.csv"


@dataclass(frozen=True)
class Entry:
    """One clip in the index of a store.

    Attributes:
        clip_id: the clip.
        offset: its first frame in the file, counted in frames.
        length: how many frames it has there; 0 if it could not be decoded.
        indices: which of the source's frames they are.
        width: of the source, upright, in pixels.
        height: of the source, upright, in pixels.
        fps: of the source, None if it does not say.
        frame_count: of the source clip.
        error: why it could not be decoded, None if it could.
        checksum: BLAKE2b of the frames' bytes, empty if it could not be decoded.
    """

    clip_id: str
    offset: int = 0
    length: int = 0
    indices: tuple[int, ...] = ()
    width: int = 0
    height: int = 0
    fps: float | None = None
    frame_count: int = 0
    error: str | None = None
    checksum: str = ""


def checksum(frames: NDArray[np.uint8]) -> str:
    """Return the BLAKE2b hash of frames' bytes, 32 hexadecimal digits."""
    return hashlib.blake2b(np.ascontiguousarray(frames).data, digest_size=16).hexdigest()


def read_index(folder: Path) -> tuple[Entry, ...] | None:
    """Return the entries of a store's index, None if it is missing or damaged."""
    try:
        index = json.loads((folder / INDEX_FILE).read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            return None
        return tuple(
            Entry(**{**entry, "indices": tuple(entry["indices"])}) for entry in index["clips"]
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None
