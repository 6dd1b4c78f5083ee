"""Split a large clip set into shards by group for several jobs, and join their frames again."""

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
    """One of several shards of a clip set.

    Attributes:
        number: of this shard, from 1.
        count: number of shards.

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
            raise ValueError("expected i/n, such as 1/4 for the first of four shards")
        shard = cls(int(first), int(second))
        if not 1 <= shard.number <= shard.count:
            raise ValueError(
                f"expected one of the shards 1/{shard.count} to {shard.count}/{second}"
            )
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of(self, clips: ClipSet) -> ClipSet:
        """Return this shard of a clip set, in the set's order.

        Groups stay whole. From the largest to the smallest, each goes to the shard with the fewest
        clips so far. So the shards have about equal size and are the same on every machine.

        Raises:
            ClipHarError: when there are fewer groups than shards.
        """
        sizes = Counter(clip.group for clip in clips.clips)
        if len(sizes) < self.count:
            raise ClipHarError(
                f"shard={self}: {clips.name} has {len(sizes)} groups, which stay whole: expected at"
                f" most as many shards, got {self.count}"
            )
        filled = [0] * self.count
        own = set()
        for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
            emptiest = filled.index(min(filled))
            filled[emptiest] += size
            if emptiest == self.number - 1:
                own.add(group)
        return replace(clips, clips=tuple(clip for clip in clips.clips if clip.group in own))


class JoinedFrames(FrameStore):
    """The frames of a clip set whose shards lie in several stores.

    Attributes:
        stores: one for each shard.
        place: ``(N, 2)`` int64: the store of each clip, and its index there.
    """

    def __init__(self, clip_set: ClipSet, stores: Sequence[FrameStore]) -> None:
        place_of = {
            clip.id: (number, index)
            for number, store in enumerate(stores)
            for index, clip in enumerate(store.clip_set.clips)
        }
        self.stores = tuple(stores)
        self.place = np.array([place_of[clip.id] for clip in clip_set.clips], np.int64)
        entries = tuple(stores[number].entries[index] for number, index in self.place)
        first = stores[0]
        super().__init__(first.path, clip_set, entries, settings=first.settings)

    def clip(self, i: int) -> NDArray[np.uint8]:
        """Return the frames of clip ``i`` of the set; see `FrameStore.clip`."""
        number, index = self.place[i]
        frames: NDArray[np.uint8] = self.stores[number].clip(int(index))
        return frames

    @property
    def failure_lists(self) -> str:
        """Where the failed clips are listed, for messages."""
        return ", ".join(store.failure_lists for store in self.stores if store.failures)


def open_shard(
    clips: ClipSet, shard: Shard, settings: FrameSettings, *, cache_dir: Path
) -> FrameStore:
    """Return the frames of one shard of a clip set; decode them first if needed.

    Whether too many clips failed is checked when the shards are joined.

    Args:
        clips: the whole set.
        shard: the shard.
        settings: as `FrameStore.open`.
        cache_dir: as `FrameStore.open`.

    Raises:
        ClipHarError: as `FrameStore.open`, and `Shard.of`.
    """
    lenient = settings.model_copy(update={"on_error": "skip"})
    store = FrameStore.open(shard.of(clips), lenient, cache_dir=cache_dir)
    with whole_file(_note(store_folder(clips, settings, cache_dir))) as file:
        file.write_text(str(shard.count), encoding="utf-8")
    return store


def open_whole(clips: ClipSet, settings: FrameSettings, *, cache_dir: Path) -> FrameStore:
    """Return the frames of a clip set: its own store, or those of its shards if all are decoded.

    Raises:
        ClipHarError: as `FrameStore.open`.
    """
    store = find_whole(clips, settings, cache_dir=cache_dir)
    if store is None:
        return FrameStore.open(clips, settings, cache_dir=cache_dir)
    store.check_failures(settings)
    return store


def find_whole(clips: ClipSet, settings: FrameSettings, *, cache_dir: Path) -> FrameStore | None:
    """Return the frames of a clip set, see `open_whole`; None if they must be decoded."""
    folder = store_folder(clips, settings, cache_dir)
    store = FrameStore.at(folder, clips, settings)
    if store is None and (count := _noted(_note(folder))):
        shards = [Shard(number, count).of(clips) for number in range(1, count + 1)]
        stores = [FrameStore.find(shard, settings, cache_dir=cache_dir) for shard in shards]
        found = [shard for shard in stores if shard is not None]
        store = JoinedFrames(clips, found) if len(found) == count else None
    return store


def _note(folder: Path) -> Path:
    """Return the file beside a set's store that holds the number of shards of its last split."""
    return folder.with_suffix(".shards")


def _noted(note: Path) -> int:
    """Return the number of shards of the last split; 0 if there was none, or it is not known."""
    try:
        return max(0, int(note.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return 0
