"""Frames in memory are those of a store on disk."""

import numpy as np

from clip_har.data.clips import ClipSet
from clip_har.data.decode.video import read_clip
from clip_har.data.frames.build import fitted_clip
from clip_har.data.frames.held import HeldFrames
from clip_har.data.frames.store import FrameStore


def test_they_are_equal_and_lie_one_after_the_other(
    planted_set: ClipSet, small_frames: FrameStore
) -> None:
    settings = small_frames.settings
    made = [
        fitted_clip(clip, read_clip(clip.path, settings), settings) for clip in planted_set.clips
    ]
    held = HeldFrames(planted_set, *zip(*made, strict=True), settings=settings)
    assert held.digest == small_frames.digest
    assert held.entries == small_frames.entries  # also their offsets: region maps depend on them
    assert held.path.name == small_frames.path.name
    for index in held.ok:
        np.testing.assert_array_equal(held.view(index).pixels, small_frames.view(index).pixels)
