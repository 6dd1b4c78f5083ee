"""The motion source on clips whose motion is known."""

from unittest.mock import ANY

import cv2
import numpy as np
import pytest
import torch
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.regions.departure import Departure
from clip_har.regions.motion import MotionRegion, departures
from tests.data.made import write_video
from tests.regions.made import no_model
from tests.regions.planted_motion import (
    COUNT,
    PATHS,
    SAMPLED,
    SIZE,
    around,
    clip_of,
    filmed,
    ground,
    overlap,
    path_of,
    walk,
)
from tests.regions.test_picture import with_border


def walked(name, side=24):
    """Return the frames of a walker under a camera, and the truth."""
    frames = filmed(path_of(name), ground())
    return frames, walk(frames, side=side)


def found_in(frames, times=SAMPLED):
    return [MotionRegion().of_frame(*around(frames, time)) for time in times]


def check_found(frames, truth, least=0.7, times=SAMPLED):
    for time, (soft_mask, confidence) in zip(times, found_in(frames, times), strict=True):
        assert overlap(soft_mask, truth[time]) > least
        assert confidence > 0.8


def check_nothing(frames, times=SAMPLED):
    for soft_mask, confidence in found_in(frames, times):
        assert confidence < 0.5
        assert (soft_mask >= 0.5).mean() < 0.01


CAMERAS = [*PATHS, "rest", "shake"]


@pytest.mark.parametrize("name", CAMERAS)
def test_a_mover_is_found_under_any_camera(name):
    frames, truth = walked(name)
    check_found(frames, truth, least=0.85)


@pytest.mark.parametrize("name", CAMERAS)
def test_a_camera_alone_moves_nothing(name):
    check_nothing(filmed(path_of(name), ground()))


@pytest.mark.parametrize("name", ["rest", "all"])
def test_noise_does_not_move(name):
    draws = np.random.default_rng(0)
    frames, truth = walked(name)
    alone = filmed(path_of(name), ground())
    for pictures in (frames, alone):
        pictures[:] = np.clip(np.rint(pictures + draws.normal(0, 8, pictures.shape)), 0, 255)
    check_found(frames, truth, least=0.6)
    check_nothing(alone)


def test_what_the_whole_frame_does_is_no_motion(monkeypatch):
    levels = np.full((60, 60), 10, np.float32)
    levels[20:40, 20:40] = 70
    apart = Departure(levels, np.ones((60, 60), bool), 1.0)
    monkeypatch.setattr("clip_har.regions.motion.departure", lambda *_: apart)
    soft_mask, confidence = MotionRegion().of_frame(np.zeros((60, 60, 3), np.uint8), [], [])
    assert (soft_mask >= 0.5).mean() == pytest.approx(1 / 9, abs=0.01)
    assert 0 < confidence < 0.5


def test_parts_much_smaller_than_the_body_are_specks():
    frames = filmed(path_of("rest"), ground())
    walk(frames, side=50)
    for time in range(COUNT):
        frames[time, 10:20, 20 + 3 * time : 30 + 3 * time] = 250
    for time, (soft_mask, _) in zip(SAMPLED, found_in(frames), strict=True):
        assert not soft_mask[8:22].any()
        assert soft_mask[22:].any()
        alone = frames.copy()
        alone[:, 22:] = alone[0, 22:]
        assert found_in(alone, [time])[0][0][8:22].any()


@pytest.mark.parametrize("name", ["rest", "pan", "all"])
def test_bars_do_not_move(name):
    frames, truth = walked(name)
    for part in (frames, truth):
        part[:, :30] = part[:, -30:] = 0
    check_found(frames, truth)
    for soft_mask, _ in found_in(frames):
        assert not soft_mask[:28].any()
        assert not soft_mask[-28:].any()


@pytest.mark.parametrize("name", ["rest", "pan", "all"])
def test_a_static_border_does_not_hold_the_camera(name):
    frames, truth = walked(name)
    truth[:, :20] = truth[:, -20:] = truth[:, :, :15] = truth[:, :, -15:] = False
    check_found(with_border(frames), truth)
    check_nothing(with_border(filmed(path_of(name), ground())))


@pytest.mark.parametrize("name", ["rest", "pan", "all"])
def test_text_on_the_screen_does_not_move(name):
    frames, truth = walked(name)
    alone = filmed(path_of(name), ground())
    for frame in (*frames, *alone):
        cv2.putText(frame, "LIVE 12", (5, 152), 0, 0.6, (255, 255, 255), 2)
    check_found(frames, truth)
    check_nothing(alone)


