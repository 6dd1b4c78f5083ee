"""Find clips on disk, videos or images, and report what is missing or not used."""

import logging
import os
import stat
from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clip_har.core.errors import AbsentError, ClipHarError
from clip_har.core.names import plain_name
from clip_har.data.clips import SAMPLE_NOTE
from clip_har.data.image_files import IMAGE_EXTENSIONS, ZIP, holds_images, is_image, is_of_images

_log = logging.getLogger(__name__)

VIDEO_EXTENSIONS = frozenset(
    {
        ".3g2", ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".gif", ".m2ts", ".m2v", ".m4v",
        ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".nut",
        ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".y4m",
    }
)  # fmt: skip
"""File name extensions (lower case) of videos."""

_LINK = "link to another folder of clips"
_OF_CLIPS = VIDEO_EXTENSIONS | IMAGE_EXTENSIONS | {ZIP}


def existing_folder(folder: Path, *, expected: str, setting: str) -> Path:
    """Return the absolute path of a folder that must exist.

    Args:
        folder: as the user wrote it: ``~`` expands, a relative path starts at the current folder.
        expected: the expected content, for the error message.
        setting: the configuration key that names it, for the error message.

    Raises:
        AbsentError: when it is missing or is no folder.
    """
    absolute = folder.expanduser().absolute()
    if not absolute.is_dir():
        fault = "is not a folder" if absolute.exists() else "does not exist"
        raise AbsentError(
            f"{absolute} {fault}: expected {expected} in it; set {setting}=<the folder>"
        )
    return absolute


def existing_file(path: Path, *, expected: str, setting: str, what: str = "the file") -> Path:
    """Return the absolute path of a file that must exist, like ``existing_folder``.

    Args:
        path: as the user wrote it.
        expected: the expected content, for the error message.
        setting: the configuration key that names it, for the error message.
        what: the value of the setting, for the error message.

    Raises:
        AbsentError: when it is missing or is no file.
    """
    absolute = path.expanduser().absolute()
    if not absolute.is_file():
        fault = "is not a file" if absolute.exists() else "does not exist"
        raise AbsentError(f"{absolute} {fault}: expected {expected}; set {setting}=<{what}>")
    return absolute


