"""Times of a stream that jump: closed as FFmpeg's command closes them."""

import itertools
from typing import Any

import pytest

from clip_har.data.decode.video import read_clip, video_length
from clip_har.data.sampling import FrameSettings
from tests.data.made import edited, numbers, remux, write_video

EVERY = FrameSettings(sampler="every", step=1)
CODECS: dict[str, dict[str, Any]] = {
    "mpeg2": {"codec": "mpeg2video", "options": {"g": "12", "bf": "2"}},
    "h264": {"codec": "libx264", "options": {"g": "12", "bf": "2"}},
}


@pytest.mark.parametrize(("first", "second"), [(0, 0), (100, 0), (0, 100), (0, 0.5)])
@pytest.mark.parametrize("codec", CODECS)
def test_two_transport_streams_in_a_row(tmp_path, codec, first, second):
    made = write_video(tmp_path / "made.ts", 50, **CODECS[codec])
    parts = [remux(made, tmp_path / f"{i}.ts", shift=s) for i, s in enumerate((first, second))]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    whole = read_clip(path, EVERY)
    assert numbers(whole.frames) == [*range(50), *range(50)]
    clock = read_clip(path, FrameSettings(sampler="fps", fps=5))
    assert clock.indices == list(range(0, 100, 5))  # 4 s
    assert numbers(clock.frames) == [i % 50 for i in clock.indices]
    for start in (0, 1, 2.4):
        part = read_clip(path, EVERY, start=start, end=start + 1)
        assert numbers(part.frames) == [
            i % 50 for i in range(int(25 * start), int(25 * start) + 25)
        ]
    length = video_length(path)
    assert (length.frames, round(length.seconds, 3)) == (100, 4.0)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("shift", [95442, -95443.717])
def test_the_counter_of_a_transport_stream_wraps(tmp_path, codec, shift):
    """Times have 33 bits at 90 kHz: after 95,443.7 s they start at 0 again."""
    made = write_video(tmp_path / "made.ts", 50, **CODECS[codec])
    path = remux(
        made, tmp_path / "wraps.ts", shift=shift, options={"avoid_negative_ts": "disabled"}
    )
    assert read_clip(path, FrameSettings(sampler="fps", fps=5)).indices == list(range(0, 50, 5))
    assert numbers(read_clip(path, EVERY, start=1, end=1.4).frames) == list(range(25, 35))


@pytest.mark.parametrize("kind", ["webm", "mkv"])
def test_two_matroska_files_in_a_row(tmp_path, kind):
    made = write_video(tmp_path / "made.mkv", 50, codec="libx264", options={"bf": "0"})
    content = made.read_bytes()
    path = tmp_path / f"joined.{kind}"
    path.write_bytes(content + content)
    clock = read_clip(path, FrameSettings(sampler="fps", fps=5))
    assert clock.indices == list(range(0, 100, 5))
    assert numbers(clock.frames) == [i % 50 for i in clock.indices]


@pytest.mark.parametrize(
    ("kind", "codec"),
    [("ts", "libx264"), ("asf", "wmv2"), ("flv", "libx264"), ("mkv", "libx264"), ("mp4", "mpeg4")],
)
def test_a_variable_rate_is_no_new_start(tmp_path, kind, codec):
    """Not every format gives packets a duration: then the time of the next one is a guess."""
    stamps = [*range(0, 30_000, 1000), *range(30_000, 30_800, 40)]
    path = write_video(
        tmp_path / f"rare.{kind}", len(stamps), stamps=stamps, codec=codec, options={"bf": "0"}
    )
    clock = read_clip(path, FrameSettings(sampler="fps", fps=5))
    assert clock.indices == [*(i // 5 for i in range(150)), 30, 35, 40, 45]
    assert numbers(clock.frames) == clock.indices


# With B-frames, FFmpeg shows the second part one frame late.
@pytest.mark.parametrize(
    ("b_frames", "late", "at_4_fps"),
    [(0, 0, [0, 7, 15, 22, 45, 52, 60, 67]), (2, 1, [0, 7, 15, 22, 29, 51, 59, 66, 74])],
)
def test_an_edit_list_of_two_parts(tmp_path, b_frames, late, at_4_fps):
    """The packets before the second part are hidden: their times go back."""
    options = {"g": "30", "sc_threshold": "0", "bf": str(b_frames)}
    made = write_video(tmp_path / "made.mp4", 90, codec="libx264", rate=30, options=options)
    path = edited(made, tmp_path / "edited.mp4", [(0, 1), (1.5, 1)])
    times = {n: n / 30 for n in range(30)} | {n: (n - 15 + late) / 30 for n in range(45, 75)}
    assert numbers(read_clip(path, EVERY).frames) == list(times)
    assert numbers(read_clip(path, FrameSettings(sampler="fps", fps=4)).frames) == at_4_fps
    for start, end in [(0, 1.4), (0.5, 1.7), (1.2, 1.4)]:
        part = numbers(read_clip(path, EVERY, start=start, end=end).frames)
        assert part == [n for n, time in times.items() if start <= time + 1e-6 < end]


def test_a_gap_is_no_new_start(tmp_path):
    stamps = [40 * i + (15_000 if i >= 10 else 0) for i in range(20)]
    path = write_video(tmp_path / "gap.mkv", 20, stamps=stamps, codec="libx264")
    clock = read_clip(path, FrameSettings(sampler="fps", fps=1))
    assert clock.indices == [0, *[9] * 15]  # the last frame before the gap stays on screen


def test_times_below_zero(tmp_path):
    path = write_video(tmp_path / "made.ts", 30, **CODECS["h264"])
    early = remux(path, tmp_path / "early.mkv", shift=-3, options={"avoid_negative_ts": "disabled"})
    clock = read_clip(early, FrameSettings(sampler="fps", fps=5))
    assert clock.indices == [0, 5, 10, 15, 20, 25]
    assert numbers(clock.frames) == clock.indices
    assert numbers(read_clip(early, EVERY, start=0.4, end=0.8).frames) == list(range(10, 20))


def test_repeated_times(tmp_path):
    """Frames that share a time: the last of them is on screen."""
    path = write_video(tmp_path / "made.mkv", 10, codec="libx264", options={"bf": "0"})
    same = remux(path, tmp_path / "same.mkv", times={5: 4})
    clock = read_clip(same, FrameSettings(sampler="fps", fps=25))
    assert clock.indices == [0, 1, 2, 3, 5, 5, 6, 7, 8, 9]
    assert numbers(clock.frames) == clock.indices


def test_frames_without_times_follow_at_the_frame_rate(tmp_path):
    path = write_video(tmp_path / "raw.m4v", 30, codec="mpeg4", options={"g": "12"})
    shown = [numbers(read_clip(path, EVERY, start=s, end=s + 0.4).frames) for s in (0, 0.4, 0.8)]
    assert list(itertools.chain(*shown)) == list(range(30))
