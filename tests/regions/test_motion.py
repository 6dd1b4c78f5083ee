"""The motion source on clips whose motion is known."""

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import ANY

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.regions.motion import MotionRegion
from clip_har.regions.source import is_found
from tests.regions.made import no_model, shown, soft_masks
from tests.regions.test_camera import PATHS, SIZE, filmed, ground, view


def scene(frames=8, height=96, width=128, seed=0):
    """Return a static textured background ``(T, 3, H, W)`` and a generator for noise."""
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
    soft_mask = MotionRegion().of_pixels(frames)
    assert soft_mask.dtype == np.float32
    assert (soft_mask.min(), soft_mask.max()) == (0, 1)
    assert is_found(soft_mask)
    assert soft_mask[truth].mean() > 0.5
    near = np.zeros_like(truth)  # the smoothing may spill over by three standard deviations
    for time, row, column in np.argwhere(truth):
        near[time, row - 6 : row + 7, max(column - 6, 0) : column + 7] = True
    assert soft_mask[~near].max() == 0
    for time in range(8):
        rows, columns = np.nonzero(truth[time])
        weights = soft_mask[time]
        centre = (np.argwhere(weights > 0) * weights[weights > 0][:, None]).sum(0) / weights.sum()
        assert centre == pytest.approx((rows.mean(), columns.mean()), abs=1.5)


@pytest.mark.parametrize("noise", [0.0, 3.0, 10.0])
def test_where_nothing_moves_all_is_zero(noise):
    frames, draws = scene()
    frames = np.clip(np.rint(frames + draws.normal(0, noise, frames.shape)), 0, 255)
    soft_mask = MotionRegion().of_pixels(frames.astype(np.uint8))
    assert soft_mask.shape == (8, 96, 128)
    assert not is_found(soft_mask)


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_any_size_gives_a_map_in_range(frames, height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (frames, 3, height, width), np.uint8)
    soft_mask = MotionRegion().of_pixels(pixels)
    assert soft_mask.shape == (frames, height, width)
    assert 0 <= soft_mask.min() <= soft_mask.max() <= 1
    if frames == 1:
        assert not is_found(soft_mask)


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
    frames[1, :, :, 15:] = 13  # both are 6.5 away from their median
    soft_mask = MotionRegion(threshold=6.4).of_pixels(frames)
    assert is_found(soft_mask[1:])
    assert not is_found(soft_mask[:1])  # there it is a ghost: the frame itself shows no edge
    assert not is_found(MotionRegion(threshold=6.5).of_pixels(frames))


def test_a_moving_pixel_is_inside_and_a_static_one_far_outside():
    soft_mask = MotionRegion().of_pixels(moving_square(noise=3)[0])
    assert ((soft_mask == 0) | (soft_mask > 0.5)).all()


def test_parts_much_smaller_than_the_moving_region_are_speckle():
    frames, truth = moving_square(side=20)
    frames[2, :, 81:84, 101:104] = frames[3, :, 10:22, 10:22] = 220
    all_of_it = MotionRegion(speckle=0).of_pixels(frames)
    cleaned = MotionRegion().of_pixels(frames)
    assert is_found(all_of_it[2:3, 81:84, 101:104])
    assert not cleaned[2, 75:90, 95:110].any()
    assert cleaned[3, 10:22, 10:22].mean() > 0.5  # not that much smaller
    assert cleaned[truth].mean() > 0.5


def test_who_leaves_a_place_leaves_no_ghost_there():
    frames, _ = scene()
    frames = frames // 8 + 60  # ground with little detail of its own
    frames[:5, :, 30:60, 20:40] = frames[5:, :, 30:60, 80:100] = 220
    soft_mask = MotionRegion().of_pixels(frames.astype(np.uint8))
    assert soft_mask[5:, 30:60, 80:100].mean() > 0.9
    assert not soft_mask[:, :, :60].any()


def walked(name, side=24, subject=True):
    """Return frames of a body that walks over the ground under a moving camera, and the truth."""
    path = [view(time, **PATHS[name]) for time in range(8)]
    frames = filmed(path, ground())
    truth = np.zeros((8, SIZE, SIZE), bool)
    body = ground(seed=9)[:side, :side].transpose(2, 0, 1) // 2 + 120
    for time in range(8 if subject else 0):
        top, left = 50 + 3 * time, 115 - 13 * time
        truth[time, top : top + side, left : left + side] = True
        frames[time, :, top : top + side, left : left + side] = body
    return frames, truth


def overlap(soft_mask, truth):
    """Return intersection over union of the region with the truth."""
    return ((soft_mask >= 0.5) & truth).sum() / ((soft_mask >= 0.5) | truth).sum()


@pytest.mark.parametrize("name", PATHS)
def test_a_mover_is_found_under_a_moving_camera(name):
    frames, truth = walked(name)
    registered = overlap(MotionRegion().of_pixels(frames), truth)
    assert registered > 0.6
    assert registered > overlap(MotionRegion(camera="static").of_pixels(frames), truth) + 0.4


@pytest.mark.parametrize("name", PATHS)
def test_a_moving_camera_alone_moves_nothing(name):
    frames, _ = walked(name, subject=False)
    soft_mask = MotionRegion().of_pixels(frames)
    assert (soft_mask >= 0.5).mean() < 0.001
    assert is_found(MotionRegion(camera="static").of_pixels(frames))


