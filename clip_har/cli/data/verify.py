"""Comparing a copy of a data set with its official lists, clip by clip."""

import csv
import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clip_har.cli.data.download import sha256_of
from clip_har.cli.data.listing import SPLITS, Listed, Listing
from clip_har.cli.data.sources import Source
from clip_har.core.atomic import whole_file
from clip_har.core.names import plain_name
from clip_har.core.progress import track
from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.video import read_clip
from clip_har.data.sampling import FrameSettings
from clip_har.data.sources.files import is_video

DARK = 24
"""Up to this value (0 … 255) a pixel of a bar is black in each channel: codecs add noise to it."""
_DARK_SHARE = 0.98  # of a row's pixels, over all frames: a bar may hold specks of noise
_FRAMES = FrameSettings(count=8)


@dataclass
class ClipRow:
    """One row of the table: a clip of the lists, or a file that no list names.

    Attributes:
        clip: path below the folder of the clips; of a missing one what the lists say.
        class_name: its label by the lists, or the folder of an extra file.
        group: of the lists.
        parts: of the splits that it is in, joined by spaces.
        status: ``ok``, ``missing``, ``extra``, ``undecodable``, ``misplaced`` (in the folder of
            another class, or named after one) or ``unread`` (there, but under a name or in a place
            where ``dataset=`` does not find it).
        reason: why it is not ok, or what is unusual about its name.
        frames: that decode.
        fps: as the container says.
        width: px.
        height: px.
        bar_top: rows that stay black over the clip, at the upper edge; the others likewise.
        bar_bottom: px.
        bar_left: px.
        bar_right: px.
        bytes: of the file.
        duplicate_of: another file with the same bytes, empty for none.
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

    @property
    def whole(self) -> bool:
        """Whether the lists name it and it decodes."""
        return self.status in {"ok", "misplaced"}

    @property
    def barred(self) -> bool:
        """Whether there is a bar at some edge."""
        return any((self.bar_top, self.bar_bottom, self.bar_left, self.bar_right))


@dataclass
class Verification:
    """What was found.

    Attributes:
        rows: the clips of the lists in their order, then extra files.
        faults: what is wrong, one line each.
        notes: what is worth knowing and harms nothing.
    """

    rows: list[ClipRow]
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(
    source: Source, listing: Listing, *, allow_missing: bool = False, workers: int | None = None
) -> Verification:
    """Decode every clip and compare files, names and lists.

    Args:
        source: what the data set should hold.
        listing: its official lists.
        allow_missing: take a partial copy for a whole one.
        workers: decoding threads; None = all cores.
    """
    rows, paths = _matched(listing)
    with (
        track(len(paths), "verifying") as advance,
        ThreadPoolExecutor(workers or os.cpu_count()) as pool,
    ):
        for _ in pool.map(lambda pair: _look(*pair), paths):
            advance(1)
    _mark_duplicates(paths)
    found = Verification(rows)
    found.faults += listing.conflicts
    found.notes += listing.remarks
    found.faults += _wrong_counts(source, listing)
    for status, fault in (
        ("missing", "clips of the lists that are missing"),
        ("unread", "clips that are there, but not where dataset= finds them"),
        ("undecodable", "clips that cannot be decoded"),
        ("misplaced", "clips in the folder of another class, or named after it"),
        ("extra", "files that no list names"),
    ):
        if message := _summary(fault, [row for row in rows if row.status == status]):
            harmless = status == "extra" or (status == "missing" and allow_missing)
            (found.notes if harmless else found.faults).append(message)
    if not any(row.status not in {"missing", "extra"} for row in rows):
        found.faults.append(f"no clip of the lists is in {listing.videos}")
    for what, chosen in (
        ("clips spelt differently from the lists", [r for r in rows if _spelling(r)]),
        ("files with the same bytes as another", [r for r in rows if r.duplicate_of]),
        ("clips with black bars", [r for r in rows if r.barred]),
    ):
        if message := _summary(what, chosen):
            found.notes.append(message)
    return found


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
    """Write per class how many clips decode and how many are listed, in total and in each list."""
    parts = [f"{use}{k}" for k in SPLITS for use in ("train", "test")]
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
    """Return the rows and columns at the top, bottom, left and right that stay black, in pixels.

    Args:
        frames: ``(T, H, W, 3)`` uint8 RGB. Frames that are black as a whole say nothing and do not
            count; where all are, there are no bars.
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


def _matched(listing: Listing) -> tuple[list[ClipRow], list[tuple[Path, ClipRow]]]:
    """Give every clip of the lists its file, and every other file a row of its own."""
    read = set(listing.files.values())
    left = {
        path
        for path in listing.videos.rglob("*")
        if not (path.is_dir() or path.name.startswith(".") or path in read)
        # Lists and tables beside the class folders are not reported.
        and (is_video(path) or path.parent not in {listing.videos, listing.lists})
    }
    # What is read under a name that no list has, may be meant by one in other case (HMDB-51).
    left |= {path for key, path in listing.files.items() if key not in listing.clips}
    nearly: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(left):
        if is_video(path):
            nearly[_folded(path.stem)].append(path)
    rows, paths = [], []
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
        row.clip = plain_name(found.relative_to(listing.videos).as_posix())
        paths.append((found, row))
    for path in sorted(left):
        name = plain_name(path.relative_to(listing.videos).as_posix())
        row = ClipRow(name, plain_name(path.parent.name), status="extra")
        rows.append(row)
        if is_video(path):
            paths.append((path, row))
        else:
            row.reason = "no video"
    return rows, paths


def _folded(stem: str) -> str:
    """Return a name without differences in case, Unicode form and outer spaces."""
    return unicodedata.normalize("NFKC", stem).strip().casefold()


def _check_name(row: ClipRow, path: Path, clip: Listed, videos: Path) -> None:
    folders = [plain_name(part) for part in path.relative_to(videos).parent.parts]
    if clip.class_name.lower() not in map(str.lower, folders):
        row.status, row.reason = "misplaced", f"it lies in {folders[-1] if folders else videos}"
    elif clip.stem.startswith("v_") and clip.stem.split("_")[1].lower() != clip.class_name.lower():
        row.status, row.reason = "misplaced", f"the lists put it into {clip.class_name}"
    elif plain_name(path.stem) != clip.stem:
        row.reason = f"spelt {clip.stem!r} in the lists"
    elif clip.class_name not in folders:
        row.reason = f"its folder is spelt {clip.class_name!r} in the lists"


def _spelling(row: ClipRow) -> bool:
    return row.status in {"ok", "undecodable"} and "spelt" in row.reason


def _look(path: Path, row: ClipRow) -> None:
    """Decode a clip and fill in what is seen."""
    row.bytes = path.stat().st_size if path.exists() else None
    try:
        clip = read_clip(path, _FRAMES)
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


def _mark_duplicates(paths: Sequence[tuple[Path, ClipRow]]) -> None:
    """Find files with the same bytes; only files of equal size are read."""
    sizes: dict[int, list[tuple[Path, ClipRow]]] = defaultdict(list)
    for path, row in paths:
        if row.bytes:
            sizes[row.bytes].append((path, row))
    first: dict[str, str] = {}
    for alike in sizes.values():
        if len(alike) > 1:
            for path, row in alike:
                with suppress(OSError):  # it is listed as undecodable, with the reason
                    twin = first.setdefault(sha256_of(path), row.clip)
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
