"""Region maps of a clip set: each target is located once, then read from a memory-mapped file."""

import os
from collections.abc import Callable, Sequence
from functools import cache, cached_property
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
from clip_har.data.sampling import FrameSettings
from clip_har.data.shards import JoinedFrames
from clip_har.regions.gaps import without_gaps
from clip_har.regions.source import (
    INSIDE,
    Estimate,
    Locator,
    RegionSource,
    SureRegionSettings,
    has_region,
)
from clip_har.regions.wrong_clips import wrong_clips

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot

FORMAT = 3
_MAPS, _INDEX = "maps.bin", "index.json"
_STEPS = 255  # soft masks are stored in whole steps of 1/255
_BATCH = 32  # frames that are located at once
_SIZE = 224  # px: at one size, so that every model is asked about the same clips
# In a clip that shows the target, an unsure region is better than that of another frame, from which
# the target or the camera has moved on.
_KEPT = 0.5
_DECIDING = SureRegionSettings.model_fields  # settings that say what is found in the maps

Locate = Callable[[Sequence[int]], list[Estimate]]
"""Returns the estimates of the clips of a batch, with soft masks in whole steps."""


class RegionMaps:
    """Where one target is in the frames of a store; open it with `open_regions`.

    A frame is found if it has a region and the source is sure enough of it, unless a person marked
    the clip as wrong. A clip is found if enough of its frames are. In such a clip, a frame of which
    the source is half as sure keeps its own region, and any other takes that of the nearest frame,
    see `without_gaps`.

    The maps of a clip are compared with their checksum when a process first reads them; damaged
    ones are located again.

    Attributes:
        path: the folder of the maps.
        frames: the frames that they belong to.

    Args:
        seen: the frames that the source saw: the same at another size, or those themselves.
        source: says from when on a frame and a clip count as found.
        confidence: of the frames of each clip, 0 for a frame without a region; empty for a clip
            that could not be decoded.
        checksums: of each clip's maps, empty for a clip that could not be decoded.
        locate: finds the target in a batch of clips again, see `_located`.
    """

    def __init__(
        self,
        path: Path,
        frames: FrameStore,
        seen: FrameStore,
        source: RegionSource,
        *,
        confidence: Sequence[Sequence[float]],
        checksums: Sequence[str],
        locate: Locate,
    ) -> None:
        self.path = path
        self.frames = frames
        self._seen = seen
        self._source = source
        self._confidence = confidence
        self._checksums = checksums
        self._locate = locate
        size = (int(seen.lengths.sum()), seen.size, seen.size)
        self._file = CheckedFile(path / _MAPS, size, what="region maps", index=path / _INDEX)

    @cached_property
    def found(self) -> NDArray[np.bool_]:
        """Whether the target was found in each clip, ``(N,)``; False for one without frames."""
        found = [self.frames_found(index) for index in range(len(self.frames.entries))]
        least = self._source.min_frames
        return np.array([sure.any() and sure.mean() >= least for sure in found], bool)

    def frames_found(self, i: int) -> NDArray[np.bool_]:
        """Return the frames of clip ``i`` in which the target was found, ``(T,)``."""
        confidence = self.confidence(i)
        if self._seen.entries[i].clip_id in wrong_clips(self._source.wrong):
            return np.zeros(len(confidence), bool)
        sure: NDArray[np.bool_] = (confidence > 0) & (confidence >= self._source.least_confidence)
        return sure

    def confidence(self, i: int) -> NDArray[np.float32]:
        """Return how sure the source is of each frame of clip ``i``, ``(T,)`` in [0, 1].

        It is 0 for a frame without a region.
        """
        return np.array(self._confidence[i], np.float32)

    def soft_mask(self, i: int) -> NDArray[np.float32]:
        """Return the soft mask of clip ``i``, ``(T, S, S)`` in [0, 1]; all 0 if it is not found.

        Raises:
            ClipHarError: when it is damaged and cannot be located again.
        """
        entry, size = self._seen.entries[i], self.frames.size
        if not self.found[i]:
            return np.zeros((entry.length, size, size), np.float32)
        start = int(self._seen.starts[i])
        part = Part(entry.clip_id, start, entry.length, self._checksums[i])
        steps = self._file.part(part, lambda: self._located_again(i))
        scaled: NDArray[np.float32] = steps.astype(np.float32) / np.float32(_STEPS)
        confidence = self.confidence(i)
        kept = (confidence > 0) & (confidence >= _KEPT * self._source.least_confidence)
        return _resized(without_gaps(scaled, kept), size)

    def _located_again(self, i: int) -> NDArray[np.uint8]:
        # In the same batch as before: a model may answer other clips beside it by a rounding.
        batches = self._seen.batches(self._seen.ok, _BATCH)
        batch = next(batch for batch in batches if i in batch)
        return _in_steps(self._locate(batch)[batch.index(i)].soft_mask)

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
        self._parts, self._place = tuple(parts), frames.place

    @cached_property
    def found(self) -> NDArray[np.bool_]:
        """Whether the target was found in each clip, ``(N,)``."""
        return np.array([self._parts[part].found[index] for part, index in self._place], bool)

    def frames_found(self, i: int) -> NDArray[np.bool_]:
        """Return the frames of clip ``i`` in which the target was found, ``(T,)``."""
        return self._part(i).frames_found(int(self._place[i, 1]))

    def confidence(self, i: int) -> NDArray[np.float32]:
        """Return how sure the source is of each frame of clip ``i``, ``(T,)``."""
        return self._part(i).confidence(int(self._place[i, 1]))

    def soft_mask(self, i: int) -> NDArray[np.float32]:
        """Return the soft mask of clip ``i``; see `RegionMaps.soft_mask`."""
        return self._part(i).soft_mask(int(self._place[i, 1]))

    def _part(self, i: int) -> RegionMaps:
        return self._parts[int(self._place[i, 0])]


