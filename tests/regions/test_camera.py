"""The camera's motion between frames that were cut out of a ground along a known path."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clip_har.regions.camera import REST, camera_motion, corners
from clip_har.regions.picture import Box
from tests.regions.planted_motion import PATHS, SIZE, filmed, ground, path_of, view

WHOLE = Box(0, 0, SIZE, SIZE)


def motion_between(first, second, guess=REST):
    height, width = first.shape[:2]
    return camera_motion(corners(first, Box(0, 0, height, width)), second, guess)


def farthest_off(motion, true):
    """Return how far a motion is off the true one at the corners of the frame, in pixels."""
    places = np.array([[x, y, 1.0] for x in (0, SIZE) for y in (0, SIZE)]).T
    return np.hypot(*((np.vstack([motion, [0, 0, 1]]) - true) @ places)[:2]).max()


@pytest.mark.parametrize("step", [1, 5, 10])
@pytest.mark.parametrize("name", PATHS)
def test_a_known_path_is_found(name, step):
    path = path_of(name)
    frames = filmed(path, ground())
    for start in (0, 12, 22):
        true = path[start + step] @ np.linalg.inv(path[start])
        motion = motion_between(frames[start], frames[start + step])
        assert motion is not None
        assert farthest_off(motion, true) < 1.0


def test_a_guess_leads_to_a_far_frame():
    path = [view(0), view(1, pan=(70.0, 0.0))]
    frames = filmed(path, ground())
    true = path[1] @ np.linalg.inv(path[0])
    guess = true[:2] + np.array([[0, 0, 6], [0, 0, -4]])
    assert farthest_off(motion_between(frames[0], frames[1], guess), true) < 1.0


@pytest.mark.parametrize("noise", [0, 8])
def test_a_camera_at_rest_is_exactly_at_rest(noise):
    frames = filmed([view(0)] * 2, ground()).astype(float)
    frames += np.random.default_rng(1).normal(0, noise, frames.shape)
    first, second = np.clip(frames.round(), 0, 255).astype(np.uint8)
    assert motion_between(first, second) is REST


@pytest.mark.parametrize("speed", [0, 7])
def test_a_subject_is_not_taken_for_the_camera(speed):
    """A textured body that fills a third of the frame and moves the other way."""
    frames = filmed([view(time, pan=(speed, 0)) for time in range(2)], ground())
    body = ground(seed=5)[:90, :96]
    for time in range(2):
        frames[time, 35:125, 26 + 12 * time : 122 + 12 * time] = body
    motion = motion_between(*frames)
    assert (motion is REST) == (speed == 0)
    np.testing.assert_allclose(motion, [[1, 0, -speed], [0, 1, 0]], atol=0.5)


def test_the_border_of_the_frame_decides():
    """A body in the middle has the strongest corners, but few of those near the border."""
    frames = filmed([view(time, pan=(5, 0)) for time in range(2)], ground() // 2 + 60)
    body = ground(seed=5)[:88, :88]
    for time in range(2):
        frames[time, 36:124, 34 + 4 * time : 122 + 4 * time] = body
    np.testing.assert_allclose(motion_between(*frames), [[1, 0, -5], [0, 1, 0]], atol=0.5)


def test_places_on_a_line_do_not_shear_the_frame():
    """Only a strip of the picture has detail, as boards above ice."""
    path = path_of("pan")
    frames = filmed(path, ground())
    frames[:, 24:] = 180
    strip = Box(0, 0, SIZE, SIZE)
    motion = camera_motion(corners(frames[0], strip), frames[4])
    true = path[4] @ np.linalg.inv(path[0])
    assert farthest_off(motion, true) < 4


def test_other_places_have_no_motion_in_common():
    frames = np.concatenate([filmed([view(0)], ground(seed)) for seed in (0, 1)])
    assert motion_between(*frames) is None


@pytest.mark.parametrize("shape", [(1, 1), (20, 200), (100, 120)])
def test_frames_without_detail_have_no_motion(shape):
    frames = np.full((2, *shape, 3), 90, np.uint8)
    assert motion_between(*frames) is None


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 99))
def test_any_size_gives_a_motion_or_none(height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (2, height, width, 3), np.uint8)
    motion = motion_between(*pixels)
    assert motion is None or (motion.shape == (2, 3) and np.isfinite(motion).all())


def test_equal_frames_give_equal_motions():
    """Whatever ran before, beside it, and with any number of OpenCV's threads."""
    one = filmed([view(time, pan=(9, 2), roll=1) for time in range(2)], ground())
    other = filmed([view(time, zoom=1.05) for time in range(2)], ground(3))
    first, beside = motion_between(*one), motion_between(*other)
    assert first is not None
    threads = cv2.getNumThreads()
    try:
        for count in (1, 4):
            cv2.setNumThreads(count)
            cv2.setRNGSeed(count)
            motion_between(*other)
            np.testing.assert_array_equal(motion_between(*one), first)
    finally:
        cv2.setNumThreads(threads)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda frames: motion_between(*frames), [one, other] * 3))
    for motion, expected in zip(found, [first, beside] * 3, strict=True):
        np.testing.assert_array_equal(motion, expected)
