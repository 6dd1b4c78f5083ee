"""Sections of a video, decoded in few passes, are those that are decoded alone."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_har.data.decode import sections as module
from clip_har.data.decode import source
from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.passes import Decoding, Window
from clip_har.data.decode.sections import read_in_order, read_sections, section_lengths
from clip_har.data.decode.video import DecodedClip, VideoLength, read_clip, video_length
from clip_har.data.decode.windows import cut_windows, timeline
from clip_har.data.sampling import FrameSettings
from tests.data.decode.test_video import EVERY, FORMATS, OPEN, REFRESH
from tests.data.made import cut, edited, numbers, remux, write_video

THREE = FrameSettings(count=3)
SEVENTH = FrameSettings(sampler="every", step=7)
LONG_GOP: dict[str, Any] = {"codec": "libx264", "options": {"g": "250", "bf": "3"}}
SHORT_GOP: dict[str, Any] = {"codec": "libx264", "options": {"g": "12", "bf": "2"}}

Pattern = Sequence[tuple[float | None, float | None]]

DENSE: Pattern = [(s / 10, s / 10 + 0.6) for s in range(0, 48, 6)]
SPARSE: Pattern = [(0.5, 0.7), (2.0, 2.2), (4.1, 4.4)]
OVERLAPPING: Pattern = [
    (0, 1.5),
    (0.4, 3.5),
    (0.4, 0.8),
    (0.9, 1.3),
    (1.44, 1.5),
    (3.0, 3.1),
    (3.4, None),
]
OUTSIDE: Pattern = [(4.7, 9), (5.0, 6.0), (7.0, None), (1.0, 1.0)]
PATTERNS: dict[str, Pattern] = {
    "dense": DENSE,
    "sparse": SPARSE,
    "overlapping": OVERLAPPING,
    "whole": [(None, None), *SPARSE, (None, None)],
    "outside": [*SPARSE, *OUTSIDE],
    "reversed": [*OVERLAPPING, *DENSE][::-1],
}


def windows(pattern: Pattern) -> list[Window]:
    return [Window.of(start, end) for start, end in pattern]


def alone(path: Path, settings: FrameSettings, window: Window) -> DecodedClip | str:
    """The section as `read_clip` returns it, or the reason why it cannot be decoded."""
    end = None if math.isinf(window.end) else window.end
    try:
        return read_clip(path, settings, start=window.start or None, end=end)
    except DecodeError as error:
        return str(error)


def check_equal(path: Path, settings: FrameSettings, asked: list[Window]) -> int:
    """Compare with each section alone; return how many were not decoded together."""
    found = dict(read_sections(path, settings, asked))
    assert sorted(found) == list(range(len(asked)))
    for number, window in enumerate(asked):
        expected, clip = alone(path, settings, window), found[number]
        assert clip is None or not isinstance(expected, str)
        if clip is not None and isinstance(expected, DecodedClip):
            assert clip.indices == expected.indices
            assert clip.frame_count == expected.frame_count
            assert clip.fps == expected.fps
            assert (clip.width, clip.height) == (expected.width, expected.height)
            np.testing.assert_array_equal(clip.frames, expected.frames)
    return sum(clip is None for clip in found.values())


@pytest.mark.parametrize("name", [*FORMATS, "long.mp4", "short.mp4", "short.ts", "fragments.mp4"])
def test_sections_are_those_that_are_decoded_alone(tmp_path, name):
    made = FORMATS.get(name, LONG_GOP if name.startswith("long") else SHORT_GOP)
    path = write_video(tmp_path / name, 120, **made)
    if name == "fragments.mp4":
        flags = {"movflags": "frag_keyframe+empty_moov"}
        path = remux(path, tmp_path / "fragmented.mp4", options=flags)
    for pattern, asked in PATTERNS.items():
        left = check_equal(path, THREE, windows(asked))
        assert left == (3 if pattern == "outside" else 0), pattern


def joined(folder: Path) -> Path:
    """Two transport streams in a row: times start again."""
    made = write_video(folder / "made.ts", 60, codec="mpeg2video", options={"g": "12", "bf": "2"})
    path = folder / "joined.ts"
    path.write_bytes(made.read_bytes() * 2)
    return path


def two_parts(folder: Path) -> Path:
    """An edit list hides packets in the middle."""
    options = {"g": "30", "sc_threshold": "0", "bf": "2"}
    made = write_video(folder / "made.mp4", 150, codec="libx264", rate=30, options=options)
    return edited(made, folder / "edited.mp4", [(0, 1), (1.5, 3)])


def lossless_cut(folder: Path) -> Path:
    whole = write_video(folder / "whole.mp4", 140, **SHORT_GOP)
    return remux(whole, folder / "cut.mp4", first=12, shift=-17 / 25)


def varying(folder: Path) -> Path:
    stamps = [0, 40, 90, 100, *range(1000, 4000, 37), 4100, 4700]
    return write_video(folder / "vfr.mkv", len(stamps), stamps=stamps, **SHORT_GOP)


def dropped(folder: Path) -> Path:
    stamps = [*range(0, 2000, 40), *range(2400, 4800, 80)]
    return write_video(folder / "gaps.avi", len(stamps), stamps=stamps, options={"g": "12"})


def between_keys(folder: Path) -> Path:
    whole = write_video(folder / "whole.mkv", 130, **SHORT_GOP)
    return remux(whole, folder / "cut.mkv", first=17, shift=-17 / 25)


def open_gops(folder: Path) -> Path:
    options = {"g": "12", "bf": "3", "flags": "-cgop", "x264-params": OPEN}
    return write_video(folder / "open.mp4", 120, codec="libx264", options=options)


def no_key_frames(folder: Path) -> Path:
    options = {"g": "24", "bf": "0", "x264-params": REFRESH}
    return write_video(folder / "refresh.mp4", 120, codec="libx264", options=options)


def no_index(folder: Path) -> Path:
    made = write_video(folder / "made.mkv", 120, **SHORT_GOP)
    return remux(made, folder / "piped.mkv", seekable=False)


@pytest.mark.parametrize(
    "make",
    [
        joined,
        two_parts,
        lossless_cut,
        varying,
        dropped,
        between_keys,
        open_gops,
        no_key_frames,
        no_index,
    ],
    ids=lambda make: make.__name__,
)
def test_files_with_odd_times_too(tmp_path, make):
    path = make(tmp_path)
    for pattern in ("dense", "sparse", "overlapping", "whole"):
        for settings in (THREE, SEVENTH):
            check_equal(path, settings, windows(PATTERNS[pattern]))


def zeroed(path: Path, size: int) -> Path:
    """Set bytes from the middle on to zero."""
    content = bytearray(path.read_bytes())
    place = len(content) // 2
    content[place : place + size] = bytes(size)
    path.write_bytes(content)
    return path


def damaged_middle(folder: Path) -> Path:
    return zeroed(write_video(folder / "damaged.mp4", 120, **SHORT_GOP), 300)


def damaged_avi(folder: Path) -> Path:
    return zeroed(write_video(folder / "damaged.avi", 120, options={"g": "12"}), 6000)


def cut_avi(folder: Path) -> Path:
    return cut(write_video(folder / "cut.avi", 120, options={"g": "12"}), 0.6)


def cut_matroska(folder: Path) -> Path:
    return cut(write_video(folder / "cut.mkv", 120, **SHORT_GOP), 0.6)


def cut_stream(folder: Path) -> Path:
    made = write_video(folder / "cut.ts", 120, codec="mpeg2video", options={"g": "12", "bf": "2"})
    content = bytearray(made.read_bytes())
    place = len(content) // 2
    content[place : place + 3000] = bytes(3000)
    made.write_bytes(content)
    return made


@pytest.mark.parametrize(
    "make",
    [damaged_middle, damaged_avi, cut_avi, cut_matroska, cut_stream],
    ids=lambda make: make.__name__,
)
def test_a_bad_section_harms_no_other(tmp_path, make):
    path = make(tmp_path)
    asked = windows([*DENSE, (0.1, 4.8)])
    check_equal(path, THREE, asked)
    reasons = [alone(path, THREE, window) for window in asked]
    good = [one for one in reasons if isinstance(one, DecodedClip)]
    assert 2 <= len(good) < len(asked)
    assert any(dict(read_sections(path, THREE, asked)).values())


@pytest.fixture
def fed(monkeypatch) -> list[int]:
    """The sizes of the packets that were decoded."""
    sizes: list[int] = []
    feed = Decoding.feed

    def watched(self, packet):
        sizes.append(packet.size)
        return feed(self, packet)

    monkeypatch.setattr(Decoding, "feed", watched)
    return sizes


@pytest.mark.parametrize(
    ("name", "most"), [("a.mp4", 1.35), ("a.mkv", 1.35), ("a.ts", 1.02), ("b.avi", 1.02)]
)
def test_neighbours_are_decoded_once(tmp_path, openings, fed, name, most):
    made = FORMATS["b-frames.avi"] if name == "b.avi" else SHORT_GOP
    path = write_video(tmp_path / name, 250, **made)
    asked = windows([(s / 10, s / 10 + 0.5) for s in range(0, 100, 5)])
    openings.clear()
    clips = dict(read_sections(path, THREE, asked))
    assert None not in clips.values()
    assert openings == [str(path)]
    assert len(fed) <= most * 250


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_distant_sections_are_jumped_to(tmp_path, openings, fed, name):
    path = write_video(tmp_path / name, 250, **SHORT_GOP)
    asked = windows([(8.0, 8.2), (0.0, 0.2), (4.0, 4.2), (4.2, 4.4)])
    openings.clear()
    clips = dict(read_sections(path, THREE, asked))
    assert None not in clips.values()
    assert openings == [str(path)]
    # up to a group of pictures before a section, and the depth of reordering after it
    assert len(fed) <= 3 * (12 + 5 + 2 * 17) + 5


def test_an_index_that_leads_past_the_start_costs_a_second_not_the_file(tmp_path, fed):
    """The index of an MP4 has the times of decoding; the frames before a key frame come later."""
    path = write_video(tmp_path / "open.mp4", 250, **FORMATS["b-frames.mp4"])
    for first in (190, 191, 192):
        fed.clear()
        clip = read_clip(path, EVERY, start=first / 25, end=first / 25 + 0.2)
        assert numbers(clip.frames) == list(range(first, first + 5))
        assert len(fed) < 25 + 12 + 5 + 2 * 17


def test_only_frames_of_open_sections_are_held(tmp_path, monkeypatch):
    path = write_video(tmp_path / "long.mp4", 250, **LONG_GOP)
    most = 0
    end = module._Pass._end

    def watched(self):
        nonlocal most
        held = {id(frame) for section in self._open for frame in section.held.values()}
        most = max(most, len(held))
        return end(self)

    monkeypatch.setattr(module._Pass, "_end", watched)
    asked = windows([(None, None), *((s / 10, s / 10 + 0.4) for s in range(0, 100, 2))])
    found = list(read_sections(path, THREE, asked))
    assert [number for number, _ in found][-1] in (0, 50)
    assert None not in dict(found).values()
    assert most < 7 * 3 * 3  # those of the whole video, and of the sections that overlap


@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
@pytest.mark.parametrize("kept", [0, 3_000], ids=["none", "some"])
def test_packets_that_are_too_large_to_keep_are_listed_apart(
    tmp_path, monkeypatch, openings, name, kept
):
    path = write_video(tmp_path / name, 120, **SHORT_GOP)
    monkeypatch.setattr(source, "_MOST_BYTES", kept)
    asked = windows([*OVERLAPPING, *SPARSE])
    assert check_equal(path, THREE, asked) == 0
    openings.clear()
    list(read_sections(path, THREE, asked))
    assert 2 <= len(openings) <= 4


@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
def test_bounds_count_for_each_section(tmp_path, name):
    path = write_video(tmp_path / name, 120, **SHORT_GOP)
    limited = FrameSettings(count=3, max_length=40)
    left = check_equal(path, limited, windows([*DENSE, (0.2, 4.0)]))
    reasons = [alone(path, limited, window) for window in windows([*DENSE, (0.2, 4.0)])]
    failed = [reason for reason in reasons if isinstance(reason, str)]
    assert failed
    assert {*failed} == {"it has more frames than frames.max_length=40"}
    assert left >= len(failed)


def test_what_is_no_video_is_left_to_each_section(tmp_path):
    asked = windows(SPARSE)
    path = tmp_path / "clip.mp4"
    for content in (b"", b"no video"):
        path.write_bytes(content)
        assert list(read_sections(path, THREE, asked)) == [(0, None), (1, None), (2, None)]
    assert list(read_sections(tmp_path, THREE, asked)) == [(0, None), (1, None), (2, None)]


@pytest.mark.parametrize(
    "make", [varying, lossless_cut, cut_matroska, joined], ids=lambda make: make.__name__
)
def test_lengths_of_sections_are_those_of_each(tmp_path, openings, make):
    path = make(tmp_path)
    asked = windows([*OVERLAPPING, *SPARSE, *OUTSIDE, (None, None)])
    expected: list[VideoLength | None] = []
    for window in asked:
        end = None if math.isinf(window.end) else window.end
        try:
            expected.append(video_length(path, start=window.start, end=end))
        except DecodeError:
            expected.append(None)
    openings.clear()
    assert section_lengths(path, asked) == expected
    assert openings.count(str(path)) <= 2  # a second look at a file that was cut off
    assert (None in expected) == (make is cut_matroska)


def in_windows(path: Path, every: float) -> tuple[list[Window], list[DecodedClip]]:
    cut_up = cut_windows(timeline(path, THREE), every)
    return cut_up, list(read_in_order(path, THREE, cut_up))


@pytest.mark.parametrize("name", ["a.mp4", "b-frames.avi", "a.ts"])
def test_windows_of_a_whole_video_come_in_order(tmp_path, monkeypatch, name):
    path = write_video(tmp_path / name, 250, **FORMATS.get(name, SHORT_GOP))
    monkeypatch.setattr(module, "read_clip", None)  # no window is decoded for itself
    _, clips = in_windows(path, 0.4)
    assert numbers(clips[24].frames)[-1] >= 248 - 2
    assert sum(clip.frame_count for clip in clips) == 250


def test_a_stream_that_begins_between_key_frames_is_read_once_too(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.ts", 250, codec="mpeg2video", options={"g": "50"})
    content = path.read_bytes()
    path.write_bytes(content[: 188 * 3] + content[188 * 60 :])  # the tables, then later packets
    decoded_alone = []

    def watched(*arguments, **more):
        decoded_alone.append(arguments)
        return read_clip(*arguments, **more)

    monkeypatch.setattr(module, "read_clip", watched)
    cut_up, clips = in_windows(path, 1)
    assert len(decoded_alone) <= 2
    assert sum(clip.frame_count for clip in clips) < len(timeline(path, THREE).times) - 5
    for window, clip in zip(cut_up, clips, strict=True):
        if window.start >= 2:
            expected = alone(path, THREE, window)
            assert isinstance(expected, DecodedClip)
            np.testing.assert_array_equal(clip.frames, expected.frames)


def test_a_damaged_window_ends_with_its_reason(tmp_path):
    path = write_video(tmp_path / "cut.mp4", 100)
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(DecodeError):
        in_windows(path, 1)
    broken = write_video(tmp_path / "broken.avi", 200)
    content = bytearray(broken.read_bytes())
    place = 3 * len(content) // 4
    content[place : place + 6000] = bytes(6000)
    broken.write_bytes(content)
    coming = read_in_order(broken, THREE, cut_windows(timeline(broken, THREE), 1))
    assert next(coming).frame_count == 25  # what comes before is there
    with pytest.raises(DecodeError):
        list(coming)
