"""Find video files on disk, and report what is missing or not used."""

import logging
import os
import stat
from collections import Counter, deque
from functools import lru_cache
from pathlib import Path, PurePath

from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name

_log = logging.getLogger(__name__)

VIDEO_EXTENSIONS = frozenset(
    {
        ".3g2", ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".gif", ".m2ts", ".m2v", ".m4v",
        ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".nut",
        ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".y4m",
    }
)  # fmt: skip
"""File name extensions (lower case) of videos."""


def existing_folder(folder: Path, *, expected: str, setting: str) -> Path:
    """Return the absolute path of a folder that must exist.

    Args:
        folder: as the user wrote it: ``~`` expands, a relative path starts at the current folder.
        expected: the expected content, for the error message.
        setting: the configuration key that names it, for the error message.

    Raises:
        ClipHarError: when it is missing or is no folder.
    """
    absolute = folder.expanduser().absolute()
    if not absolute.is_dir():
        fault = "is not a folder" if absolute.exists() else "does not exist"
        raise ClipHarError(
            f"{absolute} {fault}: expected {expected} in it; set {setting}=<the folder>"
        )
    return absolute


def existing_file(path: Path, *, expected: str, setting: str) -> Path:
    """Return the absolute path of a file that must exist, like ``existing_folder``.

    Raises:
        ClipHarError: when it is missing or is no file.
    """
    absolute = path.expanduser().absolute()
    if not absolute.is_file():
        fault = "is not a file" if absolute.exists() else "does not exist"
        raise ClipHarError(f"{absolute} {fault}: expected {expected}; set {setting}=<the file>")
    return absolute


