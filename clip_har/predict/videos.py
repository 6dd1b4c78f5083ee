"""The clips that a command names: files, folders, and lists on standard input."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from clip_har.core.errors import ClipHarError
from clip_har.data.image_files import is_image
from clip_har.data.sources.files import clip_files

STDIN = "-"
"""Stands for a list of paths on standard input."""


def named_videos(words: Sequence[str], lines: Iterable[bytes]) -> Iterator[Path]:
    """Yield the videos, in the order in which they are named.

    A folder stands for all videos in it and below it, by path. If there is none, it stands for the
    clips of images: each folder that holds images directly, be it this one or below it, and each
    zip of images; if there are none either, for itself. A file is taken whatever its name is, also
    if it does not exist: decoding says what is wrong.

    Args:
        words: paths; `STDIN` for the lines.
        lines: one path each; read when they are needed.

    Raises:
        ClipHarError: when a folder cannot be read, or there is no line.
    """
    for word in words:
        paths = map(Path, _listed(lines)) if word == STDIN else [Path(word).expanduser()]
        for path in paths:
            yield from _in_folder(path) if path.is_dir() else [path]


def _in_folder(folder: Path) -> list[Path]:
    found = clip_files(folder)
    # Images that lie together are the frames of one clip here: no class says otherwise.
    own = [path for path in found if path.parent == folder and is_image(path)]
    others = [path for path in found if path not in set(own)]
    return others if others and not own else [folder, *others]


def _listed(lines: Iterable[bytes]) -> Iterator[str]:
    empty = True
    for line in lines:
        if line.strip():
            empty = False
            yield os.fsdecode(line.rstrip(b"\r\n"))
    if empty:
        raise ClipHarError(f"{STDIN}: expected a path a line on standard input, got none")
