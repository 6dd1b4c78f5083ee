"""Which part of a frame shows the scene."""

import cv2
import numpy as np
import pytest

from clip_har.regions.picture import Box, box_around, framed_box, lit_box, overlay, static_area
from tests.regions.planted_motion import SIZE, around, filmed, ground, path_of, walk

WHOLE = Box(0, 0, SIZE, SIZE)


def with_border(frames, top=20, left=15):
    """Put frames behind a border that stays."""
    border, frames = ground(seed=4)[:SIZE, :SIZE], frames.copy()
    inside = frames[:, top:-top, left:-left].copy()
    frames[:] = border
    frames[:, top:-top, left:-left] = inside
    return frames


def static_around(frames, time):
    frame, before, after = around(frames, time)
    return [static_area(frame, side) for side in (before, after)]


def test_a_box_without_a_margin():
    assert Box(0, 0, 4, 6).inside(1) == Box(1, 1, 3, 5)
    assert Box(1, 1, 3, 5).inside(-1) == Box(0, 0, 4, 6)
    assert not Box(0, 0, 4, 6).inside(2).area((4, 6)).any()
    assert not Box(0, 0, 1, 6).inside(9).area((40, 60)).any()
    assert Box(0, 0, 8, 8).ring((8, 8)).sum() == 64 - 16
    assert Box(2, 0, 10, 30).short == 8


def test_letterbox_bars_are_no_picture():
    frames = [np.zeros((60, 80, 3), np.uint8) for _ in range(2)]
    frames[1][10:40] = 100
    frames[0][12:44, 8:, 2] = 90
    assert lit_box(frames) == Box(10, 0, 44, 80)
    assert lit_box([np.full((60, 80, 3), 5, np.uint8)]) == Box(0, 0, 60, 80)
    assert box_around(np.zeros((3, 4), bool)) == Box(0, 0, 3, 4)


def test_what_stays_is_static():
    frames = np.full((3, 9, 9, 3), 100, np.uint8)
    frames[1, 2, 2, 0] += 8
    frames[2, 4, 4, 1] += 9
    static = static_area(frames[0], list(frames[1:]))
    assert np.argwhere(~static).tolist() == [[4, 4]]
    assert static_area(frames[0], []).all()


def test_a_static_border_is_no_picture_if_the_camera_moves():
    frames = with_border(filmed(path_of("pan"), ground()))
    frames[3:, 5, 5] = 255 - frames[3:, 5, 5]  # a speck
    box = framed_box(static_around(frames, 16), WHOLE)
    assert box == Box(20, 15, SIZE - 20, SIZE - 15)


@pytest.mark.parametrize("side", [24, 60, 110, 130])
def test_a_subject_before_a_static_scene_is_not_framed_by_it(side):
    frames = filmed(path_of("rest"), ground())
    walk(frames, side=side, start=(5, 0), step=1.0)
    assert framed_box(static_around(frames, 16), WHOLE) is None


def test_text_that_stays_is_overlay_and_the_scene_is_not():
    frames = filmed(path_of("pan"), ground())
    blank = np.zeros((SIZE, SIZE), np.uint8)
    for picture in (*frames, blank):
        cv2.putText(picture, "LIVE 12", (5, 140), 0, 0.6, (255,) * 3, 2)
    text = overlay(frames[10], static_area(frames[10], [frames[0], frames[5], frames[20]]))
    assert text[blank > 0].all()
    far = cv2.dilate(blank, np.ones((25, 25), np.uint8)) == 0
    assert text[far].mean() < 0.01
