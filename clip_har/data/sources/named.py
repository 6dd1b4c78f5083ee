"""Find the clips and maps that a list names: by path, in any Unicode form, with any extension."""

import os
from functools import lru_cache
from pathlib import Path, PurePath

from clip_har.core.names import plain_name
from clip_har.data.image_files import holds_images
from clip_har.data.sources.files import is_video, stem_of


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


def named_clips(root: Path, name: str) -> list[Path]:
    """Return the clips that a list may mean by a name, be they videos or images.

    They are the files that have the name as it is written; else those that have it without their
    extension, videos before zips and images; else the folders of that name that hold images.

    Args:
        root: the folder that the name is relative to.
        name: a relative path, as `plain_name` gives it.
    """
    written = named_paths(root, name)
    if found := [path for path in written if path.is_file()]:
        return found
    pure = PurePath(name)
    places = named_paths(root, str(pure.parent)) if len(pure.parts) > 1 else [root]
    files = [
        path
        for place in places
        for path in _children(place, without_extension=True).get(pure.name, ())
        if path.is_file()
    ]
    folders = [path for path in written if path.is_dir() and holds_images(path)]
    return [path for path in files if is_video(path)] or files or folders


def _children(folder: Path, *, without_extension: bool = False) -> dict[str, list[Path]]:
    """Return what lies directly in a folder by its plain name, or its clips by their stem.

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
