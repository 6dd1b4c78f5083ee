"""Find video files on disk, and report what is missing."""

from pathlib import Path

from clip_har.core.errors import ClipHarError

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

    CRLF ends and a byte order mark are accepted.

    Raises:
        ClipHarError: when it cannot be read, or is no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ClipHarError(f"{path} cannot be read as a list in UTF-8 ({error})") from error
    return [(i, line.strip()) for i, line in enumerate(text.splitlines(), 1) if line.strip()]


def subfolders(folder: Path) -> list[Path]:
    """Return the folders directly in a folder, sorted by name, without hidden ones."""
    return sorted(
        (entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")),
        key=lambda entry: entry.name,
    )


def video_files(folder: Path) -> list[Path]:
    """Return the videos directly in a folder, sorted by name, without hidden files."""
    return sorted(
        (
            entry
            for entry in folder.iterdir()
            if entry.suffix.lower() in VIDEO_EXTENSIONS
            and not entry.name.startswith(".")
            and not entry.is_dir()
        ),
        key=lambda entry: entry.name,
    )


def videos_by_stem(folder: Path) -> dict[str, Path]:
    """Return the videos in a folder and its subfolders by lower-case name without extension.

    Published lists spell names in more than one way (``HandstandPushups``) and copies of a data
    set change the container, so case and extension are ignored. If a name occurs in several
    containers, an ``.avi`` (the original of the academic sets) is used, else the first by path.
    """
    found: dict[str, Path] = {}
    for place in [folder, *subfolders(folder)]:
        for path in video_files(place):
            known = found.get(path.stem.lower())
            if known is None or (path.suffix.lower() == ".avi" != known.suffix.lower()):
                found[path.stem.lower()] = path
    return found


def missing_clips_message(what: str, missing: list[str], total: int, hint: str) -> str:
    """Return one line that counts missing clips and names the first three."""
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"{len(missing)} of {total} clips of {what}: {', '.join(missing[:3])}{more}; {hint}"
