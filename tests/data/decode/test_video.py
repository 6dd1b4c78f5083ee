"""Decoding: exactly the frames that were asked for, or a reason."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.decode import passes, video
from clip_har.data.decode.video import DecodeError, decode_clip, read_clip
from clip_har.data.sampling import FrameSettings, sample_indices
from tests.data.made import cut, numbered, numbers, write_sound, write_video

EVERY = FrameSettings(sampler="every", step=1)
SAMPLERS = [
    FrameSettings(),
    FrameSettings(count=3),
    FrameSettings(sampler="middle"),
    FrameSettings(sampler="every", step=7),
    FrameSettings(sampler="fps", fps=3),
]
REORDERED = {"bf": "2", "g": "12"}
FORMATS: dict[str, dict[str, Any]] = {
    "mpeg4.avi": {"codec": "mpeg4", "options": {"g": "12"}},
    "b-frames.avi": {"codec": "mpeg4", "options": REORDERED},
    "b-frames.mp4": {"codec": "mpeg4", "options": REORDERED},
    "h264.mp4": {"codec": "libx264", "options": {"g": "10", "bf": "3"}},
    "h264.mkv": {"codec": "libx264", "options": {"g": "10", "bf": "3"}},
    "vp8.webm": {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "16"}},
    "odd.mkv": {"codec": "ffv1", "pix_fmt": "bgr0", "width": 97, "height": 51},
    "odd.avi": {"codec": "mjpeg", "pix_fmt": "yuvj444p", "width": 97, "height": 51},
    "odd.gif": {"codec": "gif", "pix_fmt": "rgb8", "width": 97, "height": 51},
    "mpeg2.ts": {"codec": "mpeg2video", "options": {"g": "12", "bf": "2"}},
    "raw.m4v": {"codec": "mpeg4", "options": {"g": "12"}},
    "sound.avi": {"codec": "mpeg4", "audio_seconds": 2.4},
    "sound.mkv": {"codec": "mpeg4", "audio_seconds": 4},
}


def sampled_frames(path: Path, settings: FrameSettings) -> list[int]:
    """The numbers of the frames that ``decode_clip`` yields, with its indices checked."""
    clip = read_clip(path, settings)
    assert numbers(clip.frames) == clip.indices
    return clip.indices


@pytest.mark.parametrize("settings", SAMPLERS, ids=lambda s: s.sampler)
@pytest.mark.parametrize("name", FORMATS)
def test_exact_frames_in_any_format(tmp_path, name, settings):
    path = write_video(tmp_path / name, 61, **FORMATS[name])
    clip = read_clip(path, settings)
    assert clip.frame_count == 61
    assert numbers(clip.frames) == clip.indices
    if settings.sampler != "fps":
        assert clip.indices == sample_indices(settings, range(61))
    width, height = FORMATS[name].get("width", 96), FORMATS[name].get("height", 64)
    assert clip.frames.shape[1:] == (height, width, 3)
    assert (clip.width, clip.height) == (width, height)
    assert clip.fps == pytest.approx(25, rel=0.01)


@pytest.mark.sample_data
@pytest.mark.parametrize("settings", SAMPLERS, ids=lambda s: s.sampler)
def test_real_clips_equal_a_plain_full_decode(sample_data, settings):
    clips = sorted(p for p in sample_data.rglob("*") if p.suffix in {".avi", ".mp4"})
    assert len(clips) == 19
    for path in clips[:: 1 if settings == FrameSettings() else 4]:
        with av.open(path, metadata_errors="replace") as container:
            frames = list(container.decode(video=0))
        clip = read_clip(path, settings)
        assert clip.frame_count == len(frames)
        if settings.sampler != "fps":
            assert clip.indices == sample_indices(settings, range(len(frames)))
        for picture, i in zip(clip.frames, clip.indices, strict=True):
            assert np.array_equal(picture, frames[i].to_ndarray(format="rgb24")), (path.name, i)


@pytest.mark.sample_data
def test_swapped_times_of_an_avi_are_put_right(sample_data):
    """XviD clips of UCF-101 with B-frames label frames with each other's times."""
    path = sample_data / "ucf101-sample/UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi"
    with av.open(path) as container:
        stamps = [frame.pts for frame in container.decode(video=0)]
    assert stamps != sorted(stamps)
    own_rate = FrameSettings(sampler="fps", fps=25)
    assert read_clip(path, own_rate).indices == list(range(164))
    assert read_clip(path, EVERY, start=1.0, end=2.0).frame_count == 25


