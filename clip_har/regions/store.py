"""Region maps of a clip set: each target is located once, then read from a memory-mapped file."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from clip_har.core.cache import cached, key_of
from clip_har.core.progress import track
from clip_har.core.settings import Role
from clip_har.data.frames.store import ClipFrames, FrameStore
from clip_har.data.shards import JoinedFrames
from clip_har.regions.source import RegionSource, is_found

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot

FORMAT = 1
_MAPS, _INDEX = "maps.npy", "index.json"
_STEPS = 255  # soft masks are stored in whole steps of 1/255
_BATCH = 32  # frames that are located at once


class RegionMaps:
    """Where one target is in the frames of a store; open it with `open_regions`.

    Attributes:
        path: the folder of the maps.
        frames: the frames that they belong to.
        found: ``(N,)`` bool, whether the target was found in each clip; False for a clip that could
            not be decoded.
    """

    def __init__(self, path: Path, frames: FrameStore, found: NDArray[np.bool_]) -> None:
        self.path = path
        self.frames = frames
        self.found = found
        self._maps = np.load(path / _MAPS, mmap_mode="r")

    def soft_mask(self, i: int) -> NDArray[np.float32]:
        """Return the soft mask of clip ``i``, ``(T, S, S)`` float32 in [0, 1]."""
        entry = self.frames.entries[i]
        steps = self._maps[entry.offset : entry.offset + entry.length]
        scaled: NDArray[np.float32] = steps.astype(np.float32) / np.float32(_STEPS)
        return scaled


class JoinedMaps(RegionMaps):
    """Where one target is in frames whose parts lie in several stores.

    Args:
        frames: all of them.
        parts: the maps of each part.
    """

    def __init__(self, frames: JoinedFrames, parts: Sequence[RegionMaps]) -> None:
        self.path = parts[0].path
        self.frames = frames
        self.found = np.array([parts[part].found[index] for part, index in frames.place], bool)
        self._parts, self._place = tuple(parts), frames.place

    def soft_mask(self, i: int) -> NDArray[np.float32]:
        """Return the soft mask of clip ``i``; see `RegionMaps.soft_mask`."""
        part, index = self._place[i]
        soft_mask: NDArray[np.float32] = self._parts[part].soft_mask(int(index))
        return soft_mask


def open_regions(
    source: RegionSource,
    target: str,
    frames: FrameStore,
    *,
    zero_shot: "Callable[[], ZeroShot]",
    cache_dir: Path,
) -> RegionMaps:
    """Return the region maps of a target in the clips; find it first if they are not cached.

    The key of the maps holds the frames, the source with its settings and weights, the target, and
    the code that finds it. Maps are stored as whole steps of 1/255, so new maps and cached maps
    are equal.

    Args:
        source: an option of ``conf/region``.
        target: what to find.
        frames: the clips.
        zero_shot: returns the cell's model with its classes; called only if it is needed.
        cache_dir: the folder that maps are kept in (below ``regions``).

    Raises:
        ClipHarError: when the source cannot find such a target, lacks what it needs, or the maps
            cannot be written.
    """
    source.check(target)
    if isinstance(frames, JoinedFrames):
        parts = [
            open_regions(source, target, store, zero_shot=zero_shot, cache_dir=cache_dir)
            for store in frames.stores
        ]
        return JoinedMaps(frames, parts)
    folder = cache_dir / "regions" / _key(source, target, frames, zero_shot)
    return cached(
        folder,
        f"region maps of {target}",
        read=lambda path: _read(path, frames),
        make=lambda path: _locate_all(path, source, target, frames, zero_shot()),
    )


def _locate_all(
    folder: Path, source: RegionSource, target: str, frames: FrameStore, zero_shot: "ZeroShot"
) -> None:
    """Write the maps of all clips, and in which of them the target was found."""
    locate = source.locator(zero_shot)
    size = (int(frames.lengths.sum()), frames.size, frames.size)
    found = np.zeros(len(frames.entries), bool)
    maps = open_memmap(folder / _MAPS, "w+", np.uint8, size)
    _take_space(folder / _MAPS)
    with track(len(frames.ok), f"locating {target}") as advance:
        for batch in frames.batches(frames.ok, _BATCH):
            views = [frames.view(index) for index in batch]
            for index, view, soft_mask in zip(batch, views, locate(views, target), strict=True):
                offset = frames.entries[index].offset
                steps = _checked_steps(soft_mask, view)
                maps[offset : offset + len(steps)] = steps
                found[index] = is_found(steps.astype(np.float32) / np.float32(_STEPS))
            advance(len(batch))
    maps.flush()
    content = {"format": FORMAT, "target": target, "found": found.tolist()}
    (folder / _INDEX).write_text(json.dumps(content), encoding="utf-8")


def _take_space(path: Path) -> None:
    """Reserve the disk space of a mapped file: writing to it on a full disk kills the process.

    Raises:
        OSError: when there is not enough space.
    """
    if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _checked_steps(soft_mask: NDArray[np.float32], view: ClipFrames) -> NDArray[np.uint8]:
    """Return a source's maps in whole steps; raise if their shape or range is wrong."""
    count, _, height, width = view.pixels.shape
    low, high = float(soft_mask.min()), float(soft_mask.max())
    if soft_mask.shape != (count, height, width) or not 0 <= low <= high <= 1:
        raise ValueError(
            f"clip {view.clip.id}: expected maps {(count, height, width)} in [0, 1], got"
            f" {soft_mask.shape} in [{low}, {high}]"
        )
    steps: NDArray[np.uint8] = np.rint(soft_mask * np.float32(_STEPS)).astype(np.uint8)
    return steps


def _read(folder: Path, frames: FrameStore) -> RegionMaps | None:
    """Return the maps of a folder; None if there are no whole ones."""
    try:
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        rows = np.load(folder / _MAPS, mmap_mode="r").shape[0]
    except (OSError, ValueError):
        return None
    found = np.array(index["found"], bool)
    whole = rows == frames.lengths.sum() and len(found) == len(frames.entries)
    return RegionMaps(folder, frames, found) if whole and index["format"] == FORMAT else None


def _key(
    source: RegionSource, target: str, frames: FrameStore, zero_shot: "Callable[[], ZeroShot]"
) -> str:
    settings = source.described(without={Role.RUN, Role.CONTENT})
    described = [
        frames.path.name,
        {key: value for key, value in settings.items() if key != "on_empty"},
        source.identity(frames.clip_set),
        zero_shot().digest if source.asks_model else "",
        target,
    ]
    model = ("clip_har.models.zero_shot",) if source.asks_model else ()
    return key_of(described, code=(__name__, type(source).__module__, *model))
