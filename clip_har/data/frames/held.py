"""Decoded frames of a few clips in memory, for work that leaves nothing on the disk."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clip_har.data.clips import ClipSet
from clip_har.data.frames.index import Entry
from clip_har.data.frames.store import FrameStore, store_key
from clip_har.data.sampling import FrameSettings


class HeldFrames(FrameStore):
    """Frames of every clip of a set, in memory.

    Args:
        clip_set: the clips.
        entries: one for each clip; their places are those of one after the other.
        pixels: of each clip, ``(T, 3, S, S)`` uint8.
        settings: how they were decoded.
    """

    def __init__(
        self,
        clip_set: ClipSet,
        entries: Sequence[Entry],
        pixels: Sequence[NDArray[np.uint8]],
        *,
        settings: FrameSettings,
    ) -> None:
        # Nothing is there; the name tells these frames from others, as that of a store on disk.
        path = Path(store_key(clip_set, settings))
        starts = accumulate((entry.length for entry in entries), initial=0)
        placed = tuple(
            replace(entry, offset=start) for entry, start in zip(entries, starts, strict=False)
        )
        super().__init__(path, clip_set, placed, settings=settings)
        self._pixels = tuple(pixels)

    def clip(self, i: int) -> NDArray[np.uint8]:
        """Return the frames of clip ``i`` of the set, ``(T, 3, size, size)`` uint8 RGB."""
        return self._pixels[i]
