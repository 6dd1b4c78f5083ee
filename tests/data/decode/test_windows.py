"""A video is cut into windows of time according to its packets."""

import math

import pytest

from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.passes import Window
from clip_har.data.decode.windows import Timeline, cut_windows, timeline
from clip_har.data.sampling import FrameSettings
from tests.data.made import write_video

THREE = FrameSettings(count=3)


def ends(windows: list[Window]) -> list[tuple[float, float]]:
    return [(window.start, window.end) for window in windows]


def regular(frames: int, fps: float = 10.0) -> Timeline:
    return Timeline([i / fps for i in range(frames)], frames / fps, fps)


@pytest.mark.parametrize(
    ("frames", "every", "expected"),
    [
        (29, 2, [0.0]),  # less than one and a half windows
        (30, 2, [0.0, 2.0]),
        (49, 2, [0.0, 2.0]),  # a short rest belongs to the last one
        (50, 2, [0.0, 2.0, 4.0]),
        (1, 2, [0.0]),
        (20, math.inf, [0.0]),
        (4, 0.01, [0.0, 0.1, 0.2, 0.3]),  # never less than a frame
    ],
)
def test_windows_have_one_length_and_cover_the_video(frames, every, expected):
    found = ends(cut_windows(regular(frames), every))
    assert [start for start, _ in found] == pytest.approx(expected)
    assert [end for _, end in found] == [*(start for start, _ in found[1:]), math.inf]


def test_a_time_without_new_frames_belongs_to_the_window_before():
    found = Timeline([0.0, 0.5, 1.0, 7.0, 7.5, 8.0, 8.5], 9.0, 2.0)
    assert ends(cut_windows(found, 2)) == [(0.0, 6.0), (6.0, 8.0), (8.0, math.inf)]


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty"), (b"no video", "not a video")])
def test_what_is_no_video_is_said(tmp_path, content, reason):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=reason):
        timeline(path, THREE)
    with pytest.raises(DecodeError, match="does not exist"):
        timeline(tmp_path / "none.mp4", THREE)


def test_too_many_frames_are_refused(tmp_path):
    path = write_video(tmp_path / "long.mp4", 60)
    with pytest.raises(DecodeError, match="max_length=50"):
        timeline(path, FrameSettings(max_length=50))
