"""The camera's motion on clips that were cut out of a still ground along a known path."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clip_har.regions.camera import Box, camera_motion, is_at_rest, picture_box

SIZE = 160
CENTRE = 240  # of the ground, in either direction


def ground(seed=0, edge=480):
    """Return a picture ``(edge, edge, 3)`` with detail of every size."""
    draws = np.random.default_rng(seed)
    layers = [
        cv2.resize(draws.normal(0, 1, (edge // cell, edge // cell, 3)), (edge, edge)) * cell**0.5
        for cell in (3, 6, 12, 24)
    ]
    return np.clip(110 + 14 * sum(layers), 0, 255).astype(np.uint8)


def view(time, pan=(0.0, 0.0), zoom=1.0, roll=0.0):
    """Return ``(3, 3)``: what takes points of the ground to a frame of a steady camera path."""
    scale, turn = zoom**time, np.deg2rad(roll) * time
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    turned = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    start, end = np.eye(3), np.eye(3)
    start[:2, 2] = -CENTRE - np.multiply(pan, time)
    end[:2, 2] = SIZE / 2
    return end @ turned @ start


def filmed(path, picture):
    """Return the frames ``(T, 3, SIZE, SIZE)`` that a camera path sees of a picture."""
    seen = [cv2.warpAffine(picture, to[:2], (SIZE, SIZE), flags=cv2.INTER_AREA) for to in path]
    return np.stack(seen).transpose(0, 3, 1, 2)


PATHS: dict[str, dict[str, Any]] = {
    "pan": {"pan": (9.0, 3.0)},
    "zoom": {"zoom": 1.06},
    "roll": {"roll": 2.5},
    "all": {"pan": (6.0, -4.0), "zoom": 0.97, "roll": -1.5},
}


@pytest.mark.parametrize("name", PATHS)
def test_a_known_path_is_found(name):
    path = [view(time, **PATHS[name]) for time in range(6)]
    motion = camera_motion(filmed(path, ground()))
    corners = np.array([[x, y, 1.0] for x in (0, SIZE) for y in (0, SIZE)]).T
    for start in range(6):
        for end in range(6):
            true = path[end] @ np.linalg.inv(path[start])
            off = np.hypot(*((motion[start, end] - true) @ corners)[:2])
            assert off.max() < 1.5, (start, end)
    assert not is_at_rest(motion)


@pytest.mark.parametrize("noise", [0, 8])
def test_a_camera_at_rest_is_exactly_at_rest(noise):
    frames = filmed([view(0)] * 4, ground()).astype(float)
    frames += np.random.default_rng(1).normal(0, noise, frames.shape)
    assert is_at_rest(camera_motion(np.clip(frames.round(), 0, 255).astype(np.uint8)))


@pytest.mark.parametrize("speed", [0, 7])
def test_a_subject_is_not_taken_for_the_camera(speed):
    """A textured body that fills a third of the frame and moves the other way."""
    path = [view(time, pan=(speed, 0)) for time in range(4)]
    frames = filmed(path, ground())
    body = ground(seed=5)[:90, :96].transpose(2, 0, 1)
    for time in range(4):
        frames[time, :, 40:130, 10 + 12 * time : 106 + 12 * time] = body
    motion = camera_motion(frames)
    assert is_at_rest(motion) == (speed == 0)
    np.testing.assert_allclose(motion[0, 3][:2, 2], (-3 * speed, 0), atol=1)
    np.testing.assert_allclose(motion[0, 3][:2, :2], np.eye(2), atol=0.02)


def test_a_subject_alone_does_not_tell_how_the_camera_moves():
    """The same body before another ground in each frame."""
    frames = np.concatenate([filmed([view(0)], ground(seed)) for seed in range(2)])
    body = ground(seed=5)[:60, :60].transpose(2, 0, 1)
    frames[0, :, 50:110, 20:80] = frames[1, :, 50:110, 60:120] = body
    assert np.isnan(camera_motion(frames)[0, 1]).all()


def test_frames_far_apart_are_linked_by_those_between():
    """A pan of three quarters of the frame, then a zoom: the ends share next to nothing."""
    path = [view(0), view(1, pan=(120.0, 0.0)), view(1, pan=(120.0, 0.0), zoom=1.6)]
    motion = camera_motion(filmed(path, ground()))
    true = np.array([[1.6, 0, 80 - 1.6 * 200], [0, 1.6, 80 - 1.6 * 80], [0, 0, 1]])
    np.testing.assert_allclose(motion[0, 2], true, atol=4)


def test_other_places_are_not_linked():
    frames = np.concatenate([filmed([view(0)] * 2, ground(seed)) for seed in (0, 1)])
    known = ~np.isnan(camera_motion(frames)[:, :, 0, 0])
    np.testing.assert_array_equal(known, np.kron(np.eye(2), np.ones((2, 2))) > 0)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (20, 200), (100, 120)])
def test_frames_without_features_are_at_rest(height, width):
    frames = np.full((3, 3, height, width), 90, np.uint8)
    frames[1] += 3
    assert is_at_rest(camera_motion(frames))


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 3), st.integers(1, 70), st.integers(1, 70), st.integers(0, 99))
def test_any_size_gives_motions(count, height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 3, height, width), np.uint8)
    motion = camera_motion(pixels)
    assert motion.shape == (count, count, 3, 3)
    np.testing.assert_array_equal(motion[range(count), range(count)], [np.eye(3)] * count)


def test_long_clips_are_linked_too():
    path = [view(time, pan=(2.0, 0.0)) for time in range(20)]
    motion = camera_motion(filmed(path, ground()))
    np.testing.assert_allclose(motion[0, :, 0, 2], -2.0 * np.arange(20), atol=1.5)


def test_equal_frames_give_equal_motions():
    """Whatever ran before, beside it, and with any number of OpenCV's threads."""
    frames = filmed([view(time, pan=(9, 2), roll=1) for time in range(4)], ground())
    other = filmed([view(time, zoom=1.05) for time in range(4)], ground(3))
    first = camera_motion(frames)
    threads = cv2.getNumThreads()
    try:
        for count in (1, 4):
            cv2.setNumThreads(count)
            cv2.setRNGSeed(count)
            camera_motion(other)
            np.testing.assert_array_equal(camera_motion(frames), first)
    finally:
        cv2.setNumThreads(threads)
    beside = camera_motion(other)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(camera_motion, [frames, other] * 3))
    for motion, expected in zip(found, [first, beside] * 3, strict=True):
        np.testing.assert_array_equal(motion, expected)


def test_the_bars_of_a_letterbox_do_not_make_frames_alike():
    frames = np.concatenate([filmed([view(0)], ground(seed)) for seed in range(2)])
    frames[:, :, :52] = frames[:, :, -52:] = 5
    assert picture_box(frames) == Box(52, 0, SIZE - 52, SIZE)
    assert np.isnan(camera_motion(frames)[0, 1]).all()


def test_a_letterbox_does_not_hold_the_camera():
    frames = filmed([view(time, pan=(8.0, 0.0)) for time in range(3)], ground())
    frames[:, :, :40] = frames[:, :, -40:] = 5
    np.testing.assert_allclose(camera_motion(frames)[0, 2][:2, 2], (-16, 0), atol=0.5)


def test_a_box_without_a_margin():
    assert Box(0, 0, 4, 6).inside(1).area((4, 6)).tolist() == [
        [False] * 6, [False, *[True] * 4, False], [False, *[True] * 4, False], [False] * 6,
    ]  # fmt: skip
    assert not Box(0, 0, 4, 6).inside(2).area((4, 6)).any()
    assert not Box(0, 0, 1, 6).inside(2).area((40, 60)).any()
    assert not Box(0, 0, 4, 6).inside(9).area((4, 6)).any()