def test_variable_frame_rate_follows_the_clock(tmp_path):
    stamps = [0, 40, 80, 1000, 1040, 1500, 3000, 3040, 3999]
    path = write_video(
        tmp_path / "vfr.mkv", 9, stamps=stamps, codec="libx264", options={"bf": "2", "g": "4"}
    )
    assert sampled_frames(path, FrameSettings(sampler="fps", fps=1)) == [0, 3, 5, 6]
    assert sampled_frames(path, FrameSettings(sampler="fps", fps=2)) == [0, 2, 3, 5, 5, 5, 6, 7]
    assert sampled_frames(path, FrameSettings(count=3)) == [1, 4, 7]
    window = read_clip(path, EVERY, start=0.08, end=1.5)
    assert numbers(window.frames) == [2, 3, 4]


def test_dropped_frames_of_an_avi_are_no_truncation(tmp_path):
    stamps = [0, 40, 80, 120, 1000, 1040, 1080, 2000]
    path = write_video(tmp_path / "gaps.avi", 8, stamps=stamps)
    with av.open(path) as container:
        assert container.streams.video[0].frames > 40  # the header counts what players repeat
    assert sampled_frames(path, EVERY) == list(range(8))


@pytest.mark.parametrize("name", ["b-frames.avi", "h264.mp4", "h264.mkv", "mpeg2.ts", "raw.m4v"])
@pytest.mark.parametrize(("start", "end"), [(1.0, 1.6), (0.4, None), (None, 0.4), (2.0, 99.0)])
def test_start_and_end_in_seconds(tmp_path, name, start, end):
    path = write_video(tmp_path / name, 61, **FORMATS[name])
    clip = read_clip(path, EVERY, start=start, end=end)
    shown = numbers(clip.frames)
    # the first frame of an AVI with B-frames is shown one or two frames after the stream's start
    shift = 25 * first_time(path)
    expected = [
        i
        for i in range(61)
        if (start or 0) <= (i + shift) / 25 + 1e-9 and (i + shift) / 25 < (end or 99)
    ]
    assert shown == expected
    assert clip.indices == list(range(len(expected)))
    assert clip.frame_count == len(expected)


OPEN = "open-gop=1:keyint=12:min-keyint=12:b-adapt=0:scenecut=0:mbtree=0:threads=1"
REFRESH = "intra-refresh=1:keyint=24:scenecut=0:mbtree=0:threads=1"


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("mpeg4", REORDERED),
        ("mpeg2video", REORDERED),
        ("libx264", {"g": "12", "bf": "3", "flags": "-cgop", "x264-params": OPEN}),
        ("libx264", {"g": "24", "bf": "0", "x264-params": REFRESH}),
    ],
    ids=["mpeg4", "mpeg2", "h264", "refresh"],
)
def test_a_section_that_begins_between_frames_that_need_each_other(tmp_path, codec, options):
    """Frames before a key frame may come after it; and some streams have no true key frames."""
    path = write_video(tmp_path / "open.mp4", 61, codec=codec, options=options)
    for first in range(18, 40):
        clip = read_clip(path, EVERY, start=first / 25, end=first / 25 + 0.2)
        assert numbers(clip.frames) == list(range(first, first + 5))


def first_time(path: Path) -> float:
    with av.open(path) as container:
        stream = container.streams.video[0]
        frame = next(container.decode(stream))
        assert frame.pts is not None
        assert stream.time_base is not None
        return float((frame.pts - (stream.start_time or 0)) * stream.time_base)


def test_a_window_decodes_only_its_part(tmp_path, passes_made):
    path = write_video(tmp_path / "long.mp4", 250, codec="libx264", options={"g": "10"})
    frames = decode_clip(path, FrameSettings(count=3), start=8.0, end=8.4)
    assert numbers(frames) == [201, 205, 208]
    assert [len(one.times) < 50 for one in passes_made] == [True]


