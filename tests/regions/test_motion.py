"""The motion source on clips whose motion is known."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clip_har.data.clips import Clip
from clip_har.data.store import ClipFrames
from clip_har.regions.motion import MotionRegion
from clip_har.regions.none import NoRegion
from clip_har.regions.source import is_found


def scene(frames=8, height=96, width=128, seed=0):
    """Return a still textured background ``(T, 3, H, W)`` and a generator for noise."""
    draws = np.random.default_rng(seed)
    background = draws.integers(40, 120, (3, height, width))
    return np.repeat(background[None], frames, axis=0), draws


def moving_square(side=14, noise=0.0):
    """Return frames and the truth ``(T, H, W)``: a light square that walks to the right."""
    frames, draws = scene()
    truth = np.zeros((8, 96, 128), bool)
    for time in range(8):
        truth[time, 40 : 40 + side, 4 + 14 * time : 4 + 14 * time + side] = True
    frames = np.where(truth[:, None], 220, frames) + draws.normal(0, noise, frames.shape)
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8), truth


@pytest.mark.parametrize("noise", [0.0, 3.0, 8.0])
@pytest.mark.parametrize("side", [3, 6, 14])  # 3: far less than a hundredth of the frame
def test_a_moving_square_is_found(side, noise):
    frames, truth = moving_square(side, noise)
    relevance = MotionRegion().of_pixels(frames)
    assert relevance.dtype == np.float32
    assert (relevance.min(), relevance.max()) == (0, 1)
    assert is_found(relevance)
    assert relevance[truth].mean() > 0.5
    near = np.zeros_like(truth)  # the smoothing may spill over by three standard deviations
    for time, row, column in np.argwhere(truth):
        near[time, row - 6 : row + 7, max(column - 6, 0) : column + 7] = True
    assert relevance[~near].max() == 0
    for time in range(8):
        rows, columns = np.nonzero(truth[time])
        weights = relevance[time]
        centre = (np.argwhere(weights > 0) * weights[weights > 0][:, None]).sum(0) / weights.sum()
        assert centre == pytest.approx((rows.mean(), columns.mean()), abs=1.5)


@pytest.mark.parametrize("noise", [0.0, 3.0, 10.0])
def test_where_nothing_moves_all_is_zero(noise):
    frames, draws = scene()
    frames = np.clip(np.rint(frames + draws.normal(0, noise, frames.shape)), 0, 255)
    relevance = MotionRegion().of_pixels(frames.astype(np.uint8))
    assert relevance.shape == (8, 96, 128)
    assert not is_found(relevance)


@given(st.integers(1, 5), st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_any_size_gives_a_map_in_range(frames, height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (frames, 3, height, width), np.uint8)
    relevance = MotionRegion().of_pixels(pixels)
    assert relevance.shape == (frames, height, width)
    assert 0 <= relevance.min() <= relevance.max() <= 1
    if frames == 1:
        assert not is_found(relevance)


def test_the_order_of_the_frames_does_not_matter():
    frames, _ = moving_square(noise=3)
    forwards = MotionRegion().of_pixels(frames)
    np.testing.assert_array_equal(MotionRegion().of_pixels(frames[::-1]), forwards[::-1])


def test_the_threshold_is_in_grey_levels():
    frames = np.full((5, 3, 40, 40), 100, np.uint8)
    frames[2, :, 10:30, 10:30] = 110
    assert is_found(MotionRegion(threshold=9).of_pixels(frames))
    assert not is_found(MotionRegion(threshold=10).of_pixels(frames))


def test_a_median_between_two_frames_is_not_rounded():
    frames = np.zeros((2, 3, 20, 20), np.uint8)
    frames[1] = 13  # both are 6.5 away from their median
    frames[:, :, :, :15] = 0  # and most of the scene is still
    relevance = MotionRegion(threshold=6.4).of_pixels(frames)
    np.testing.assert_array_equal(relevance[0], relevance[1])
    assert is_found(relevance)
    assert not is_found(MotionRegion(threshold=6.5).of_pixels(frames))


@pytest.mark.parametrize(
    "frames",
    [np.zeros((3, 20, 20), np.uint8), np.zeros((4, 1, 9, 9), np.uint8), np.zeros((4, 3, 9, 9))],
)
def test_wrong_frames_are_refused(frames):
    with pytest.raises(ValueError, match=r"expected uint8 frames of shape \(T, 3, H, W\)"):
        MotionRegion().of_pixels(frames)


@pytest.mark.parametrize("fault", [{"smoothing": 0}, {"threshold": -1}, {"sigma": 2}])
def test_wrong_settings_are_refused(fault):
    with pytest.raises(ValidationError):
        MotionRegion(**fault)


def test_what_the_sources_say_of_themselves():
    assert not MotionRegion.exact
    assert not NoRegion.exact
    clip = Clip(id="a", path=Path("a.mp4"), label=0, group="a")
    shown = ClipFrames(clip, np.zeros((2, 3, 4, 4), np.uint8), (0, 1), "crop")
    assert NoRegion().relevance(shown) is None
