"""Where the clips and the lists of a data set lie below its root."""

import os
from collections.abc import Mapping
from pathlib import Path

from clip_har.cli.data.sources import Name
from clip_har.data.sources.files import holds_clips, stem_of, subfolders
from clip_har.data.sources.ucf101 import FOLDERS, STEM

_CLIPS: Mapping[Name, str] = {"ucf101": "UCF-101", "hmdb51": "hmdb51_org"}
_LISTS: Mapping[Name, str] = {"ucf101": "ucfTrainTestlist", "hmdb51": "testTrainMulti_7030_splits"}
LIST_FILES: Mapping[Name, str] = {"ucf101": "classInd.txt", "hmdb51": "*_test_split1.txt"}
"""A file that the folder of the official lists holds."""


def clips_folder(name: Name, root: Path) -> Path:
    """Return where ``prepare`` puts the class folders of a data set."""
    return root / _CLIPS[name]


def lists_folder(name: Name, root: Path) -> Path:
    """Return where ``prepare`` puts its official lists."""
    return root / _LISTS[name]


def find_clips(name: Name, root: Path) -> Path:
    """Return the folder of the class folders: ``root`` or a folder in it."""
    usual = clips_folder(name, root)
    places = [root / folder for folder in FOLDERS] if name == "ucf101" else [usual]
    if found := next((place for place in places if place.is_dir()), None):
        return found
    here = root.is_dir() and any(holds_clips(folder) for folder in subfolders(root))
    return root if here else usual


def find_lists(name: Name, root: Path) -> Path:
    """Return the folder of the lists: ``root``, a folder in it, or one beside HMDB-51's clips."""
    usual = lists_folder(name, root)
    beside = [lists_folder(name, root.parent)] if name == "hmdb51" else []
    places = (place for place in (usual, root, *beside) if any(place.glob(LIST_FILES[name])))
    return next(places, usual)


def is_ucf101(folder: Path) -> bool:
    """Return whether a folder holds a clip with a name of UCF-101."""
    return any(
        STEM.fullmatch(stem_of(name))
        for _, folders, files in os.walk(folder, followlinks=True)
        for name in (*folders, *files)
    )
