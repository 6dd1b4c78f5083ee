"""Decode every clip of a data set, and compare a copy with its official lists."""

import csv
import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clip_har.cli.data.download import sha256_of
from clip_har.cli.data.listing import SPLITS, Listed, Listing
from clip_har.cli.data.sources import Source
from clip_har.core.atomic import whole_file
from clip_har.core.names import plain_name
from clip_har.core.progress import track
from clip_har.data.clips import ClipSet
from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.images import check_images
from clip_har.data.decode.video import read_clip
from clip_har.data.image_files import images_mark, images_state, is_image, is_of_images, series_note
from clip_har.data.sampling import FrameSettings
from clip_har.data.sources.files import clip_files_of, clip_stem, is_clip, is_video, subfolders

DARK = 24
"""Largest value (0 … 255) of a black pixel in each channel: codecs add noise to black."""
_DARK_SHARE = 0.98  # of a row's pixels, over all frames: noise may make some pixels brighter
_FRAMES = FrameSettings(count=8)


@dataclass
class ClipRow:
    """One row of the table: a clip of the data set, or a video that does not belong to it.

    Attributes:
        clip: path below the folder of the clips; for a missing clip, its name in the lists.
        class_name: its label, or the folder of an extra file.
        group: its group.
        parts: the parts of splits that it is in, joined by spaces.
        status: ``ok``, ``missing``, ``extra``, ``undecodable``, ``misplaced`` (in the folder of
            another class, or named after one) or ``unread`` (the file exists, but under a name or
            in a folder where ``dataset=`` does not find it).
        reason: why it is not ok, or what is unusual about its name.
        frames: number of frames that decode.
        fps: frames a second, from the container.
        width: px.
        height: px.
        bar_top: rows at the upper edge that are black in the whole clip, px.
        bar_bottom: px.
        bar_left: px.
        bar_right: px.
        bytes: size of the file.
        duplicate_of: another file with the same bytes, empty if there is none.
        images: what is unusual about the images of a clip, such as missing numbers.
    """

    clip: str
    class_name: str
    group: str = ""
    parts: str = ""
    status: str = "ok"
    reason: str = ""
    frames: int | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    bar_top: int | None = None
    bar_bottom: int | None = None
    bar_left: int | None = None
    bar_right: int | None = None
    bytes: int | None = None
    duplicate_of: str = ""
    images: str = ""

    @property
    def whole(self) -> bool:
        """Whether it belongs to the data set and decodes."""
        return self.status in {"ok", "misplaced"}

    @property
    def barred(self) -> bool:
        """Whether it has a black bar."""
        return any((self.bar_top, self.bar_bottom, self.bar_left, self.bar_right))


@dataclass
class Verification:
    """The result of a check.

    Attributes:
        rows: the clips of the data set in their order, then extra files.
        faults: what is wrong, one line each.
        notes: what is unusual and does no harm, one line each.
    """

    rows: list[ClipRow]
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _File(NamedTuple):
    """A clip to decode, the section of its file that it is, its row, and its rate if of images."""

    path: Path
    row: ClipRow
    start: float | None = None
    end: float | None = None
    fps: float | None = None


def verify(
    source: Source, listing: Listing, *, allow_missing: bool = False, workers: int | None = None
) -> Verification:
    """Decode every clip of an official data set, and compare files, names and lists.

    Args:
        source: the official numbers.
        listing: the official lists.
        allow_missing: whether a partial copy is no fault.
        workers: decoding threads; None = all cores.
    """
    rows, files = _matched(listing)
    _decode(files, workers)
    found = Verification(rows, [*listing.conflicts, *_wrong_counts(source, listing)])
    found.notes += listing.remarks
    _add_findings(found, allow_missing=allow_missing)
    if not any(row.status not in {"missing", "extra"} for row in rows):
        found.faults.append(f"no clip of the lists is in {listing.videos}")
    return found


def verify_clips(
    clips: ClipSet, root: Path | None = None, *, workers: int | None = None
) -> Verification:
    """Decode every clip of a data set that has no official lists.

    Args:
        clips: the data set.
        root: a folder of videos; those that are not in the data set become extra rows.
        workers: decoding threads; None = all cores.
    """
    files = [
        _File(
            clip.path,
            ClipRow(clip.id, clips.class_names[clip.label], clip.group),
            clip.start,
            clip.end,
            clip.fps,
        )
        for clip in clips.clips
    ]
    if root is not None:
        files += [
            _File(
                path, ClipRow(_relative(path, root), plain_name(path.parent.name), status="extra")
            )
            for path in _others(root, {clip.path for clip in clips.clips})
        ]
    _decode(files, workers)
    found = Verification([file.row for file in files])
    _add_findings(found, allow_missing=False)
    return found


