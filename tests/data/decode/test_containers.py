"""Damage or not: what is decodable is believed, and a file that ends early is refused."""

import struct
from typing import Any

import av
import pytest

from clip_har.data.decode.containers import check_all_decoded
from clip_har.data.decode.video import DecodeError, read_clip, video_length
from clip_har.data.sampling import FrameSettings
from tests.data.made import cut, numbers, remux, write_video

EVERY = FrameSettings(sampler="every", step=1)
H264: dict[str, Any] = {"codec": "libx264", "options": {"g": "12", "bf": "2"}}


@pytest.mark.parametrize("keep", [30, 35])
def test_an_edit_list_hides_frames(tmp_path, keep):
    """A lossless cut: from the key frame on, but shown from a later frame on."""
    whole = write_video(tmp_path / "whole.mp4", 60, **H264)
    path = remux(whole, tmp_path / "cut.mp4", first=24, shift=-keep / 25)
    with av.open(path) as container:
        assert sum(packet.is_discard for packet in container.demux(video=0)) > 2
    clip = read_clip(path, EVERY)
    assert numbers(clip.frames) == list(range(keep, 60))
    assert clip.indices == list(range(60 - keep))
    assert video_length(path).frames == 60 - keep
    window = read_clip(path, EVERY, start=0.2, end=0.4)
    assert numbers(window.frames) == list(range(keep + 5, keep + 10))
    assert numbers(read_clip(path, FrameSettings(count=2)).frames) == [
        keep + (60 - keep) // 4,
        keep + 3 * (60 - keep) // 4,
    ]


def test_an_edit_list_hides_the_end(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 60, **H264)
    content = bytearray(path.read_bytes())
    place = content.index(b"elst") + 12
    assert int.from_bytes(content[place : place + 4], "big") == 2400  # ms
    content[place : place + 4] = (1200).to_bytes(4, "big")
    path.write_bytes(content)
    assert numbers(read_clip(path, EVERY).frames) == list(range(30))


@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts"])
def test_packets_before_the_first_key_frame_are_no_damage(tmp_path, kind):
    whole = write_video(tmp_path / f"whole.{kind}", 60, **H264)
    path = remux(whole, tmp_path / f"cut.{kind}", first=17, shift=-17 / 25)
    assert numbers(read_clip(path, EVERY).frames) == list(range(24, 60))


@pytest.mark.parametrize("shift", [0.7, -0.2])
@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_a_video_that_starts_later_than_its_file(tmp_path, kind, shift):
    whole = write_video(tmp_path / f"whole.{kind}", 50, **H264)
    path = remux(whole, tmp_path / f"later.{kind}", shift=shift)
    hidden = 5 if shift < 0 and kind == "mp4" else 0
    assert numbers(read_clip(path, EVERY).frames) == list(range(hidden, 50))
    start = read_clip(path, EVERY, start=0, end=0.2)
    assert numbers(start.frames) == list(range(hidden, hidden + 5))


def stale_matroska(folder, *, seekable):
    """A Matroska of 36 frames (1.44 s) whose header promises 9.6 s."""
    whole = write_video(folder / "whole.mkv", 60, **H264)
    path = folder / "stale.mkv"
    remux(whole, path, first=24, shift=-24 / 25, seekable=seekable)
    content = path.read_bytes()
    with av.open(path) as container:
        tag = container.streams.video[0].metadata.get("DURATION")
    if tag is not None:
        content = content.replace(tag.encode(), b"00:00:09.600000000")
    path.write_bytes(content)
    return path


def long_duration(path):
    """Let the header of a Matroska promise 9.6 s."""
    content = bytearray(path.read_bytes())
    place = content.index(b"\x44\x89\x88") + 3  # Duration, 8 bytes
    content[place : place + 8] = struct.pack(">d", 9600.0)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("seekable", [True, False])
def test_a_stale_duration_of_a_matroska_is_no_damage(tmp_path, seekable):
    path = stale_matroska(tmp_path, seekable=seekable)
    assert numbers(read_clip(path, EVERY).frames) == list(range(24, 60))
    long_duration(path)
    assert numbers(read_clip(path, EVERY).frames) == list(range(24, 60))


def stale_avi(folder):
    """An AVI of 60 frames whose header promises 120."""
    path = write_video(folder / "stale.avi", 60, options={"g": "12"})
    content = bytearray(path.read_bytes())
    for chunk, at in ((b"avih", 24), (b"strh", 40)):
        place = content.index(chunk) + at
        assert int.from_bytes(content[place : place + 4], "little") == 60
        content[place : place + 4] = (120).to_bytes(4, "little")
    path.write_bytes(content)
    return path


def test_a_stale_count_of_an_avi_is_no_damage(tmp_path):
    assert numbers(read_clip(stale_avi(tmp_path), EVERY).frames) == list(range(60))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("zeros", [False, True], ids=["cut", "filled with zeros"])
@pytest.mark.parametrize("kind", ["avi", "mkv", "piped"])
def test_a_stale_header_hides_no_truncation(tmp_path, kind, share, zeros):
    if kind == "avi":
        path = stale_avi(tmp_path)
    else:
        path = long_duration(stale_matroska(tmp_path, seekable=kind == "mkv"))
    size = path.stat().st_size
    cut(path, share)
    if zeros:
        path.write_bytes(path.read_bytes().ljust(size, b"\0"))
    with pytest.raises(DecodeError, match=r"cut off|damaged|not a video"):
        read_clip(path, EVERY)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_fragments_that_end_early_are_caught(tmp_path, share):
    whole = write_video(tmp_path / "whole.mp4", 60, **H264)
    flags = {"movflags": "frag_keyframe+empty_moov"}
    path = remux(whole, tmp_path / "fragments.mp4", options=flags)
    assert numbers(read_clip(path, EVERY).frames) == list(range(60))
    with pytest.raises(DecodeError, match="cut off"):
        read_clip(cut(path, share), EVERY)


def test_fewer_frames_than_packets_are_damage(tmp_path):
    with av.open(write_video(tmp_path / "clip.avi", 5)) as container:
        check_all_decoded(container, packets=100, frames=90)
        check_all_decoded(container, packets=3, frames=1)
        with pytest.raises(DecodeError, match="only 50 of 100 frames"):
            check_all_decoded(container, packets=100, frames=50)