def open_regions(
    source: RegionSource,
    target: str,
    frames: FrameStore,
    *,
    zero_shot: "Callable[[], ZeroShot]",
    cache_dir: Path,
) -> RegionMaps:
    """Return the region maps of a target in the clips; find it first if they are not cached.

    Estimates from pixels are made once for all models with one fit: in frames of 224 px, whatever
    size the model takes. Exact maps, and the attribution of the model itself, have the model's.

    The key of the maps holds the frames that the source sees, the source with its settings and
    weights, the target, and the code that finds it; not from when on frames and clips count as
    found. Maps are stored as whole steps of 1/255, so new maps and cached maps are equal.

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
    seen = frames
    if (wanted := seen_settings(source, frames.settings)) != frames.settings:
        # Whether too many clips failed was decided for the frames that the model sees.
        lenient = wanted.model_copy(update={"on_error": "skip"})
        seen = FrameStore.open(frames.clip_set, lenient, cache_dir=cache_dir)
    folder = cache_dir / "regions" / _key(source, target, seen, zero_shot)
    locate = _located(source, target, seen, zero_shot)

    def read(path: Path) -> RegionMaps | None:
        index = read_checked(path / _INDEX)
        if index is None or index["format"] != FORMAT:
            return None
        if len(index["confidence"]) != len(seen.entries):
            return None
        confidence, checksums = index["confidence"], index["checksums"]
        maps = RegionMaps(
            path, frames, seen, source, confidence=confidence, checksums=checksums, locate=locate
        )
        return maps if maps.open() else None

    return cached(
        folder,
        f"region maps of {target}",
        read=read,
        make=lambda path: _locate_all(path, target, seen, locate),
    )


def seen_settings(source: RegionSource, settings: FrameSettings) -> FrameSettings:
    """Return the settings of the frames that a source sees.

    Args:
        source: an option of ``conf/region``.
        settings: of the frames that the model sees, with the model's values filled in.
    """
    size, fit, _, edge = settings.geometry()
    # Cut out, not resized: there is no other size.
    if source.exact or source.asks_model or fit == "centre":
        return settings
    scaled = None if edge is None else round(edge * _SIZE / size)
    return settings.model_copy(update={"size": _SIZE, "edge": scaled, "resample": "bicubic"})


def has_maps(source: RegionSource, target: str, seen: FrameStore, *, cache_dir: Path) -> bool:
    """Return whether a target was located already, for a source that does not ask the model.

    Args:
        source: an option of ``conf/region``.
        target: what was looked for.
        seen: the frames that the source sees, see `seen_settings`.
        cache_dir: the folder that maps are kept in (below ``regions``).
    """

    def unused() -> "ZeroShot":
        raise ValueError("the maps depend on the model")

    return (cache_dir / "regions" / _key(source, target, seen, unused) / _INDEX).is_file()


def _located(
    source: RegionSource, target: str, frames: FrameStore, zero_shot: "Callable[[], ZeroShot]"
) -> Locate:
    """Return what locates a target in a batch of clips, given by their indices."""

    @cache
    def locator() -> Locator:  # made only if something is to be located
        return source.locator(zero_shot)

    def locate(batch: Sequence[int]) -> list[Estimate]:
        views = [frames.view(index) for index in batch]
        estimates = locator()(views, target)
        return [_checked(found, view) for found, view in zip(estimates, views, strict=True)]

    return locate


def _locate_all(folder: Path, target: str, frames: FrameStore, locate: Locate) -> None:
    """Write the maps of all clips, and how sure the source is of their frames."""
    size = (int(frames.lengths.sum()), frames.size, frames.size)
    confidence: list[list[float]] = [[] for _ in frames.entries]
    checksums = [""] * len(frames.entries)
    maps = np.memmap(folder / _MAPS, np.uint8, "w+", shape=size)
    _take_space(folder / _MAPS)
    with track(len(frames.ok), f"locating {target}") as advance:
        for batch in frames.batches(frames.ok, _BATCH):
            for index, found in zip(batch, locate(batch), strict=True):
                steps = _in_steps(found.soft_mask)
                start = frames.starts[index]
                maps[start : start + len(steps)] = steps
                shown = has_region(steps.astype(np.float32) / np.float32(_STEPS))
                confidence[index] = np.where(shown, found.confidence, 0).round(4).tolist()
                checksums[index] = checksum_of(frames.entries[index].clip_id, steps)
            advance(len(batch))
    maps.flush()
    content = {
        "format": FORMAT,
        "target": target,
        "confidence": confidence,
        "checksums": checksums,
    }
    write_checked(folder / _INDEX, content)


def _take_space(path: Path) -> None:
    """Reserve the disk space of a mapped file: writing to it on a full disk kills the process.

    Raises:
        OSError: when there is not enough space.
    """
    if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _checked(found: Estimate, view: ClipFrames) -> Estimate:
    """Return a source's estimate; raise if its shapes or ranges are wrong."""
    count, _, height, width = view.pixels.shape
    for name, values, shape in (
        ("maps", found.soft_mask, (count, height, width)),
        ("a confidence", found.confidence, (count,)),
    ):
        low, high = float(values.min()), float(values.max())
        if values.shape != shape or not 0 <= low <= high <= 1:
            raise ValueError(
                f"clip {view.clip.id}: expected {name} {shape} in [0, 1], got {values.shape} in"
                f" [{low}, {high}]"
            )
    return found