def _others(root: Path, used: set[Path]) -> list[Path]:
    """Return the clips below a folder that are not used, sorted."""
    if not any(map(is_of_images, used)):
        return [
            path
            for path in sorted(root.rglob("*"))
            if is_video(path) and path.is_file() and not path.name.startswith(".")
            if path not in used
        ]
    found = clip_files_of([root, *subfolders(root)])
    # Folders of used images are classes, and images beside used ones are other frames of them.
    known = used | {folder for path in used for folder in path.parents}
    others = {path for paths in found.values() for path in paths if path not in known}
    return sorted(path for path in others if path.parent not in used)


def _decode(files: Sequence[_File], workers: int | None) -> None:
    """Decode the videos and fill in their rows."""
    with (
        track(len(files), "verifying") as advance,
        ThreadPoolExecutor(workers or os.cpu_count()) as pool,
    ):
        for _ in pool.map(_measure, files):
            advance(1)
    _mark_duplicates(files)


def _add_findings(found: Verification, *, allow_missing: bool) -> None:
    """Add a line for each kind of fault and note in the rows."""
    rows = found.rows
    for status, fault in (
        ("missing", "clips of the lists that are missing"),
        ("unread", "clips with a name or folder where dataset= does not find them"),
        ("undecodable", "clips that cannot be decoded"),
        ("misplaced", "clips in the folder of another class, or named after it"),
        ("extra", "files that do not belong to the data set"),
    ):
        if message := _summary(fault, [row for row in rows if row.status == status]):
            harmless = status == "extra" or (status == "missing" and allow_missing)
            (found.notes if harmless else found.faults).append(message)
    for what, chosen in (
        ("clips with another spelling than in the lists", [r for r in rows if _spelling(r)]),
        ("files with the same bytes as another", [r for r in rows if r.duplicate_of]),
        ("clips with gaps, or other images beside them", [r for r in rows if r.images]),
        ("clips with black bars", [r for r in rows if r.barred]),
    ):
        if message := _summary(what, chosen):
            found.notes.append(message)


def write_rows(path: Path, rows: Iterable[ClipRow]) -> None:
    """Write the table as CSV, whole or not at all."""
    names = [one.name for one in fields(ClipRow)]
    with whole_file(path) as file, file.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(names)
        for row in rows:
            values = [getattr(row, name) for name in names]
            table.writerow(["" if value is None else value for value in values])


def write_classes(path: Path, rows: Iterable[ClipRow]) -> None:
    """Write per class how many clips decode and how many there are, in total and in each list."""
    rows = list(rows)
    in_use = {part for row in rows for part in row.parts.split()}
    parts = [f"{use}{k}" for k in SPLITS for use in ("train", "test") if f"{use}{k}" in in_use]
    there: dict[str, Counter[str]] = defaultdict(Counter)
    listed: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.status == "extra":
            continue
        counted = ["clips", *row.parts.split()]
        listed[row.class_name].update(counted)
        if row.whole:
            there[row.class_name].update(counted)
    columns = [(name, counts) for name in ("clips", *parts) for counts in (there, listed)]
    header = [name if counts is there else f"{name}_listed" for name, counts in columns]
    with whole_file(path) as file, file.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["class_name", *header])
        for class_name in sorted(listed):
            table.writerow([class_name, *(counts[class_name][name] for name, counts in columns)])


