"""Where the parts of a data set lie below its root."""

from collections.abc import Mapping
from pathlib import Path

from clip_har.cli.data.sources import Name
from clip_har.data.sources.files import is_video, subfolders

_CLIPS: Mapping[Name, str] = {"ucf101": "UCF-101", "hmdb51": "hmdb51_org"}
_LISTS: Mapping[Name, str] = {"ucf101": "ucfTrainTestlist", "hmdb51": "testTrainMulti_7030_splits"}
LIST_FILES: Mapping[Name, str] = {"ucf101": "classInd.txt", "hmdb51": "*_test_split1.txt"}
"""By which the folder of the official lists is known."""


def clips_folder(name: Name, root: Path) -> Path:
    """Return where ``prepare`` puts the class folders of a data set."""
    return root / _CLIPS[name]


def lists_folder(name: Name, root: Path) -> Path:
    """Return where ``prepare`` puts its official lists."""
    return root / _LISTS[name]


def dataset_root(name: Name, root: Path) -> Path:
    """Return what ``dataset.root`` is to be set to."""
    return root if name == "ucf101" else clips_folder(name, root)


def find_clips(name: Name, root: Path) -> Path:
    """Return where the class folders are: they may also be in ``root`` itself."""
    usual = clips_folder(name, root)
    here = root.is_dir() and any(
        is_video(file) for folder in subfolders(root) for file in folder.iterdir()
    )
    return root if here and not usual.is_dir() else usual


def find_lists(name: Name, root: Path) -> Path:
    """Return where the lists are: in ``root`` itself, in it, or beside HMDB-51's class folders."""
    usual = lists_folder(name, root)
    beside = [lists_folder(name, root.parent)] if name == "hmdb51" else []
    places = (place for place in (usual, root, *beside) if any(place.glob(LIST_FILES[name])))
    return next(places, usual)