def test_frames_that_were_not_foreseen_cost_a_second_pass(tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.avi", 40)
    plan_window = passes.plan_window

    @contextmanager
    def mistaken(*args):
        with plan_window(*args) as (plan, source):
            yield replace(plan, first=0, hold={0}), source

    monkeypatch.setattr(video, "plan_window", mistaken)
    assert sampled_frames(path, FrameSettings(count=4)) == [5, 15, 25, 35]


def test_one_frame(tmp_path):
    path = write_video(tmp_path / "one.mp4", 1)
    assert sampled_frames(path, FrameSettings(count=3)) == [0, 0, 0]
    assert sampled_frames(path, FrameSettings(sampler="fps", fps=5)) == [0]


def test_rotation_of_a_phone(tmp_path):
    """Against the specification: the matrix of a quarter turn clockwise in the track header."""
    picture = np.full((64, 96, 3), 16, dtype=np.uint8)
    picture[:32, :48] = 235
    path = write_video(tmp_path / "phone.mp4", [picture])
    content = path.read_bytes()
    unit = (1 << 16).to_bytes(4, "big")
    static = unit + bytes(12) + unit + bytes(12) + (1 << 30).to_bytes(4, "big")
    # (x, y) goes to (64 - y, x): a = 0, b = 1, c = -1, d = 0
    turned = (
        bytes(4) + unit + bytes(4) + (-(1 << 16)).to_bytes(4, "big", signed=True) + bytes(8)
        + (64 << 16).to_bytes(4, "big") + bytes(4) + (1 << 30).to_bytes(4, "big")
    )  # fmt: skip
    place = content.index(static, content.index(b"tkhd"))
    path.write_bytes(content[:place] + turned + content[place + len(static) :])
    upright = decode_clip(path, FrameSettings(count=1))[0]
    assert upright.shape == (96, 64, 3)
    assert upright[:48, 32:].mean() > 200  # top left has become top right
    assert upright[48:].mean() < 40


def unknown_codec(path: Path) -> None:
    content = write_video(path, 5).read_bytes()
    assert content.count(b"FMP4") == 2
    path.write_bytes(content.replace(b"FMP4", b"ZZZZ"))


@pytest.mark.parametrize(
    ("name", "write", "reason"),
    [
        ("zero.avi", lambda p: p.write_bytes(b""), "empty"),
        ("text.avi", lambda p: p.write_text("no video\n" * 99), "not a video that FFmpeg can read"),
        ("sound.avi", write_sound, "no video stream, only audio"),
        ("folder.avi", lambda p: p.mkdir(), "a folder"),
        ("absent.avi", lambda p: p, "does not exist"),
        ("codec.avi", unknown_codec, "codec is unknown"),
        ("unfinished.mp4", lambda p: cut(write_video(p, 50), 0.5), "without a usable index"),
    ],
)
def test_reasons(tmp_path, name, write, reason):
    write(tmp_path / name)
    with pytest.raises(DecodeError, match=reason) as caught:
        decode_clip(tmp_path / name, FrameSettings())
    assert "\n" not in str(caught.value)


def test_cover_pictures_are_no_video(tmp_path):
    path = tmp_path / "song.mp3"
    with av.open(path, "w") as container:
        sound = container.add_stream("mp3", rate=44100)
        cover = container.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 96, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(numbered(1), format="rgb24")
        container.mux(cover.encode(frame))
        container.mux(cover.encode(None))
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1152), dtype=np.int16), format="s16p", layout="mono"
        )
        silence.sample_rate = 44100
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
    with pytest.raises(DecodeError, match="no video stream"):
        decode_clip(path, FrameSettings())


@pytest.mark.parametrize("share", [0.15, 0.3, 0.5, 0.7, 0.9, 0.95])
@pytest.mark.parametrize(
    "name",
    ["mpeg4.avi", "b-frames.avi", "sound.avi", "odd.avi", "h264.mkv", "h264.mp4", "sound.mkv"],
)
def test_truncated_files_are_caught(tmp_path, name, share):
    front = {"movflags": "faststart"} if name.endswith("mp4") else None
    path = write_video(tmp_path / name, 200, **FORMATS[name], container_options=front)
    decode_clip(path, FrameSettings())
    if share < 0.95:
        with pytest.raises(DecodeError):
            decode_clip(cut(path, share), FrameSettings())
        return
    # of some, only the index at the end is gone now; 2 % of the frames may be missing unnoticed
    try:
        assert read_clip(cut(path, share), FrameSettings()).frame_count >= 196
    except DecodeError as error:
        assert "cut off" in str(error)  # noqa: PT017


@pytest.mark.sample_data
@pytest.mark.parametrize(
    "clip",
    [
        "Punch/v_Punch_g03_c01.avi",
        "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi",
        "Biking/v_Biking_g01_c01.mp4",
    ],
)
def test_truncated_real_clips_are_caught_or_whole(sample_data, tmp_path, clip):
    source = sample_data / "ucf101-sample" / "UCF-101" / clip
    whole = read_clip(source, FrameSettings())
    path = tmp_path / source.name
    caught = 0
    for share in (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.98, 0.99, 0.999):
        path.write_bytes(source.read_bytes())
        try:
            left = read_clip(cut(path, share), FrameSettings())
        except DecodeError:
            caught += 1
        else:  # only the index at the end of the AVI is gone
            assert np.array_equal(left.frames, whole.frames)
    assert caught >= 7