def test_a_cut_among_the_other_frames_is_no_motion():
    frames, truth = walked("pan")
    frames[18:] = filmed(path_of("pan"), ground(seed=7))[18:]
    check_found(frames, truth, times=(8, 10, 14, 15))
    check_nothing(frames, times=(18, 20, 24))


def test_more_than_half_of_the_frame_is_not_sure():
    """It may be the camera, or the scene."""
    frames = filmed(path_of("rest"), ground())
    walk(frames, side=130, start=(5, 0), step=1.0)
    assert all(confidence < 0.5 for _, confidence in found_in(frames))


def test_few_frames_of_a_scene_are_not_sure():
    frame, before, after = around(walked("pan")[0], 12)
    cut = list(filmed(path_of("pan"), ground(seed=7))[:2])
    _, sure = MotionRegion().of_frame(frame, before, after)
    _, unsure = MotionRegion().of_frame(frame, [before[0], *cut], cut)
    assert sure == 1
    assert unsure == pytest.approx(2 * 1 / 5)


@pytest.mark.parametrize("side", [2, 5, 12])
def test_a_tiny_mover_is_less_sure_than_a_small_one(side):
    frames = np.full((COUNT, 224, 224, 3), 90, np.uint8)
    for time in range(COUNT):
        frames[time, 100 : 100 + side, 6 * time : 6 * time + side] = 220
    [(soft_mask, confidence)] = found_in(frames, [16])
    assert (confidence >= 0.5) == (side > 5)
    if side > 2:
        assert soft_mask[100 : 100 + side, 96 : 96 + side].min() > 0.5