def _in_steps(soft_mask: NDArray[np.float32]) -> NDArray[np.uint8]:
    steps: NDArray[np.uint8] = np.rint(soft_mask * np.float32(_STEPS)).astype(np.uint8)
    return steps


def _resized(soft_mask: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return soft masks ``(T, S, S)`` at another size, ``(T, size, size)``.

    The outline and the values are resized apart: a mean of inside and outside pixels is below
    `INSIDE` more often than above. A frame with a region keeps at least one pixel of it.
    """
    import cv2

    if soft_mask.shape[-1] == size:
        return soft_mask
    how = cv2.INTER_AREA if size < soft_mask.shape[-1] else cv2.INTER_LINEAR

    def scaled(frame: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.resize(frame, (size, size), interpolation=how), np.float32)

    found = np.empty((len(soft_mask), size, size), np.float32)
    for time, frame in enumerate(soft_mask):
        covered = scaled((frame >= INSIDE).astype(np.float32))
        least = min(np.float32(INSIDE), covered.max())
        inside = (covered >= least) & (covered > 0)
        below = np.nextafter(np.float32(INSIDE), np.float32(0))
        values = scaled(frame)
        found[time] = np.where(inside, values.clip(INSIDE, 1), values.clip(0, below))
    return found


def _key(
    source: RegionSource, target: str, frames: FrameStore, zero_shot: "Callable[[], ZeroShot]"
) -> str:
    settings = source.described(without={Role.RUN, Role.CONTENT})
    described = [
        frames.path.name,
        {key: value for key, value in settings.items() if key not in _DECIDING},
        source.identity(frames.clip_set),
        zero_shot().digest if source.asks_model else "",
        target,
    ]
    model: tuple[str, ...] = ()
    if source.asks_model:
        model = ("clip_har.models.zero_shot", type(zero_shot().model).__module__)
    return key_of(described, code=(__name__, type(source).__module__, *model))