def text_lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a published list that are not blank, with their numbers from 1.

    CRLF ends and a byte order mark are accepted. Names are as `plain_name` gives them.

    Raises:
        ClipHarError: when it cannot be read, or is no text.
    """
    lines = enumerate(list_text(path).splitlines(), 1)
    return [(i, plain_name(line.strip())) for i, line in lines if line.strip()]


def list_text(path: Path) -> str:
    """Return the text of a published list, without a byte order mark.

    Raises:
        ClipHarError: when it cannot be read, or is no text.
    """
    if path.exists() and not path.is_file():  # reading a pipe may never end
        raise ClipHarError(f"{path} cannot be read as a list: it is no regular file")
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ClipHarError(f"{path} cannot be read as a list in UTF-8 ({error})") from error


def subfolders(folder: Path) -> list[Path]:
    """Return the folders directly in a folder, sorted by name, without hidden ones."""
    return [entry for entry in _entries(folder) if entry.is_dir() and not _hidden(entry)]


def video_files(folder: Path, *, unused: Counter[str] | None = None) -> list[Path]:
    """Return the videos in a folder and in all folders below it, sorted by path.

    Hidden files and folders are left out, and so is what is no regular file, such as a pipe:
    opening it might never end. A link to nothing counts as a video: decoding says what is wrong.

    Args:
        folder: the folder. Links to folders are followed, but no folder is read twice: one that
            also lies in this folder counts under its own name, not under that of a link.
        unused: counts what is left out, by kind.
    """
    unused = Counter() if unused is None else unused
    found: list[Path] = []
    seen: set[Path] = set()
    waiting = deque([folder])
    while waiting:
        place = waiting.popleft()
        if (real := place.resolve()) in seen:
            continue
        seen.add(real)
        for entry in _entries(place):
            if _hidden(entry):
                unused["hidden"] += 1
            elif entry.is_dir():
                # Links wait until all else is read: a folder keeps its own name.
                (waiting.append if entry.is_symlink() else waiting.appendleft)(entry)
            elif (kind := _other_kind(entry)) is not None:
                unused[kind] += 1
            else:
                found.append(entry)
    return sorted(found)


def log_unused(root: Path, unused: Counter[str]) -> None:
    """Log in one line how many files of which kinds are not used."""
    if unused:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(unused.items()))
        _log.info("%s: files that are not used: %d (%s)", root, unused.total(), kinds)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise ClipHarError(f"{folder} cannot be listed ({error.strerror})") from error


def _hidden(entry: Path) -> bool:
    return entry.name.startswith(".")


def _other_kind(entry: Path) -> str | None:
    """Return what a file is if it is not taken as a video."""
    if not is_video(entry):
        return plain_name(entry.suffix.lower()) or "without extension"
    try:
        mode = entry.stat().st_mode
    except OSError:
        return None
    return None if stat.S_ISREG(mode) else "pipe, socket or device"


def is_video(path: Path) -> bool:
    """Return whether a file has the extension of a video."""
    return path.suffix.lower() in VIDEO_EXTENSIONS


def stem_of(name: str) -> str:
    """Return the name of a clip in a list without its extension; the list may give none.

    Example:
        >>> stem_of("v_Punch_g01_c01.avi"), stem_of("Mr._Bean_1"), stem_of("walk/a.b.MP4")
        ('v_Punch_g01_c01', 'Mr._Bean_1', 'walk/a.b')
    """
    stem, dot, extension = name.rpartition(".")
    return stem if f"{dot}{extension}".lower() in VIDEO_EXTENSIONS else name


def videos_by_stem(folder: Path, *, unused: Counter[str] | None = None) -> dict[str, Path]:
    """Return the videos in a folder and below it by `stem_key`.

    Published lists spell names in more than one way (``HandstandPushups``) and copies of a data
    set change the container, so case and extension are ignored. If a name occurs in several
    containers, an ``.avi`` (the original of the academic sets) is used, else the first by path.
    """
    found: dict[str, Path] = {}
    for path in video_files(folder, unused=unused):
        key = stem_key(path.stem)
        known = found.get(key)
        if known is None or (path.suffix.lower() == ".avi" != known.suffix.lower()):
            found[key] = path
    return found


def stem_key(stem: str) -> str:
    """Return a name without differences in case and Unicode form."""
    return plain_name(stem).lower()


def named_paths(root: Path, name: str) -> list[Path]:
    """Return what has a name below a folder, comparing names as `plain_name` gives them.

    Args:
        root: the folder.
        name: a relative path.

    Returns:
        The path as it is written if that exists; else all that have the name in another form.
    """
    if (root / name).exists():
        return [root / name]
    places = [root]
    for part in PurePath(name).parts:
        places = [child for place in places for child in _children(place).get(part, ())]
    return places


def find_video(root: Path, name: str) -> list[Path]:
    """Return the files that a list may mean by a name: as written, else without an extension.

    Args:
        root: the folder that the name is relative to.
        name: a relative path, as `plain_name` gives it.
    """
    if found := [path for path in named_paths(root, name) if path.is_file()]:
        return found
    pure = PurePath(name)
    places = named_paths(root, str(pure.parent)) if len(pure.parts) > 1 else [root]
    return [
        path
        for place in places
        for path in _children(place, without_extension=True).get(pure.name, ())
        if path.is_file()
    ]


def _children(folder: Path, *, without_extension: bool = False) -> dict[str, list[Path]]:
    """Return what lies directly in a folder by its plain name, or its videos by their stem.

    Nothing if it is no folder.
    """
    try:
        return _listed(folder, without_extension, folder.stat().st_mtime_ns)
    except OSError:
        return {}


@lru_cache(maxsize=1024)
def _listed(folder: Path, without_extension: bool, _changed: int) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for entry in sorted(os.listdir(folder)):  # noqa: PTH208, paths are slow to sort
        name = plain_name(entry)
        stem = stem_of(name) if without_extension else ""
        if stem != name:
            found.setdefault(stem or name, []).append(folder / entry)
    return found


def missing_clips_message(
    what: str, missing: list[str], total: int, hint: str, *, unit: str = "clips"
) -> str:
    """Return one line that counts missing clips and names the first three."""
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"{len(missing)} of {total} {unit} of {what}: {', '.join(missing[:3])}{more}; {hint}"
