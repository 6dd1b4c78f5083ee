"""Frames under every mask and fill, as a batch shows them, against plain arithmetic."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clip_har.core.seeding import generator
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings, Order
from clip_har.masking import inpaint
from clip_har.masking.blend import blend_clips, covers_from_bits, packed, unpacked
from clip_har.masking.feature import FeatureMask
from clip_har.masking.isolation import IsolationMask
from clip_har.masking.mask import Mask
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.none import NoMask
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask
from clip_har.noise.batch import ClipBatch, in_order
from clip_har.regions.gaussian import gaussian_blur
from tests.noise.made import subject_maps
from tests.planted import planted_clips

SIDE = 32
FILLS = ["black", "#204060", "mean", "noise", "blur", "surround", "inpaint", "background"]
MASKS: dict[str, Mask] = {
    "none": NoMask(),
    "static": PercentMask(ratio=0.3, patch=8),
    "fresh": PercentMask(ratio=0.3, patch=8, static=False),
    "shape": ShapeMask(ratio=0.2, shape="star"),
    "feature": FeatureMask(ratio=None),
    "soft": IsolationMask(ratio=None, soft=3),
    "soft static": FeatureMask(ratio=None, soft=2, static=True),
}
ORDERS: list[Order] = ["forward", "reversed", "shuffled", "single"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    return planted_clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def shown(clips: ClipSet, cache: Path, mask: Mask, order: Order) -> MaskedClips:
    settings = FrameSettings(count=4, size=SIDE, order=order)
    frames = FrameStore.open(clips, settings, cache_dir=cache)
    maps = subject_maps(frames, cache)
    return MaskedClips(
        masking=mask,
        seed=0,
        frames=frames,
        patch=8,
        subject=maps,
        feature=maps if mask.feature else None,
    )


def paint(fill: str, pixels: NDArray[np.uint8], hidden: Any, clip_id: str) -> NDArray[np.uint8]:
    """Return what a fill paints, in the order of the video."""
    some = np.broadcast_to(hidden > 0, (len(pixels), SIDE, SIDE))
    match fill:
        case "black":
            return np.zeros_like(pixels)
        case "#204060":
            colour = np.array([0x20, 0x40, 0x60], np.uint8)[:, None, None]
            return np.asarray(np.zeros_like(pixels) + colour, np.uint8)
        case "mean":
            mean = pixels.astype(float).mean(axis=(0, 2, 3), keepdims=True)
            return np.zeros_like(pixels) + np.asarray(np.rint(mean), np.uint8)
        case "noise":
            draws = generator(0, "mask/fill", clip_id)
            return draws.integers(0, 256, pixels.shape, np.uint8)
        case "blur":
            blurred: NDArray[np.uint8] = np.rint(gaussian_blur(pixels, 0.05 * SIDE)).astype(
                np.uint8
            )
            return blurred
    made: NDArray[np.uint8] = getattr(inpaint, fill)(pixels, some)
    return made


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", MASKS)
def test_frames_are_the_whole_ones_with_paint_over_what_is_hidden(
    clips: ClipSet, cache: Path, name: str, order: Order
) -> None:
    for fill in FILLS if name != "none" else FILLS[:1]:
        mask = MASKS[name]
        filled = mask if name == "none" else mask.model_copy(update={"fill": fill})
        forward = shown(clips, cache, filled, "forward").clip(3)
        clip = shown(clips, cache, filled, order).clip(3)
        own = paint(fill, forward.pixels, forward.hidden, clip.id)[clip.places]
        whole = forward.pixels[clip.places].astype(np.float32)
        hidden = np.broadcast_to(forward.hidden, (4, SIDE, SIDE))[clip.places]
        cover = np.asarray(hidden[:, None], np.float32)
        expected = np.rint(whole * (1 - cover) + own.astype(np.float32) * cover).astype(np.uint8)
        (batched,) = ClipBatch([clip]).shown_clips
        assert np.array_equal(batched.numpy(), expected), fill
        assert torch.equal(clip.frames, batched)
        one = torch.cat([clip.frame(place) for place in range(4)])
        assert torch.equal(one, batched), "frame by frame"
        canvas = torch.full((9, 3, SIDE, SIDE), 77, dtype=torch.uint8)
        (again,) = ClipBatch([clip], canvas=canvas).shown_clips
        assert torch.equal(again, batched), "in memory that was used before"


@pytest.mark.parametrize("order", ["shuffled", "single"])
@pytest.mark.parametrize("name", ["none", "static", "fresh", "shape", "feature"])
def test_clips_painted_at_once_equal_clips_painted_one_by_one(
    clips: ClipSet, cache: Path, name: str, order: Order
) -> None:
    for fill in FILLS if name != "none" else FILLS[:1]:
        mask = MASKS[name]
        masked = shown(
            clips, cache, mask if name == "none" else mask.model_copy(update={"fill": fill}), order
        )
        some = [masked.clip(index) for index in (0, 3, 5)]
        bits = [packed(np.asarray(clip.hidden, bool)) for clip in some]
        one_by_one, at_once = ClipBatch(some), ClipBatch(some, bits=bits)
        for what in ("frames", "whole", "hidden"):
            assert torch.equal(getattr(at_once, what), getattr(one_by_one, what)), (fill, what)
        for what in ("shown_clips", "hidden_clips"):
            for mine, theirs in zip(getattr(at_once, what), getattr(one_by_one, what), strict=True):
                assert torch.equal(mine, theirs.expand_as(mine)), (fill, what)
        ordered = in_order(
            [torch.from_numpy(clip.pixels.copy()) for clip in some], [clip.places for clip in some]
        )
        assert torch.equal(torch.cat(ordered), one_by_one.whole)
        canvas = torch.full((12, 3, SIDE, SIDE), 77, dtype=torch.uint8)
        covers = covers_from_bits(bits, [4] * len(some), SIDE, canvas.device)
        for out in (None, canvas):
            painted = blend_clips(
                [clip.whole for clip in some], [clip.paint for clip in some], covers, out=out
            )
            for clip, frames in zip(some, painted, strict=True):
                assert torch.equal(frames, clip.frames), fill
        assert torch.equal(canvas, torch.cat([clip.frames for clip in some]))


@given(st.data())
def test_clips_of_any_length_with_still_and_fresh_masks_are_painted_at_once(
    data: st.DataObject,
) -> None:
    numbers = np.random.default_rng(data.draw(st.integers(0, 99)))
    whole, paints, masks = [], [], []
    for _ in range(data.draw(st.integers(1, 4))):
        frames = data.draw(st.integers(1, 5))
        of_mask, of_paint = (frames if data.draw(st.booleans()) else 1 for _ in range(2))
        area = (3, 5) if data.draw(st.booleans()) else (1, 1)
        whole.append(numbers.integers(0, 256, (frames, 3, 3, 5), np.uint8))
        paints.append(numbers.integers(0, 256, (of_paint, 3, *area), np.uint8))
        masks.append(numbers.random((of_mask, 3, 5)) < 0.5)
    lengths, cpu = [len(frames) for frames in whole], torch.device("cpu")
    covers = covers_from_bits([packed(mask) for mask in masks], lengths, 5, cpu)
    painted = blend_clips([torch.from_numpy(frames) for frames in whole], paints, covers)
    for bare, paint, mask, found in zip(whole, paints, masks, painted, strict=True):
        assert np.array_equal(found.numpy(), np.where(mask[:, None], paint, bare))


@pytest.mark.parametrize("name", ["static", "soft"])
def test_frames_of_the_store_are_never_written_to(clips: ClipSet, cache: Path, name: str) -> None:
    masked = shown(clips, cache, MASKS[name], "forward")
    before = masked.frames.clip(0).copy()
    clip = masked.clip(0)
    canvas = torch.empty((4, 3, SIDE, SIDE), dtype=torch.uint8)
    assert not torch.equal(ClipBatch([clip], canvas=canvas).shown_clips[0], clip.whole)
    assert np.array_equal(masked.frames.clip(0), before)


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_masks_travel_as_bits(frames: int, height: int, width: int, seed: int) -> None:
    mask = np.random.default_rng(seed).random((frames, height, width)) < 0.5
    bits = torch.from_numpy(packed(mask))
    assert bits.numel() == frames * height * -(-width // 8)
    assert np.array_equal(unpacked(bits, width).numpy(), mask)
