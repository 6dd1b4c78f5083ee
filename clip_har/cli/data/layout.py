"""Where the clips and the lists of a data set lie below its root."""

from collections.abc import Mapping
from pathlib import Path

from clip_har.cli.data.sources import Name
from clip_har.data.sources.files import holds_clips, subfolders
from clip_har.data.sources.ucf101 import FOLDERS

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


def dataset_root(name: str, root: Path) -> Path:
    """Return the value of ``dataset.root`` for a folder that was given as ``--root``.

    Of HMDB-51 this may be the folder that ``prepare`` made, or the folder of class folders in it.
    """
    return find_clips("hmdb51", root) if name == "hmdb51" else root


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
