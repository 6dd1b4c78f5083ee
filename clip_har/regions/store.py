"""Region maps of a clip set: each target is located once, then read from a memory-mapped file."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.core.cache import cached, key_of
from clip_har.core.checked_file import CheckedFile, Part, checksum_of
from clip_har.core.checksum import read_checked, write_checked
from clip_har.core.progress import track
from clip_har.core.settings import Role
from clip_har.data.frames.store import ClipFrames, FrameStore
from clip_har.data.shards import JoinedFrames
from clip_har.regions.source import Locator, RegionSource, is_found

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot

FORMAT = 2
_MAPS, _INDEX = "maps.bin", "index.json"
_STEPS = 255  # soft masks are stored in whole steps of 1/255
_BATCH = 32  # frames that are located at once

Locate = Callable[[Sequence[int]], list[NDArray[np.uint8]]]
"""Returns the maps of the clips of a batch, in whole steps."""


class RegionMaps:
    """Where one target is in the frames of a store; open it with `open_regions`.

    The maps of a clip are compared with their checksum when a process first reads them; damaged
    ones are located again.

    Attributes:
        path: the folder of the maps.
        frames: the frames that they belong to.
        found: ``(N,)`` bool, whether the target was found in each clip; False for a clip that could
            not be decoded.

    Args:
        checksums: of each clip's maps, empty for a clip that could not be decoded.
        locate: finds the target in a batch of clips again, see `_located`.
    """

    def __init__(
        self,
        path: Path,
        frames: FrameStore,
        found: NDArray[np.bool_],
        checksums: Sequence[str],
        locate: Locate,
    ) -> None:
        self.path = path
        self.frames = frames
        self.found = found
        self._checksums = checksums
        self._locate = locate
        size = (int(frames.lengths.sum()), frames.size, frames.size)
        self._file = CheckedFile(path / _MAPS, size, what="region maps", index=path / _INDEX)

    def soft_mask(self, i: int) -> NDArray[np.float32]:
        """Return the soft mask of clip ``i``, ``(T, S, S)`` float32 in [0, 1].

        Raises:
            ClipHarError: when it is damaged and cannot be located again.
        """
        entry = self.frames.entries[i]
        part = Part(entry.clip_id, entry.offset, entry.length, self._checksums[i])
        steps = self._file.part(part, lambda: self._located_again(i))
        scaled: NDArray[np.float32] = steps.astype(np.float32) / np.float32(_STEPS)
        return scaled

    def _located_again(self, i: int) -> NDArray[np.uint8]:
        # In the same batch as before: a model may answer other clips beside it by a rounding.
        batches = self.frames.batches(self.frames.ok, _BATCH)
        batch = next(batch for batch in batches if i in batch)
        return self._locate(batch)[batch.index(i)]

    def open(self) -> bool:
        """Map the file; return whether it is there and has the right size."""
        return self._file.open()


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
    locate = _located(source, target, frames, zero_shot)
    return cached(
        folder,
        f"region maps of {target}",
        read=lambda path: _read(path, frames, locate),
        make=lambda path: _locate_all(path, target, frames, locate),
    )


def _located(
    source: RegionSource, target: str, frames: FrameStore, zero_shot: "Callable[[], ZeroShot]"
) -> Locate:
    """Return what locates a target in a batch of clips, given by their indices, in whole steps."""

    @cache
    def locator() -> Locator:  # made only if something is to be located
        return source.locator(zero_shot)

    def locate(batch: Sequence[int]) -> list[NDArray[np.uint8]]:
        views = [frames.view(index) for index in batch]
        soft_masks = locator()(views, target)
        return [
            _checked_steps(soft_mask, view)
            for soft_mask, view in zip(soft_masks, views, strict=True)
        ]

    return locate


def _locate_all(folder: Path, target: str, frames: FrameStore, locate: Locate) -> None:
    """Write the maps of all clips, and in which of them the target was found."""
    size = (int(frames.lengths.sum()), frames.size, frames.size)
    found = np.zeros(len(frames.entries), bool)
    checksums = [""] * len(frames.entries)
    maps = np.memmap(folder / _MAPS, np.uint8, "w+", shape=size)
    _take_space(folder / _MAPS)
    with track(len(frames.ok), f"locating {target}") as advance:
        for batch in frames.batches(frames.ok, _BATCH):
            for index, steps in zip(batch, locate(batch), strict=True):
                offset = frames.entries[index].offset
                maps[offset : offset + len(steps)] = steps
                found[index] = is_found(steps.astype(np.float32) / np.float32(_STEPS))
                checksums[index] = checksum_of(frames.entries[index].clip_id, steps)
            advance(len(batch))
    maps.flush()
    content = {"format": FORMAT, "target": target, "found": found.tolist(), "checksums": checksums}
    write_checked(folder / _INDEX, content)


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


def _read(folder: Path, frames: FrameStore, locate: Locate) -> RegionMaps | None:
    """Return the maps of a folder; None if there are no whole ones."""
    index = read_checked(folder / _INDEX)
    if index is None or index["format"] != FORMAT or len(index["found"]) != len(frames.entries):
        return None
    maps = RegionMaps(folder, frames, np.array(index["found"], bool), index["checksums"], locate)
    return maps if maps.open() else None


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