def text_lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a published list that are not blank, with their numbers from 1.

    CRLF ends and a byte order mark are accepted, and a tab is a blank. Names are as `plain_name`
    gives them.

    Raises:
        ClipHarError: when it cannot be read, or is no text.
    """
    # Not splitlines: names may hold what it takes for ends of lines, such as U+2028.
    lines = enumerate(list_text(path).replace("\t", " ").split("\n"), 1)
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
    return [
        folder / name
        for name, is_folder, _ in _scanned(folder)
        if is_folder and not name.startswith(".")
    ]


def video_files(folder: Path, *, unused: Counter[str] | None = None) -> list[Path]:
    """Return the videos in a folder and in all folders below it, sorted by path.

    Hidden files and folders are left out, and so is what is no regular file, such as a pipe:
    opening it might never end. A link to nothing counts as a video: decoding says what is wrong.

    Args:
        folder: the folder. Links to folders are followed, but no folder is read twice: one that
            also lies in this folder counts under its own name, not under that of a link.
        unused: counts what is left out, by kind.
    """
    found = _walk(folder)
    found.count_unused(unused, videos=True)
    return sorted(found.videos)


def clip_files(folder: Path, *, unused: Counter[str] | None = None) -> list[Path]:
    """Return the clips of a folder and of all folders below it, sorted by path.

    These are its videos. If there is none, they are clips of images: each folder below this one
    that holds images directly, each zip that holds images, and each single image that lies directly
    in this folder. So a picture beside videos is not taken for a clip.

    Args:
        folder: as for `video_files`.
        unused: counts what is left out, by kind.
    """
    return clip_files_of([folder], unused=unused)[folder]


def clip_files_of(
    folders: Sequence[Path], *, unused: Counter[str] | None = None
) -> dict[Path, list[Path]]:
    """Return the clips of each of several folders: of images only if none of them holds a video.

    A link that leads into another one of the folders, or around it, is not followed: its clips
    belong to that folder.

    Args:
        folders: such as those of the classes, see `clip_files`.
        unused: counts what is left out, by kind.
    """
    real = {folder: folder.resolve() for folder in folders}
    found = {
        folder: _walk(folder, others=[real[one] for one in folders if one != folder])
        for folder in folders
    }
    videos = any(one.videos for one in found.values())
    for one in found.values():
        one.count_unused(unused, videos=videos)
    return {folder: sorted(one.videos if videos else one.images()) for folder, one in found.items()}


@dataclass
class _Found:
    """What lies in a folder and below it.

    Attributes:
        videos: files.
        folders: those below the folder that hold images directly.
        single: images that are clips of their own.
        zips: files.
        pictures: number of all images, by extension.
        unused: number of other files, by kind.
    """

    videos: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    single: list[Path] = field(default_factory=list)
    zips: list[Path] = field(default_factory=list)
    pictures: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)

    def images(self) -> list[Path]:
        """Return the clips of images."""
        return [*self.folders, *self.single, *(path for path in self.zips if holds_images(path))]

    def count_unused(self, unused: Counter[str] | None, *, videos: bool) -> None:
        """Add what is not used if the clips are videos, or else images."""
        if unused is None:
            return
        unused.update(self.unused)
        if videos:
            unused.update(self.pictures)
        without = [path for path in self.zips if videos or not holds_images(path)]
        unused.update({ZIP: len(without)} if without else {})


def _walk(
    folder: Path, single: Collection[str] | None = None, others: Collection[Path] = ()
) -> _Found:
    """Sort what lies in a folder and below it by kind.

    Args:
        folder: the folder.
        single: the images and folders that are clips, by `stem_key`; None: the images that lie
            directly in the folder, and all folders of images below it.
        others: real paths of folders into which, and around which, no link is followed.
    """
    found = _Found()
    seen: set[Path] = set()
    waiting = deque([folder])
    if folder.is_symlink() and _touches(folder.resolve(), others):
        found.unused[_LINK] += 1
        waiting.clear()
    while waiting:
        place = waiting.popleft()
        if (real := place.resolve()) in seen:
            continue
        seen.add(real)
        series = False
        for name, is_folder, is_link in _scanned(place):
            if name == SAMPLE_NOTE:
                continue
            if name.startswith("."):
                found.unused["hidden"] += 1
            elif is_link and is_folder and _touches((place / name).resolve(), others):
                found.unused[_LINK] += 1
            elif is_folder:
                # Links wait until all else is read: a folder keeps its own name.
                (waiting.append if is_link else waiting.appendleft)(place / name)
            elif is_image(name):
                stem, _, extension = name.rpartition(".")
                found.pictures[f".{extension.lower()}"] += 1
                if (place == folder) if single is None else (stem_key(stem) in single):
                    found.single.append(place / name)
                else:
                    series = True
            else:
                _add_file(found, place / name)
        if series and (single is None or stem_key(place.name) in single):
            found.folders.append(place)
    return found


def _touches(real: Path, others: Collection[Path]) -> bool:
    """Return whether a folder lies in one of others, or one of them in it."""
    return any(real.is_relative_to(one) or one.is_relative_to(real) for one in others)


def _add_file(found: _Found, path: Path) -> None:
    kind = _other_kind(path)
    if kind == ZIP and path.is_file():
        found.zips.append(path)
    elif kind is not None:
        found.unused[kind] += 1
    else:
        found.videos.append(path)


def holds_clips(folder: Path) -> bool:
    """Return whether a class folder holds clips: files, or folders of images."""
    for name, is_folder, _ in _scanned(folder):
        if is_folder and any(is_image(inner) for inner, *_ in _scanned(folder / name)):
            return True
        if not is_folder and is_clip(folder / name):
            return True
    return False


def log_unused(root: Path, unused: Counter[str]) -> None:
    """Log in one line how many files of which kinds are not used."""
    if unused:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(unused.items()))
        _log.info("%s: files that are not used: %d (%s)", root, unused.total(), kinds)


def _scanned(folder: Path) -> list[tuple[str, bool, bool]]:
    """Return name, whether it is a folder, and whether a link, of what lies directly in a folder.

    Sorted by name. A folder of frames holds hundreds of files, so none is asked but links.
    """
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False), entry) for entry in entries]
    except OSError as error:
        raise ClipHarError(f"{folder} cannot be listed ({error.strerror})") from error
    return sorted(
        (name, (folder / name).is_dir(), True) if entry.is_symlink() else (name, is_folder, False)
        for name, is_folder, entry in found
    )


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


def is_clip(path: Path) -> bool:
    """Return whether a file or folder may be a clip: a video, an image, a zip or a folder."""
    return is_video(path) or is_of_images(path)


def stem_of(name: str) -> str:
    """Return the name of a clip in a list without its extension; the list may give none.

    Example:
        >>> stem_of("v_Punch_g01_c01.avi"), stem_of("Mr._Bean_1"), stem_of("walk/a.b.MP4")
        ('v_Punch_g01_c01', 'Mr._Bean_1', 'walk/a.b')
        >>> stem_of("v_Punch_g01_c01.jpg"), stem_of("fall-01-cam0-rgb.zip")
        ('v_Punch_g01_c01', 'fall-01-cam0-rgb')
    """
    stem, dot, extension = name.rpartition(".")
    return stem if f"{dot}{extension}".lower() in _OF_CLIPS else name


def videos_by_stem(folder: Path, *, unused: Counter[str] | None = None) -> dict[str, Path]:
    """Return the videos in a folder and below it by `stem_key`.

    Published lists spell names in more than one way (``HandstandPushups``) and copies of a data
    set change the container, so case and extension are ignored. If a name occurs in several
    containers, an ``.avi`` (the original of the academic sets) is used, else the first by path.
    """
    return _by_stem(video_files(folder, unused=unused))


def listed_clips(
    folder: Path, stems: Collection[str], *, unused: Counter[str] | None = None
) -> dict[str, Path]:
    """Return the clips of a list by `stem_key`: videos, or images if there is no video.

    Only the list can tell whether an image is a clip or a frame, and whether a folder of images is
    a clip or a class.

    Args:
        folder: in which they lie, at any depth.
        stems: the `stem_key` of each clip of the list.
        unused: counts what is left out, by kind.

    Returns:
        All videos as `videos_by_stem`; or the images, folders and zips of images that are listed.
    """
    found = _walk(folder, single=stems)
    found.count_unused(unused, videos=bool(found.videos))
    return _by_stem(sorted(found.videos or found.images()))


def _by_stem(paths: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        key = stem_key(clip_stem(path))
        known = found.get(key)
        if known is None or (path.suffix.lower() == ".avi" != known.suffix.lower()):
            found[key] = path
    return found


def clip_stem(path: Path) -> str:
    """Return the name of a clip on disk without its extension; a folder may have none."""
    return stem_of(path.name)


def stem_key(stem: str) -> str:
    """Return a name without differences in case and Unicode form."""
    return plain_name(stem).lower()
