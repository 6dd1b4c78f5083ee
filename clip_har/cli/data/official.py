"""Compare a copy of UCF-101 or HMDB-51 with its official lists: files, names, groups, numbers."""

import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

from clip_har.cli.data.listing import Listed, Listing
from clip_har.cli.data.rows import ClipRow, Verification, add_findings
from clip_har.cli.data.sources import Source
from clip_har.cli.data.verify import Video, decode
from clip_har.core.names import plain_name
from clip_har.data.image_files import is_image
from clip_har.data.sources.files import clip_stem, is_clip, is_video


def verify_official(
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
    decode(files, workers)
    faults = [*listing.conflicts, *_wrong_counts(source, listing)]
    found = Verification(rows, faults, parts=tuple(source.counts))
    found.notes += listing.remarks
    add_findings(found, allow_missing=allow_missing)
    if not any(row.status not in {"missing", "extra"} for row in rows):
        found.faults.append(f"no clip of the lists is in {listing.videos}")
    return found


def _matched(listing: Listing) -> tuple[list[ClipRow], list[Video]]:
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
        files.append(Video(found, row))
    for path in sorted(left):
        name = _relative(path, listing.videos)
        row = ClipRow(name, plain_name(path.parent.name), status="extra")
        rows.append(row)
        if is_clip(path):
            files.append(Video(path, row))
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
