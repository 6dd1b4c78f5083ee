"""Windows of a video, decoded in one pass, are those that are decoded alone."""

import math
from pathlib import Path

import numpy as np
import pytest

from clip_har.data.decode import windows as module
from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.passes import Window
from clip_har.data.decode.video import read_clip
from clip_har.data.decode.windows import Timeline, cut_windows, read_windows, timeline
from clip_har.data.sampling import FrameSettings
from tests.data.made import numbers, write_video

THREE = FrameSettings(count=3)


def read(path: Path, every: float, settings: FrameSettings = THREE):
    found = timeline(path, settings)
    windows = cut_windows(found, every)
    return windows, list(read_windows(path, settings, found, windows))


def ends(windows: list[Window]) -> list[tuple[float, float]]:
    return [(window.start, window.end) for window in windows]


def regular(frames: int, fps: float = 10.0) -> Timeline:
    return Timeline([i / fps for i in range(frames)], frames / fps, frames, fps)


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
    found = Timeline([0.0, 0.5, 1.0, 7.0, 7.5, 8.0, 8.5], 9.0, 7, 2.0)
    assert ends(cut_windows(found, 2)) == [(0.0, 6.0), (6.0, 8.0), (8.0, math.inf)]


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.avi", "mpeg4", {}),
        ("b-frames.avi", "mpeg4", {"g": "12", "bf": "2"}),
        ("a.mp4", "libx264", {"g": "250", "bf": "3"}),
        ("a.mkv", "mpeg4", {}),
        ("a.ts", "mpeg2video", {"bf": "2"}),
        ("a.mpg", "mpeg2video", {}),
        ("a.gif", "gif", {}),
    ],
)
@pytest.mark.parametrize("settings", [THREE, FrameSettings(sampler="every", step=7)])
def test_one_pass_decodes_what_each_window_alone_decodes(tmp_path, name, codec, options, settings):
    kind = {"gif": "rgb8"}.get(codec, "yuv420p")
    path = write_video(tmp_path / name, 120, codec=codec, options=options, pix_fmt=kind)
    windows, clips = read(path, 0.9, settings)
    assert len(windows) == len(clips) == 5
    for window, clip in zip(windows, clips, strict=True):
        end = None if math.isinf(window.end) else window.end
        alone = read_clip(path, settings, start=window.start or None, end=end)
        assert (clip.indices, clip.frame_count) == (alone.indices, alone.frame_count)
        np.testing.assert_array_equal(clip.frames, alone.frames)
    assert sum(clip.frame_count for clip in clips) == 120


def test_frames_are_read_once_and_let_go(tmp_path, monkeypatch):
    path = write_video(tmp_path / "long.mp4", 250, codec="libx264", options={"g": "250"})
    monkeypatch.setattr(module, "read_clip", None)  # no window is decoded for itself
    found = timeline(path, THREE)
    most = 0
    held = module._Walk.clip

    def watched(self, window, settings):
        nonlocal most
        most = max(most, len(self._held))
        return held(self, window, settings)

    monkeypatch.setattr(module._Walk, "clip", watched)
    windows = cut_windows(found, 0.4)
    clips = list(read_windows(path, THREE, found, windows))
    assert numbers(clips[24].frames) == [241, 245, 248]
    assert most < 3 * 3 * 4  # those of one window, and a few of the frames after it


def test_a_stream_that_begins_between_key_frames_is_read_once_too(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.ts", 250, codec="mpeg2video", options={"g": "50"})
    content = path.read_bytes()
    path.write_bytes(content[: 188 * 3] + content[188 * 60 :])  # the tables, then later packets
    found = timeline(path, THREE)
    windows = cut_windows(found, 1)
    expected = [
        read_clip(path, THREE, start=w.start or None, end=None if math.isinf(w.end) else w.end)
        for w in windows
        if w.start >= 2
    ]
    alone = []

    def watched(*arguments, **more):
        alone.append(arguments)
        return read_clip(*arguments, **more)

    monkeypatch.setattr(module, "read_clip", watched)
    clips = list(read_windows(path, THREE, found, windows))
    assert len(alone) <= 2
    assert sum(clip.frame_count for clip in clips) < len(found.times) - 5  # some have no key frame
    for clip, one in zip(clips[-len(expected) :], expected, strict=True):
        np.testing.assert_array_equal(clip.frames, one.frames)


def test_a_damaged_window_ends_with_its_reason(tmp_path):
    path = write_video(tmp_path / "cut.mp4", 100)
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(DecodeError):
        read(path, 1)
    broken = write_video(tmp_path / "broken.avi", 200)
    content = bytearray(broken.read_bytes())
    place = 3 * len(content) // 4
    content[place : place + 6000] = bytes(6000)
    broken.write_bytes(content)
    found = timeline(broken, THREE)
    coming = read_windows(broken, THREE, found, cut_windows(found, 1))
    first = next(coming)
    assert first.frame_count == 25  # what comes before is there
    with pytest.raises(DecodeError):
        list(coming)


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
