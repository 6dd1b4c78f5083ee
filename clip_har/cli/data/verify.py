"""Decode every clip of any data set: what cannot be read, and what is unusual."""

import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from clip_har.cli.data.bars import black_bars
from clip_har.cli.data.chosen import Parts, places
from clip_har.cli.data.download import sha256_of
from clip_har.cli.data.rows import ClipRow, Verification, add_findings, counted
from clip_har.cli.data.sections import beyond_end, overlaps
from clip_har.core.names import plain_name
from clip_har.core.progress import Advance, track
from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.images import check_images
from clip_har.data.decode.passes import Window
from clip_har.data.decode.sections import neighbours, read_sections
from clip_har.data.decode.video import DecodedClip, read_clip
from clip_har.data.image_files import images_mark, images_state, is_of_images, series_note
from clip_har.data.parts import shared_groups
from clip_har.data.sampling import FrameSettings
from clip_har.data.sources.files import clip_files_of, subfolders, video_files

_FRAMES = FrameSettings(count=8)


class Video(NamedTuple):
    """A clip to decode, the section of its file that it is, its row, and its rate if of images."""

    path: Path
    row: ClipRow
    start: float | None = None
    end: float | None = None
    fps: float | None = None


def verify(
    parts: Parts, *, allow_missing: bool = False, workers: int | None = None
) -> Verification:
    """Decode every clip of all splits of a data set, and look for what its lists contradict.

    Args:
        parts: the splits.
        allow_missing: whether a partial copy is no fault.
        workers: decoding threads; None = all cores.
    """
    found = Verification([], parts=tuple(part.name for part in parts.found))
    videos: dict[str, Video] = {}
    for part in parts.found:
        for clip in part.clips.clips:
            row = ClipRow(clip.id, part.clips.class_names[clip.label], clip.group)
            video = Video(clip.path, row, clip.start, clip.end, clip.fps)
            video = videos.setdefault(clip.id, video)
            video.row.parts = f"{video.row.parts} {part.name}".lstrip()
        if part.missing:
            (found.notes if allow_missing else found.faults).append(f"{part.name}: {part.missing}")
        elif part.clips.title != part.clips.name:
            found.notes.append(f"a partial copy: {part.clips.title}")
    decode(list(videos.values()), workers)
    found.rows += [video.row for video in videos.values()] + _extra(parts)
    add_findings(found, allow_missing=allow_missing)
    found.notes += overlaps({clip.id: clip for part in parts.found for clip in part.clips.clips})
    _add_shared(found, parts)
    told = [f"{name} cannot be read: {why}" for name, why in parts.broken.items()]
    (found.notes if allow_missing else found.faults).extend(told)
    return found


def _extra(parts: Parts) -> list[ClipRow]:
    """Return a row for each video in the data's folders that is in no split."""
    used = {clip.path for part in parts.found for clip in part.clips.clips}
    return [
        ClipRow(
            plain_name(path.relative_to(place).as_posix()),
            plain_name(path.parent.name),
            status="extra",
            bytes=_size(path),
        )
        for place in dict.fromkeys(place for part in parts.found for place in places(part.source))
        if place.is_dir()
        for path in _others(place, used)
    ]


def _others(place: Path, used: set[Path]) -> list[Path]:
    """Return the clips below a folder that are not used, sorted."""
    if not any(map(is_of_images, used)):
        return [path for path in video_files(place) if path not in used]
    found = clip_files_of([place, *subfolders(place)])
    # Folders of used images are classes, and images beside used ones are other frames of them.
    known = used | {folder for path in used for folder in path.parents}
    others = {path for paths in found.values() for path in paths if path not in known}
    return sorted(path for path in others if path.parent not in used)


def _add_shared(found: Verification, parts: Parts) -> None:
    """Add a line if the training split shares clips or groups with another."""
    by_name = {part.name: part.clips for part in parts.found}
    learned = by_name.pop("train", None)
    if learned is None:
        return
    for name, clips in by_name.items():
        both = {clip.id for clip in learned.clips} & {clip.id for clip in clips.clips}
        if both:
            found.faults.append(f"clips in train and {name}: {counted(sorted(both))}")
        if groups := shared_groups(learned.groups.tolist(), clips):
            why = f" ({clips.shares_groups})" if clips.shares_groups else ""
            message = f"groups in train and {name}{why}: {counted(groups)}"
            (found.notes if clips.shares_groups else found.faults).append(message)


def decode(videos: Sequence[Video], workers: int | None) -> None:
    """Decode videos and fill in their rows."""
    threads = workers or os.cpu_count() or 1
    jobs = neighbours([(video.path, video.start) for video in videos], threads)
    with track(len(videos), "verifying") as advance, ThreadPoolExecutor(threads) as pool:

        def measure(job: Sequence[int]) -> None:
            _measure([videos[number] for number in job], advance)

        for _ in pool.map(measure, jobs):
            pass
    _mark_duplicates(videos)


def _measure(videos: Sequence[Video], advance: Advance) -> None:
    """Decode clips of one file and fill in their rows."""
    windows = [Window.of(video.start, video.end) for video in videos]
    for number, clip in read_sections(videos[0].path, _FRAMES, windows):
        video = videos[number]
        row = video.row
        row.bytes, row.images = _size(video.path), series_note(video.path)
        try:
            _fill(video, clip or _read_alone(video))
        except DecodeError as error:
            if row.status != "extra":
                row.status = "undecodable"
            row.reason = plain_name(str(error))
        advance(1)


def _read_alone(video: Video) -> DecodedClip:
    section = {"start": video.start, "end": video.end, "fps": video.fps}
    if is_of_images(video.path):
        check_images(video.path, _FRAMES, **section)
    return read_clip(video.path, _FRAMES, **section)


def _fill(video: Video, clip: DecodedClip) -> None:
    """Write down what a decoded clip is like."""
    row = video.row
    row.frames, row.fps, row.width, row.height = (
        clip.frame_count,
        None if clip.fps is None else round(clip.fps, 3),
        clip.width,
        clip.height,
    )
    row.bar_top, row.bar_bottom, row.bar_left, row.bar_right = black_bars(clip.frames)
    if video.end is not None and (reason := beyond_end(video.path, video.end, fps=video.fps)):
        row.status, row.reason = "beyond", reason


def _size(path: Path) -> int | None:
    """Return the size of a file, or of the images in a folder, in bytes; None if it is missing."""
    try:
        return images_state(path)[0] if path.is_dir() else path.stat().st_size
    except OSError:
        return None


def _mark_duplicates(videos: Sequence[Video]) -> None:
    """Find files with the same bytes; only files of equal size are read."""
    sizes: dict[int, dict[Path, ClipRow]] = defaultdict(dict)
    for video in videos:
        if video.row.bytes:  # clips may be sections of one video
            sizes[video.row.bytes].setdefault(video.path, video.row)
    first: dict[str, str] = {}
    for alike in sizes.values():
        if len(alike) > 1:
            for path, row in alike.items():
                with suppress(OSError):  # the row says why it cannot be decoded
                    mark = images_mark(path) if path.is_dir() else sha256_of(path)
                    twin = first.setdefault(mark, row.clip)
                    row.duplicate_of = "" if twin == row.clip else twin
