"""Use a copy of UCF-101 that is there, or prepare it after its terms of use were accepted."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from clip_har.cli.data.layout import (
    LIST_FILES,
    clips_folder,
    find_clips,
    find_lists,
    is_ucf101,
    lists_folder,
)
from clip_har.cli.data.prepare import prepare
from clip_har.cli.data.sources import SOURCES, Name
from clip_har.core.errors import ClipHarError

_NAME: Name = "ucf101"


def ensure_ucf101(folder: Path, *, accepts: Callable[[str], bool]) -> Path:
    """Return the value of ``dataset.root`` for UCF-101; fetch and unpack what is missing.

    A copy may be laid out as ``prepare`` does it, or be the folder of the class folders itself,
    with the lists in it or beside it. A copy that is there is not changed, also if some of its
    clips are missing.

    Args:
        folder: where it is, or is to be.
        accepts: is shown the terms of use before anything is fetched, and returns whether they are
            accepted.

    Raises:
        ClipHarError: when the terms are not accepted, or something cannot be fetched or unpacked.
    """
    source, root = SOURCES[_NAME], _root(folder)
    if root.exists() and not root.is_dir():
        raise ClipHarError(f"{root} is a file: expected the folder of {source.title}, or a new one")
    clips, lists = find_clips(_NAME, root), find_lists(_NAME, root)
    has_clips = clips.is_dir()
    if has_clips and not is_ucf101(clips):
        raise ClipHarError(
            f"{clips} holds no video with a name of {source.title} (v_<Class>_gNN_cMM): name its"
            " folder, or a new one"
        )
    has_lists = any(lists.glob(LIST_FILES[_NAME]))
    if has_clips and has_lists:
        sys.stdout.write(f"data: {source.title} is in {root}\n")
        return root
    if lists_folder(_NAME, root).is_dir() and not has_lists:
        raise ClipHarError(
            f"{lists_folder(_NAME, root)} holds no {LIST_FILES[_NAME]}: expected the official lists"
            " there; put them there, or remove the folder"
        )
    missing = [source.splits] * (not has_lists) + [source.archive] * (not has_clips)
    size = sum(one.size or 0 for one in missing)
    what = "its lists are" if has_clips else "its clips are" if has_lists else "it is"
    told = f"{source.terms}\n{what} not in {root}: {_size(size)} are fetched from the official site"
    if not accepts(told):
        raise ClipHarError(
            f"{source.title} was not fetched: its terms of use were not accepted; to use a copy of"
            f" yours, name the folder that holds {clips_folder(_NAME, root).name}/ and"
            f" {lists_folder(_NAME, root).name}/"
        )
    # Imported here: a copy that is there needs none of the libraries for downloads.
    from clip_har.cli.data.download import fetch_official

    prepare(
        _NAME,
        root,
        archive=None if has_clips else partial(fetch_official, source.archive, root),
        splits=partial(fetch_official, source.splits, root),
    )
    sys.stdout.write(f"data: {source.title} is in {root}\n")
    return root


def _root(folder: Path) -> Path:
    """Return the folder itself, or the one above if that holds clips and lists."""
    above = folder.parent
    inside = folder in (clips_folder(_NAME, above), lists_folder(_NAME, above))
    return above if inside and folder.is_dir() else folder


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
