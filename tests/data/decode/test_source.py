"""A clip is decoded from the packets that were listed; a long one is read once more."""

import pytest

from clip_har.data.decode import source
from clip_har.data.decode.video import read_clip
from clip_har.data.sampling import FrameSettings
from tests.data.decode.test_video import EVERY, FORMATS
from tests.data.made import numbers, write_video


@pytest.mark.parametrize("name", ["b-frames.mp4", "h264.mkv", "odd.gif", "mpeg2.ts"])
def test_a_clip_is_opened_once(tmp_path, openings, name):
    path = write_video(tmp_path / name, 40, **FORMATS[name])
    openings.clear()
    clip = read_clip(path, FrameSettings(count=4))
    assert numbers(clip.frames) == clip.indices == [5, 15, 25, 35]
    assert openings == [str(path)]


@pytest.mark.parametrize("kept", [0, 5_000], ids=["none", "some"])
@pytest.mark.parametrize("window", [(None, None), (0.4, 0.8), (1.0, None)])
def test_packets_that_are_too_large_to_keep_are_read_again(
    tmp_path, monkeypatch, openings, kept, window
):
    path = write_video(tmp_path / "long.mp4", 60, codec="libx264", options={"g": "10"})
    start, end = window
    expected = read_clip(path, EVERY, start=start, end=end)
    monkeypatch.setattr(source, "_MOST_BYTES", kept)
    openings.clear()
    found = read_clip(path, EVERY, start=start, end=end)
    assert found.indices == expected.indices
    assert (found.frames == expected.frames).all()
    assert openings == [str(path)] * 2