def test_a_moving_pixel_is_inside_and_a_static_one_is_zero():
    frames, truth = walked("pan")
    for time, (soft_mask, _) in zip(SAMPLED, found_in(frames), strict=True):
        assert soft_mask.dtype == np.float32
        assert ((soft_mask == 0) | (soft_mask > 0.5)).all()
        assert soft_mask.max() == 1
        far = cv2.dilate(truth[time].astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
        assert not soft_mask[far].any()


def test_the_threshold_is_in_grey_levels():
    frames = np.full((5, 60, 60, 3), 100, np.uint8)
    frames[2, 20:40, 20:40] = 120
    assert MotionRegion(threshold=9).of_frame(*around(frames, 2, (1, 2)))[0].any()
    assert not MotionRegion(threshold=20).of_frame(*around(frames, 2, (1, 2)))[0].any()


def test_a_body_has_no_holes_also_where_the_frame_cuts_it_off():
    """Its plain inside looks the same at all times."""
    frames = filmed(path_of("rest"), ground())
    for time in range(COUNT):
        off = 6 * (time % 2)
        frames[time, 80 + off :, 60 + off : 100 + off] = 230
        frames[time, 20 + off : 50 + off, 60 + off : 90 + off] = 230
    soft_mask, _ = found_in(frames, [16])[0]
    assert (soft_mask[24:48, 64:88] >= 0.5).all()
    assert (soft_mask[84:, 64:98] >= 0.5).all()


def test_the_ground_between_bodies_and_the_border_is_no_hole():
    frames = filmed(path_of("rest"), ground())
    for time in range(COUNT):  # a beam across the whole frame, below the sky
        frames[time, 40 + 2 * (time % 3) : 50 + 2 * (time % 3)] = 230
    soft_mask, _ = found_in(frames, [16])[0]
    assert not soft_mask[:30].any()
    assert not soft_mask[70:].any()


def test_what_hangs_into_the_frame_does_not_hold_the_sky():
    """A shallow frame of beams: what it surrounds is wider than deep, and open."""
    frames = filmed(path_of("rest"), ground())
    for time in range(COUNT):
        off = 5 * (time % 2)
        frames[time, : 50 + off, 30 + off : 36 + off] = 230
        frames[time, : 50 + off, 124 + off : 130 + off] = 230
        frames[time, 44 + off : 50 + off, 30 + off : 130 + off] = 230
    soft_mask, _ = found_in(frames, [16])[0]
    assert (soft_mask[46:49, 45:120] >= 0.5).mean() > 0.9
    assert not soft_mask[:34, 50:110].any()


def test_a_clip_is_compared_with_the_frames_between_the_sampled_ones():
    frames, _ = walked("all")
    indices = [2, 10, 18, 26]
    soft_mask, confidence = MotionRegion().of_clip(clip_of(frames, indices))
    assert soft_mask.shape == (4, SIZE, SIZE)
    assert confidence.shape == (4,)
    assert soft_mask.dtype == confidence.dtype == np.float32
    for place, time in enumerate(indices):
        mask, sure = MotionRegion().of_frame(*around(frames, time))
        np.testing.assert_array_equal(soft_mask[place], mask)
        assert confidence[place] == np.float32(sure)
    levels = [found.levels for found in departures(clip_of(frames, indices))]
    assert len(levels) == 4
    assert max(map(np.max, levels)) > 20


@pytest.mark.parametrize(
    ("fps", "steps"), [(8.0, (1, 2, 3)), (50.0, (4, 10, 20)), (None, (2, 5, 10))]
)
def test_frames_are_some_tenths_of_a_second_apart(fps, steps):
    frames, _ = walked("pan")
    found = MotionRegion().of_clip(clip_of(frames, [12], fps))
    expected, _ = MotionRegion().of_frame(*around(frames, 12, steps))
    np.testing.assert_array_equal(found.soft_mask[0], expected)


def test_a_long_clip_is_read_in_parts(monkeypatch):
    frames, _ = walked("pan")
    clip = clip_of(frames, [4, 9, 9, 20, 26])
    whole = MotionRegion().of_clip(clip)
    monkeypatch.setattr("clip_har.regions.motion._AT_ONCE", 2)
    parts = MotionRegion().of_clip(clip)
    np.testing.assert_array_equal(parts.soft_mask, whole.soft_mask)
    np.testing.assert_array_equal(parts.confidence, whole.confidence)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("size", [8, 32, 160])
def test_short_clips_and_small_frames(count, size):
    frames = filmed(path_of("rest"), ground())[:count, :size, :size].copy()
    if count == 3 and size == 160:
        frames[1, 40:80, 40:80] = 250
    soft_mask, confidence = MotionRegion().of_clip(clip_of(frames, [0, count // 2, count - 1]))
    assert soft_mask.shape == (3, size, size)
    assert (confidence[1] > 0.5) == (count == 3 and size == 160)
    assert confidence[0] == confidence[2] == 0


@pytest.mark.parametrize("level", [0, 255])
def test_plain_frames_show_nothing(level):
    frames = np.full((9, 64, 64, 3), level, np.uint8)
    soft_mask, confidence = MotionRegion().of_clip(clip_of(frames, [1, 4, 7]))
    assert not soft_mask.any()
    assert not confidence.any()


def test_a_store_gives_the_frames_between(tmp_path):
    frames, truth = walked("pan")
    path = write_video(tmp_path / "c.mkv", list(frames), codec="ffv1", pix_fmt="bgr0")
    clips = ClipSet("toy", ("walk",), (Clip("c", path, 0, "g"),), "none", "")
    shown = FrameSettings(count=4, size=SIZE)
    store = FrameStore.open(clips, shown, cache_dir=tmp_path / "cache")
    found = MotionRegion().of_clip(store.view(0))
    same = MotionRegion().of_clip(clip_of(frames, store.view(0).indices))
    np.testing.assert_array_equal(found.soft_mask, same.soft_mask)
    assert (found.confidence > 0.8).all()
    for soft_mask, time in zip(found.soft_mask, store.view(0).indices, strict=True):
        assert overlap(soft_mask, truth[time]) > 0.8


@pytest.mark.parametrize("fault", [{"threshold": -1}, {"sigma": 2}, {"confidence": 1.1}])
def test_wrong_settings_are_refused(fault):
    with pytest.raises(ValidationError):
        MotionRegion(**fault)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_subject_moves_and_the_background_is_the_rest(threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    frames, truth = walked("pan")
    moving, static = clip_of(frames, [8, 16]), clip_of(np.full_like(frames, 7), [8, 16])
    source = MotionRegion()
    locate = source.locator(no_model)
    subject, nothing = locate([moving, static], "subject")
    alone = source.of_clip(moving)
    np.testing.assert_array_equal(subject.soft_mask, alone.soft_mask)
    np.testing.assert_array_equal(locate([moving], "person")[0].soft_mask, alone.soft_mask)
    background, no_background = locate([moving, static], "background")
    np.testing.assert_array_equal(background.soft_mask >= 0.5, subject.soft_mask < 0.5)
    assert background.soft_mask[truth[[8, 16]]].mean() < 0.3
    assert not nothing.shown.any()
    assert not no_background.shown.any()  # where nothing moves, all may be background or subject


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
    assert (source.on_empty, source.min_frames, source.least_confidence) == ("skip", 0.5, 0.5)
    assert cv2.__version__ in source.identity(ANY)
    for target in ("subject", "person", "background"):
        source.check(target)
