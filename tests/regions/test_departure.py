"""What departs from the scene, on clips whose motion is known."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clip_har.regions.departure import departure
from tests.regions.planted_motion import SIZE, around, filmed, ground, path_of, view, walk


def test_a_departure_is_in_grey_levels():
    frames = np.full((5, 60, 60, 3), 100, np.uint8)
    frames[2, 10:30, 10:30] += np.array([0, 6, 30], np.uint8)
    found = departure(*around(frames, 2, (1, 2)))
    assert found.levels[12:28, 12:28] == pytest.approx(12)
    assert not found.levels[:8].any()
    assert (found.noise, found.seen) == (0, 1)


def test_who_leaves_a_place_leaves_no_ghost_there():
    frames = np.full((21, 60, 100, 3), 90, np.uint8)
    for time in range(21):
        frames[time, 20:40, 4 * time : 4 * time + 12] = 200
    for time in (4, 10, 16):
        departs = departure(*around(frames, time)).levels > 50
        columns = np.flatnonzero(departs.any(axis=0))
        assert columns[0] >= 4 * time - 1
        assert columns[-1] <= 4 * time + 12


def test_at_the_ends_of_a_clip_two_times_on_one_side_tell_ghosts():
    frames = np.full((11, 60, 100, 3), 90, np.uint8)
    for time in range(11):
        frames[time, 20:40, 8 * time : 8 * time + 12] = 200
    for time in (0, 10):
        departs = departure(*around(frames, time)).levels > 50
        columns = np.flatnonzero(departs.any(axis=0))
        assert columns[0] >= 8 * time - 1
        assert columns[-1] <= 8 * time + 12


def test_a_slow_body_departs_as_a_whole():
    """It moves by less than its width between near frames."""
    frames = np.full((21, 60, 100, 3), 90, np.uint8)
    for time in range(21):
        frames[time, 20:40, 20 + 2 * time : 34 + 2 * time] = 200
    near = departure(*around(frames, 10, (2, 3))).levels[22:38, 42:52] > 50
    far = departure(*around(frames, 10, (2, 5, 10))).levels[22:38, 42:52] > 50
    assert far.all()
    assert not near.all()


EXPOSURES = {
    "ramp": lambda time: (0.6 + 0.014 * time, 0),
    "flicker": lambda time: (0.85 + 0.15 * np.sin(7 * time), 0),
    "offset": lambda time: (0.8, 12 * np.sin(3 * time)),
}


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("path", ["rest", "all"])
def test_a_change_of_exposure_is_no_departure(path, exposure):
    frames = filmed(path_of(path), ground())
    for time, frame in enumerate(frames):
        gain, offset = EXPOSURES[exposure](time)
        frame[:] = np.clip(np.rint(gain * frame + offset), 0, 255)
    for time in (6, 16, 26):
        assert np.percentile(departure(*around(frames, time)).levels, 99) < 6
    untouched = np.abs(frames[16].astype(int) - frames[26]).mean()
    assert untouched > 10


def test_another_scene_is_not_compared():
    frames = np.concatenate(
        [filmed([view(0)] * 15, ground(seed=1)), filmed([view(0)] * 15, ground(seed=7))]
    )
    walk(frames)
    for time in (14, 15):
        cut = departure(*around(frames, time))
        assert cut.seen == 0.5
        alone = around(frames[:15] if time < 15 else frames[15:], time % 15)
        np.testing.assert_array_equal(cut.levels, departure(*alone).levels)
    one = departure(frames[0], [frames[20]], [frames[25]])
    assert not one.known.any()
    assert not one.levels.any()
    assert one.seen == 0


def test_half_of_another_scene_is_not_compared():
    """The camera's motion is known from one half; it does not explain the other."""
    path = [view(time, pan=(1, 0)) for time in range(11)]
    frames, other = filmed(path, ground()), filmed(path, ground(seed=7))
    frames[:5, :, : 3 * SIZE // 5] = other[:5, :, : 3 * SIZE // 5]
    found = departure(*around(frames, 5, (2, 5)))
    assert found.seen == 0.5
    np.testing.assert_array_equal(
        found.levels, departure(frames[5], [], [frames[7], frames[10]]).levels
    )


def test_a_frame_alone_shows_no_departure():
    frame = filmed([view(0)], ground())[0]
    alone = departure(frame, [], [])
    assert not alone.known.any()
    assert (alone.noise, alone.seen) == (0, 0)


@pytest.mark.parametrize("side", ["left", "top"])
def test_a_mover_is_followed_to_the_border_of_the_frame(side):
    frames = filmed(path_of("pan"), ground())
    place = np.s_[100:140, :30] if side == "left" else np.s_[:30, 100:140]
    frames[16][place] = 250
    levels = departure(*around(frames, 16)).levels
    assert (levels[place] > 20).mean() > 0.9


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 3), st.integers(0, 3), st.integers(1, 40), st.integers(1, 40), st.integers(0, 99)
)
def test_any_frames_give_levels_where_they_are_known(before, after, height, width, seed):
    draws = np.random.default_rng(seed)
    frames = draws.integers(0, 256, (before + after + 1, height, width, 3), np.uint8)
    found = departure(frames[before], [*frames[:before][::-1]], [*frames[before + 1 :]])
    assert found.levels.shape == found.known.shape == (height, width)
    assert found.levels.dtype == np.float32
    assert found.levels.min() >= 0
    assert found.levels.max() <= 255
    assert 0 <= found.seen <= 1
    assert (found.seen > 0) == found.known.any()


@pytest.mark.parametrize("level", [0, 90, 255])
def test_flat_frames_depart_by_nothing(level):
    frames = np.full((5, 40, 40, 3), level, np.uint8)
    assert not departure(*around(frames, 2, (1, 2))).levels.any()


def test_equal_frames_give_equal_departures():
    frames = filmed(path_of("all"), ground())
    walk(frames)
    first = departure(*around(frames, 12))
    threads = cv2.getNumThreads()
    try:
        for count in (1, 4):
            cv2.setNumThreads(count)
            cv2.setRNGSeed(count)
            np.testing.assert_array_equal(departure(*around(frames, 12)).levels, first.levels)
    finally:
        cv2.setNumThreads(threads)
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda _: departure(*around(frames, 12)), range(3)):
            np.testing.assert_array_equal(found.levels, first.levels)