def test_hard_edges_a_fraction_of_a_pixel_off_do_not_move():
    blocks = np.random.default_rng(0).integers(0, 2, (60, 60, 1)) * 255
    picture = blocks.repeat(8, 0).repeat(8, 1).repeat(3, 2).astype(np.uint8)
    frames = filmed([view(time, pan=(3.3, 1.7), roll=0.3) for time in range(8)], picture)
    assert not MotionRegion().of_pixels(frames).any()


@pytest.mark.parametrize("noise", [0, 8])
def test_a_camera_at_rest_is_not_registered(noise):
    frames, _ = moving_square(noise=noise)
    static = MotionRegion(camera="static").of_pixels(frames)
    np.testing.assert_array_equal(MotionRegion().of_pixels(frames), static)


def test_what_cannot_be_registered_does_not_move():
    """Eight places that have nothing in common."""
    frames = np.concatenate([filmed([view(0)], ground(seed)) for seed in range(8)])
    assert not MotionRegion().of_pixels(frames).any()


def test_the_bars_of_a_letterbox_do_not_move():
    frames, _ = walked("pan")
    frames[:, :, :30] = frames[:, :, -30:] = 0
    soft_mask = MotionRegion().of_pixels(frames)
    assert not soft_mask[:, :28].any()
    assert not soft_mask[:, -28:].any()
    assert is_found(soft_mask)


def test_a_mover_is_followed_to_the_border_of_the_frame():
    frames, _ = walked("pan", subject=False)
    frames[3, :, 100:140, :30] = 250
    soft_mask = MotionRegion().of_pixels(frames)
    assert soft_mask[3, 105:135, 0].min() >= 0.5


def test_equal_frames_give_equal_maps():
    frames = walked("all")[0][:4]
    first = MotionRegion().of_pixels(frames)
    threads = cv2.getNumThreads()
    try:
        for count in (1, 4):
            cv2.setNumThreads(count)
            cv2.setRNGSeed(count)
            np.testing.assert_array_equal(MotionRegion().of_pixels(frames), first)
    finally:
        cv2.setNumThreads(threads)
    with ThreadPoolExecutor(2) as pool:
        for soft_mask in pool.map(MotionRegion().of_pixels, [frames] * 3):
            np.testing.assert_array_equal(soft_mask, first)


def test_a_real_camera_that_wanders_is_taken_out(sample_data, real_frames):
    """Fencing: the picture drifts by some pixels, the near fencer stays on the left."""
    frames = real_frames["v_Fencing_g01_c06"]
    registered = MotionRegion().of_pixels(frames) >= 0.5
    unregistered = MotionRegion(camera="static").of_pixels(frames) >= 0.5
    fencer = np.s_[:, 60:170, 10:90]
    share = registered[fencer].sum() / registered.sum()
    assert share > 0.55
    assert share > unregistered[fencer].sum() / unregistered.sum() + 0.15


@pytest.mark.parametrize(
    "frames",
    [np.zeros((3, 20, 20), np.uint8), np.zeros((4, 1, 9, 9), np.uint8), np.zeros((4, 3, 9, 9))],
)
def test_wrong_frames_are_refused(frames):
    with pytest.raises(ValueError, match=r"expected uint8 frames of shape \(T, 3, H, W\)"):
        MotionRegion().of_pixels(frames)


@pytest.mark.parametrize(
    "fault", [{"smoothing": 0}, {"threshold": -1}, {"sigma": 2}, {"speckle": 1}, {"camera": "pan"}]
)
def test_wrong_settings_are_refused(fault):
    with pytest.raises(ValidationError):
        MotionRegion(**fault)


def test_the_subject_moves_and_the_background_is_the_rest():
    frames, truth = moving_square()
    static = np.full((2, 3, 40, 40), 7, np.uint8)
    source = MotionRegion()
    locate = soft_masks(source.locator(no_model))
    subject, nothing = locate([shown(frames), shown(static)], "subject")
    np.testing.assert_array_equal(subject, source.of_pixels(frames))
    np.testing.assert_array_equal(locate([shown(frames)], "person")[0], subject)
    background, no_background = locate([shown(frames), shown(static)], "background")
    np.testing.assert_array_equal(background >= 0.5, subject < 0.5)
    assert background[truth].mean() < 0.5
    assert not is_found(nothing)
    assert not is_found(no_background)  # where nothing moves, all may be background or subject


@pytest.mark.parametrize("target", ["object", "a ball", ""])
def test_other_targets_are_refused(target):
    known = "region=motion knows subject, person, background only"
    with pytest.raises(ClipHarError, match=known):
        MotionRegion().check(target)
    with pytest.raises(ClipHarError, match=known):
        MotionRegion().locator(no_model)([], target)


def test_what_the_source_says_of_itself():
    source = MotionRegion()
    assert not source.exact
    assert not source.asks_model
    assert not source.uses_label("subject")
    assert source.on_empty == "skip"
    assert cv2.__version__ in source.identity(ANY)
    for target in ("subject", "person", "background"):
        source.check(target)
