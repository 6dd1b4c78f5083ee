"""Further frames of a clip: exactly those that were asked for, fitted as they are decoded."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from clip_har.data.decode import passes, video
from clip_har.data.decode.video import DecodeError, decode_clip, read_frames
from tests.data.decode.test_video import EVERY, FORMATS
from tests.data.made import number_of, write_video


def whole(picture):
    """Fit a frame by doing nothing."""
    return picture


@pytest.mark.parametrize("name", FORMATS)
def test_further_frames_in_any_format(tmp_path, name):
    path = write_video(tmp_path / name, 61, **FORMATS[name])
    asked = [40, 3, 3, 60, 0]
    frames = read_frames(path, EVERY, asked, fit=whole)
    assert [number_of(frame) for frame in frames] == asked
    every = decode_clip(path, EVERY)
    for frame, place in zip(frames, asked, strict=True):
        np.testing.assert_array_equal(frame, every[place])


def test_further_frames_of_a_section(tmp_path):
    path = write_video(tmp_path / "long.mp4", 250, codec="libx264", options={"g": "10"})
    frames = read_frames(path, EVERY, [0, 4, 9], fit=whole, start=8.0, end=8.4)
    assert [number_of(frame) for frame in frames] == [200, 204, 209]
    assert read_frames(path, EVERY, [], fit=whole, start=8.0) == []


@pytest.mark.parametrize("place", [-1, 10, 99])
def test_a_frame_outside_the_clip_is_refused(tmp_path, place):
    path = write_video(tmp_path / "long.mp4", 250, codec="libx264", options={"g": "10"})
    with pytest.raises(DecodeError, match=f"it has 10 frames, not one at position {place}"):
        read_frames(path, EVERY, [3, place], fit=whole, start=8.0, end=8.4)


def test_only_fitted_frames_are_held(tmp_path, passes_made):
    path = write_video(tmp_path / "clip.avi", 40)
    means = read_frames(path, EVERY, [3, 30], fit=lambda picture: picture.mean(keepdims=True))
    assert [mean.shape for mean in means] == [(1, 1, 1)] * 2
    assert [one.held for one in passes_made] == [{}]


def test_further_frames_that_were_not_foreseen_cost_a_second_pass(tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.avi", 40)
    plan_window = passes.plan_window

    @contextmanager
    def mistaken(*args):
        with plan_window(*args) as (plan, source):
            yield replace(plan, first=7, hold=set()), source

    monkeypatch.setattr(video, "plan_window", mistaken)
    frames = read_frames(path, EVERY, [5, 15], fit=whole)
    assert [number_of(frame) for frame in frames] == [5, 15]


@pytest.mark.parametrize(
    ("bound", "message"),
    [({"max_pixels": 99}, "max_pixels=99"), ({"max_length": 9}, "length=9")],
)
def test_further_frames_have_the_bounds_of_the_clip(tmp_path, bound, message):
    path = write_video(tmp_path / "clip.avi", 40)
    with pytest.raises(DecodeError, match=message):
        read_frames(path, EVERY.model_copy(update=bound), [3], fit=whole)
