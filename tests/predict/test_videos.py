"""Which videos a command names."""

from pathlib import Path

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.predict.videos import named_videos
from tests.data.made import write_images


def test_folders_stand_for_their_videos_and_files_for_themselves(tmp_path):
    for name in ("b.mp4", "a/c.AVI", "a/notes.txt", "a/.hidden.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    words = [str(tmp_path / "b.mp4"), str(tmp_path), str(tmp_path / "empty"), "none.bin"]
    found = list(named_videos(words, []))
    names = ["b.mp4", "a/c.AVI", "b.mp4", "empty"]
    assert found == [*(tmp_path / name for name in names), Path("none.bin")]


def test_a_list_is_read_line_by_line(tmp_path):
    def lines():
        yield b"one.mp4\r\n"
        yield b"\n"
        yield b"caf\xe9 = b.mp4\n"
        raise AssertionError("read before it is needed")

    found = named_videos(["first.mp4", "-", "last.mp4"], lines())
    assert [str(next(found)) for _ in range(3)] == ["first.mp4", "one.mp4", "caf\udce9 = b.mp4"]


@pytest.mark.parametrize("lines", [[], [b"\n", b"  \r\n"]])
def test_a_list_without_a_path_is_said(lines):
    with pytest.raises(ClipHarError, match="a path a line on standard input, got none"):
        list(named_videos(["-"], lines))


def test_images_that_lie_together_are_one_clip(tmp_path):
    write_images(tmp_path / "clip", 2)
    write_images(tmp_path / "day" / "a", 2)
    write_images(tmp_path / "day" / "b", 2)
    words = [str(tmp_path / name) for name in ("clip", "day", "clip/000002.png")]
    found = list(named_videos(words, []))
    assert found == [tmp_path / name for name in ("clip", "day/a", "day/b", "clip/000002.png")]