@pytest.mark.parametrize("name", ["mpeg4.avi", "h264.mp4", "h264.mkv", "b-frames.mp4"])
def test_damage_in_the_middle_is_caught(tmp_path, name):
    path = write_video(tmp_path / name, 100, **FORMATS[name])
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 2000] = np.random.default_rng(0).bytes(2000)
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=r"damaged|cannot read"):
        decode_clip(path, FrameSettings())


def test_a_window_outside_the_clip(tmp_path):
    path = write_video(tmp_path / "short.mp4", 25)
    with pytest.raises(DecodeError, match=r"no frame between 5 s and 6 s.* 0\.96 s"):
        decode_clip(path, FrameSettings(), start=5, end=6)


def test_a_change_of_frame_size_is_named(tmp_path):
    parts = [
        write_video(tmp_path / "a.ts", 10, codec="mpeg2video"),
        write_video(tmp_path / "b.ts", 10, codec="mpeg2video", width=64, height=48),
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(DecodeError, match="frame size changes within the clip"):
        decode_clip(path, EVERY)


@pytest.mark.parametrize("seed", range(40))
def test_any_fault_is_a_decode_error(tmp_path, seed):
    draws = np.random.default_rng(seed)
    name = list(FORMATS)[seed % len(FORMATS)]
    path = write_video(tmp_path / name, 20, **FORMATS[name])
    content = bytearray(path.read_bytes())
    for place in draws.integers(0, min(len(content), 3000), 12):
        content[place] = draws.integers(256)
    path.write_bytes(content)
    try:
        assert decode_clip(path, FrameSettings(count=4)).dtype == np.uint8
    except DecodeError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_ffmpeg_stays_silent(tmp_path):
    path = cut(write_video(tmp_path / "cut.avi", 80), 0.6)
    code = (
        "import sys, pathlib\n"
        "from clip_har.data.decode.video import decode_clip, DecodeError\n"
        "from clip_har.data.sampling import FrameSettings\n"
        "try: decode_clip(pathlib.Path(sys.argv[1]), FrameSettings())\n"
        "except DecodeError: sys.exit(7)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")


def test_a_playlist_opens_no_other_file(tmp_path):
    write_video(tmp_path / "secret.ts", 6)
    playlist = tmp_path / "clip.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n")
    concat = tmp_path / "clip.mp4"
    concat.write_text("ffconcat version 1.0\nfile secret.ts\n")
    for path in (playlist, concat):
        with av.open(path) as container:  # FFmpeg alone would follow it
            assert container.streams.video
        with pytest.raises(DecodeError, match="no video format that is read here"):
            decode_clip(path, FrameSettings(count=2))


def test_a_pipe_is_no_clip(tmp_path):
    pipe = tmp_path / "clip.mp4"
    os.mkfifo(pipe)
    with pytest.raises(DecodeError, match="a pipe or a device"):
        decode_clip(pipe, FrameSettings())


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        ({"max_pixels": 96 * 64 - 1}, "frames are 96x64, more than frames.max_pixels=6143"),
        ({"max_length": 5}, "more frames than frames.max_length=5"),
    ],
)
def test_what_a_clip_may_cost_is_bounded(tmp_path, bounds, reason):
    path = write_video(tmp_path / "clip.mp4", 6)
    with pytest.raises(DecodeError, match=re.escape(reason)):
        decode_clip(path, FrameSettings(count=2, **bounds))
    just = FrameSettings(count=2, max_pixels=96 * 64, max_length=6)
    assert len(decode_clip(path, just)) == 2


def test_a_clip_that_takes_too_long_is_not_put_down_as_broken(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 6)
    with pytest.raises(ClipHarError, match=r"clip\.mp4: decoding took longer") as caught:
        decode_clip(path, FrameSettings(count=2, timeout=1e-9))
    assert not isinstance(caught.value, DecodeError), "another machine would decode it"


def test_a_large_picture_is_refused_before_it_is_decoded(tmp_path):
    """Opening a file decodes a frame where its header does not tell enough."""
    path = write_video(
        tmp_path / "clip.mov", [np.zeros((2000, 3000, 3), np.uint8)], codec="png", pix_fmt="rgb24"
    )
    with pytest.raises(DecodeError) as caught:
        decode_clip(path, FrameSettings(count=1, max_pixels=100_000))
    assert "max_pixels" in str(caught.value)


def test_frames_that_grow_on_the_way_are_bounded(tmp_path):
    parts = [
        write_video(tmp_path / "a.ts", 10, codec="mpeg2video"),
        write_video(tmp_path / "b.ts", 10, codec="mpeg2video", width=1280, height=720),
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(DecodeError) as caught:
        decode_clip(path, FrameSettings(sampler="every", step=1, max_pixels=96 * 64))
    assert "size changes" not in str(caught.value), "a large frame was decoded"
