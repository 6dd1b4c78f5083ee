"""Own videos as clips without labels."""

import math
from pathlib import Path

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.decode.passes import Window
from clip_har.data.sources.manifest import Manifest
from clip_har.data.sources.own_videos import OwnVideos
from tests.data.made import write_video

VIDEOS = OwnVideos(class_names=("walk", "run"), paths=(Path("a/one.mp4"), Path("two.mp4")))
CUT = [Window(0.0, 1.5), Window(1.5, 3.0), Window(3.0, math.inf)]


def test_a_video_of_one_window_is_a_clip_with_its_name():
    assert [clip.id for clip in VIDEOS.clips().clips] == ["one.mp4", "two.mp4"]
    (clip,) = VIDEOS.windows(Path("a/one.mp4"), [Window()]).clips
    assert (clip.id, clip.start, clip.end) == ("one.mp4", None, None)


def test_windows_are_named_as_the_sections_of_a_table(tmp_path):
    path = write_video(tmp_path / "one.mp4", 10)
    table = tmp_path / "clips.csv"
    table.write_text("path,label,start,end\none.mp4,a,,1.5\none.mp4,a,1.5,3\none.mp4,b,3,\n")
    sections = Manifest(path=table).clips().clips
    clips = VIDEOS.windows(path, CUT).clips
    for clip, section in zip(clips, sections, strict=True):
        assert (clip.id, clip.start, clip.end) == (section.id, section.start, section.end)
        assert clip.group == section.group


def test_nothing_can_be_learned_from_them():
    with pytest.raises(ClipHarError, match="no labels"):
        VIDEOS.training()
