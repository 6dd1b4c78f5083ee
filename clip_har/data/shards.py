"""One large clip set over several jobs: split by group, and its frames put together again."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clip_har.core.atomic import whole_file
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore, store_folder
from clip_har.data.sampling import FrameSettings


@dataclass(frozen=True)
class Shard:
    """One of several parts of a clip set.

    Attributes:
        number: which one, from 1.
        count: how many there are.

    Example:
        >>> Shard.parse("2/4")
        Shard(number=2, count=4)
        >>> str(Shard(2, 4))
        '2/4'
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read ``i/n``.

        Raises:
            ValueError: for anything but two whole numbers with 1 <= i <= n.
        """
        first, slash, second = text.partition("/")
        if not (slash and first.isdecimal() and second.isdecimal()):
            raise ValueError("expected i/n, such as 1/4 for the first of four parts")
        shard = cls(int(first), int(second))
        if not 1 <= shard.number <= shard.count:
            raise ValueError(f"expected one of the parts 1/{shard.count} to {shard.count}/{second}")
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of(self, clips: ClipSet) -> ClipSet:
        """Return this part of a clip set, in the set's order.

        Groups stay whole. They are dealt from the largest to the smallest, each to the part that
        has the fewest clips so far, so that the parts are about equal and the same everywhere.

        Raises:
            ClipHarError: when there are fewer groups than parts.
        """
        sizes = Counter(clip.group for clip in clips.clips)
        if len(sizes) < self.count:
            raise ClipHarError(
                f"shard={self}: {clips.name} has {len(sizes)} groups, which stay whole: expected at"
                f" most so many parts, got {self.count}"
            )
        filled = [0] * self.count
        mine = set()
        for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
            part = filled.index(min(filled))
            filled[part] += size
            if part == self.number - 1:
                mine.add(group)
        return replace(clips, clips=tuple(clip for clip in clips.clips if clip.group in mine))


class JoinedFrames(FrameStore):
    """The frames of a clip set whose parts lie in several stores.

    Attributes:
        stores: one for each part.
        place: ``(N, 2)`` int64: the store of each clip, and its index there.
    """

    def __init__(self, clip_set: ClipSet, stores: Sequence[FrameStore]) -> None:
        at = {
            clip.id: (part, index)
            for part, store in enumerate(stores)
            for index, clip in enumerate(store.clip_set.clips)
        }
        self.stores = tuple(stores)
        self.place: NDArray[np.int64] = np.array([at[clip.id] for clip in clip_set.clips], np.int64)
        entries = tuple(stores[part].entries[index] for part, index in self.place)
        first = stores[0]
        super().__init__(first.path, clip_set, entries, size=first.size, fit=first.fit)

    def clip(self, i: int) -> NDArray[np.uint8]:
        """Return the frames of clip ``i`` of the set; see `FrameStore.clip`."""
        part, index = self.place[i]
        frames: NDArray[np.uint8] = self.stores[part].clip(int(index))
        return frames

    @property
    def failure_lists(self) -> str:
        """Where the failed clips are listed, for messages."""
        return ", ".join(store.failure_lists for store in self.stores if store.failures)


def open_part(
    clips: ClipSet, shard: Shard, settings: FrameSettings, *, cache_dir: Path
) -> FrameStore:
    """Decode one part of a clip set, or find it decoded.

    Whether too many clips failed is checked when the parts are put together.

    Args:
        clips: the whole set.
        shard: which part.
        settings: as `FrameStore.open`.
        cache_dir: as `FrameStore.open`.

    Raises:
        ClipHarError: as `FrameStore.open`, and `Shard.of`.
    """
    lenient = settings.model_copy(update={"on_error": "skip"})
    store = FrameStore.open(shard.of(clips), lenient, cache_dir=cache_dir)
    with whole_file(_note(clips, settings, cache_dir)) as file:
        file.write_text(json.dumps({"parts": shard.count}), encoding="utf-8")
    return store


def open_whole(clips: ClipSet, settings: FrameSettings, *, cache_dir: Path) -> FrameStore:
    """Return the frames of a clip set: its own store, or its parts' where all were decoded.

    Raises:
        ClipHarError: as `FrameStore.open`.
    """
    store = FrameStore.find(clips, settings, cache_dir=cache_dir)
    if store is None:
        store = _joined(clips, settings, cache_dir)
    if store is None:
        return FrameStore.open(clips, settings, cache_dir=cache_dir)
    store.check_failures(settings)
    return store


def _joined(clips: ClipSet, settings: FrameSettings, cache_dir: Path) -> JoinedFrames | None:
    try:
        parts = int(json.loads(_note(clips, settings, cache_dir).read_text("utf-8"))["parts"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    shards = [Shard(number, parts) for number in range(1, parts + 1)]
    stores = [FrameStore.find(shard.of(clips), settings, cache_dir=cache_dir) for shard in shards]
    whole = [store for store in stores if store is not None]
    return JoinedFrames(clips, whole) if len(whole) == parts else None


def _note(clips: ClipSet, settings: FrameSettings, cache_dir: Path) -> Path:
    """Return the file beside a set's store that says into how many parts it was split last."""
    return store_folder(clips, settings, cache_dir).with_suffix(".parts")