def black_bars(frames: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Return the sizes of the black bars at the top, bottom, left and right, in pixels.

    Args:
        frames: ``(T, H, W, 3)`` uint8 RGB. Frames that are all black do not count; if all frames
            are black, there are no bars.
    """
    dark = np.asarray((frames <= DARK).all(axis=3))  # (T, H, W)
    dark = dark[~(dark.mean(axis=(1, 2)) >= _DARK_SHARE)]
    if not len(dark):
        return (0, 0, 0, 0)
    rows = dark.mean(axis=(0, 2)) >= _DARK_SHARE
    columns = dark.mean(axis=(0, 1)) >= _DARK_SHARE
    if not rows.all():  # columns are checked only in rows that are not black
        columns = dark[:, ~rows].mean(axis=(0, 1)) >= _DARK_SHARE
    return _run(rows), _run(rows[::-1]), _run(columns), _run(columns[::-1])


def _run(dark: NDArray[np.bool_]) -> int:
    """Return how many are true from the front."""
    return int(np.argmin(dark)) if not dark.all() else 0


def _matched(listing: Listing) -> tuple[list[ClipRow], list[_File]]:
    """Find the file of every clip of the lists, and make a row for every other file."""
    read = set(listing.files.values())
    left = {
        path
        for path in listing.videos.rglob("*")
        if not (path.is_dir() or path.name.startswith(".") or path in read)
        # lists and tables beside the class folders are not reported
        and (is_video(path) or path.parent not in {listing.videos, listing.lists})
        and path.parent not in read  # a frame of a clip
    }
    if any(path.is_dir() for path in read):  # clips are folders of images, also those not listed
        left = {path.parent if is_image(path) else path for path in left}
    # a file that no list names may be a clip whose name has another case (HMDB-51)
    left |= {path for key, path in listing.files.items() if key not in listing.clips}
    nearly: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(left):
        if is_clip(path):
            nearly[_folded(clip_stem(path))].append(path)
    rows, files = [], []
    for key, clip in listing.clips.items():
        row = ClipRow(f"{clip.class_name}/{clip.stem}", clip.class_name, clip.group)
        row.parts = " ".join(clip.parts)
        rows.append(row)
        found = listing.files.get(key)
        others = [one for one in nearly.get(_folded(clip.stem), []) if one in left]
        if found is not None:
            _check_name(row, found, clip, listing.videos)
        elif others:
            found = others[0]
            left.remove(found)
            row.status, row.reason = "unread", f"expected it as {row.clip}"
        else:
            row.status = "missing"
            continue
        row.clip = _relative(found, listing.videos)
        files.append(_File(found, row))
    for path in sorted(left):
        name = _relative(path, listing.videos)
        row = ClipRow(name, plain_name(path.parent.name), status="extra")
        rows.append(row)
        if is_clip(path):
            files.append(_File(path, row))
        else:
            row.reason = "no video"
    return rows, files


def _relative(path: Path, folder: Path) -> str:
    return plain_name(path.relative_to(folder).as_posix())


def _folded(stem: str) -> str:
    """Return a name without differences in case, Unicode form and outer spaces."""
    return unicodedata.normalize("NFKC", stem).strip().casefold()


def _check_name(row: ClipRow, path: Path, clip: Listed, videos: Path) -> None:
    folders = [plain_name(part) for part in path.relative_to(videos).parent.parts]
    if _class_key(clip.class_name) not in map(_class_key, folders):
        row.status, row.reason = "misplaced", f"it is in {folders[-1] if folders else videos}"
    elif clip.stem.startswith("v_") and clip.stem.split("_")[1].lower() != clip.class_name.lower():
        row.status, row.reason = "misplaced", f"its class in the lists is {clip.class_name}"
    elif plain_name(clip_stem(path)) != clip.stem:
        row.reason = f"spelt {clip.stem!r} in the lists"
    elif clip.class_name not in folders:
        row.reason = f"its folder is spelt {clip.class_name!r} in the lists"


def _class_key(name: str) -> str:
    """Return a class without differences in spelling: CoOp writes ``Apply_Eye_Makeup``."""
    return name.replace("_", "").lower()


def _spelling(row: ClipRow) -> bool:
    return row.status in {"ok", "undecodable"} and "spelt" in row.reason


def _measure(file: _File) -> None:
    """Decode a clip and fill in its row."""
    path, row = file.path, file.row
    try:
        row.bytes = images_state(path)[0] if path.is_dir() else path.stat().st_size
    except OSError:
        row.bytes = None
    row.images = series_note(path)
    section = {"start": file.start, "end": file.end, "fps": file.fps}
    try:
        if is_of_images(path):
            check_images(path, _FRAMES, **section)
        clip = read_clip(path, _FRAMES, **section)
    except DecodeError as error:
        if row.status != "extra":
            row.status = "undecodable"
        row.reason = plain_name(str(error))
        return
    row.frames, row.fps, row.width, row.height = (
        clip.frame_count,
        None if clip.fps is None else round(clip.fps, 3),
        clip.width,
        clip.height,
    )
    row.bar_top, row.bar_bottom, row.bar_left, row.bar_right = black_bars(clip.frames)


def _mark_duplicates(files: Sequence[_File]) -> None:
    """Find files with the same bytes; only files of equal size are read."""
    sizes: dict[int, dict[Path, ClipRow]] = defaultdict(dict)
    for file in files:
        if file.row.bytes:  # clips may be sections of one video
            sizes[file.row.bytes].setdefault(file.path, file.row)
    first: dict[str, str] = {}
    for alike in sizes.values():
        if len(alike) > 1:
            for path, row in alike.items():
                with suppress(OSError):  # the row says why it cannot be decoded
                    mark = images_mark(path) if path.is_dir() else sha256_of(path)
                    twin = first.setdefault(mark, row.clip)
                    row.duplicate_of = "" if twin == row.clip else twin


def _wrong_counts(source: Source, listing: Listing) -> list[str]:
    """Compare the lists with the official numbers."""
    faults = []
    if len(listing.class_names) != source.classes:
        faults.append(
            f"the lists name {len(listing.class_names)} classes, {source.title} has"
            f" {source.classes}"
        )
    if len(listing.clips) != source.clips:
        faults.append(
            f"the lists name {len(listing.clips):,} clips, {source.title} has {source.clips:,}"
        )
    counts = Counter(part for clip in listing.clips.values() for part in clip.parts)
    for part, expected in source.counts.items():
        if counts[part] != expected:
            faults.append(f"the list {part} names {counts[part]:,} clips, officially {expected:,}")
    return faults


def _summary(what: str, rows: Sequence[ClipRow]) -> str:
    if not rows:
        return ""
    names = ", ".join(
        f"{row.clip} ({row.reason})" if row.reason and row.status != "extra" else row.clip
        for row in rows[:3]
    )
    more = f" and {len(rows) - 3:,} more" if len(rows) > 3 else ""
    return f"{what}: {len(rows):,} – {names}{more}"
