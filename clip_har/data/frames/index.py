"""The file names of a frame store, and the entries of its index."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from clip_har.core.checked_file import Part
from clip_har.core.checksum import read_checked, write_checked

FORMAT = 2
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
        checksum: of the frames, see `clip_har.core.checked_file.checksum_of`; empty if it could
            not be decoded.
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

    @property
    def seconds(self) -> float | None:
        """The length of the source clip: its frames over its frame rate; None if that is unknown.

        A section that ends after its video has the length of what is there.
        """
        return self.frame_count / self.fps if self.fps and self.frame_count else None

    @property
    def part(self) -> Part:
        """Its place in the file."""
        return Part(self.clip_id, self.offset, self.length, self.checksum)


def write_index(folder: Path, entries: list[Entry]) -> None:
    """Write the index of a store."""
    clips = [asdict(entry) for entry in entries]
    write_checked(folder / INDEX_FILE, {"format": FORMAT, "clips": clips})


def read_index(folder: Path) -> tuple[Entry, ...] | None:
    """Return the entries of a store's index, None if it is missing or damaged."""
    path = folder / INDEX_FILE
    try:
        state = path.stat()
    except OSError:
        return None
    return _read(path, (state.st_ino, state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=8)  # the next cell of a sweep has the same clips, maybe in several shards
def _read(path: Path, _state: tuple[int, ...]) -> tuple[Entry, ...] | None:
    index = read_checked(path)
    if index is None or index["format"] != FORMAT:
        return None
    return tuple(Entry(**{**entry, "indices": tuple(entry["indices"])}) for entry in index["clips"])
