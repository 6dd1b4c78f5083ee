"""Read the official lists of a data set: each clip with its class, group and splits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clip_har.cli.data.rows import counted
from clip_har.cli.data.sources import Name
from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.data.sources.files import (
    clip_files_of,
    clip_stem,
    listed_clips,
    stem_key,
    subfolders,
)
from clip_har.data.sources.hmdb51 import film_of, read_split_file
from clip_har.data.sources.ucf101 import group_of, read_classes, read_split

SPLITS = (1, 2, 3)


@dataclass(frozen=True)
class Listed:
    """One clip of the lists.

    Attributes:
        stem: its file name without the extension.
        class_name: the folder that the list names; it is the label.
        group: one actor and place, or one film.
        parts: the parts of splits that it is in, such as ``("train1", "test2", "train3")``.
    """

    stem: str
    class_name: str
    group: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """All official lists of a data set, and the folder of its clips.

    Attributes:
        class_names: in the official order.
        clips: in the order of the lists. The key is what ``dataset=`` looks for: the lower-case
            stem, for HMDB-51 ``<class>/<stem>``.
        files: the files that ``dataset=`` finds, with the same keys.
        lists: the folder of the lists.
        videos: the folder with one folder of clips per class.
        conflicts: contradictions in the lists, one line each.
        remarks: notes on the lists, one line each.
    """

    class_names: tuple[str, ...]
    clips: Mapping[str, Listed]
    files: Mapping[str, Path]
    lists: Path
    videos: Path
    conflicts: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def read_listing(name: Name, lists: Path, videos: Path) -> Listing:
    """Read the official lists of a data set.

    Args:
        name: of the data set.
        lists: their folder.
        videos: the folder with one folder of clips per class.

    Raises:
        ClipHarError: when a folder or list is missing or malformed, or a label is not that of its
            folder.
    """
    for folder, what, option in (
        (lists, "the official lists", "--lists"),
        (videos, "one folder of clips per class", "--videos"),
    ):
        if not folder.is_dir():
            raise ClipHarError(
                f"{folder} does not exist: expected {what} in it; set another folder with {option},"
                f" or run clip-har-data prepare {name}"
            )
    return _ucf101(lists, videos) if name == "ucf101" else _hmdb51(lists, videos)


def _ucf101(lists: Path, videos: Path) -> Listing:
    class_names = read_classes(lists / "classInd.txt")
    entries = [
        (f"{use}{k}", stem_key(stem), Listed(stem, class_names[label], "", ()))
        for k in SPLITS
        for use in ("train", "test")
        # read_split compares the index of each line with its folder
        for _, stem, label in read_split(lists / f"{use}list0{k}.txt", class_names)
    ]
    clips, conflicts = _joined(entries, group_of)
    for k in SPLITS:
        if shared := _in_both(clips, k, lambda clip: clip.group):
            conflicts.append(f"split {k}: groups in train and test: {counted(shared)}")
    files = listed_clips(videos, clips.keys())
    return Listing(class_names, clips, files, lists, videos, tuple(conflicts))


def _hmdb51(lists: Path, videos: Path) -> Listing:
    suffix = "_test_split1.txt"
    class_names = tuple(sorted(p.name.removesuffix(suffix) for p in lists.glob(f"*{suffix}")))
    if not class_names:
        raise ClipHarError(f"{lists} holds no <class>{suffix}: expected the official lists")
    entries = [
        (f"{use}{k}", f"{class_name}/{stem}", Listed(stem, class_name, "", ()))
        for class_name in class_names
        for k in SPLITS
        for use, number in (("train", "1"), ("test", "2"), ("unused", "0"))
        for stem in read_split_file(lists / f"{class_name}_test_split{k}.txt", number)
    ]
    clips, conflicts = _joined(entries, film_of)
    remarks = []
    for k in SPLITS:
        # The official lists separate films within a class only, and the film is read from the name
        # of the clip, so this is no fault of a copy.
        if shared := _in_both(clips, k, lambda clip: clip.group):
            within = _in_both(clips, k, lambda clip: f"{clip.class_name}/{clip.group}")
            remarks.append(
                f"split {k}: films in train and test, by the names of their clips:"
                f" {counted(shared)}; within one class: {counted(within)}"
            )
    files = {
        plain_name(f"{folder.name}/{clip_stem(path)}"): path
        for folder, found in clip_files_of(subfolders(videos)).items()
        for path in found
    }
    return Listing(class_names, clips, files, lists, videos, tuple(conflicts), tuple(remarks))


def _joined(
    entries: Sequence[tuple[str, str, Listed]], group: Callable[[str, str], str]
) -> tuple[dict[str, Listed], list[str]]:
    """Join the lines ``(part, key, clip)`` of all lists, clip by clip.

    Returns:
        The clips by their keys, and the contradictions between the lines.
    """
    parts: dict[str, list[str]] = {}
    known: dict[str, Listed] = {}
    conflicts = []
    for part, key, clip in entries:
        first = known.setdefault(key, clip)
        if first.class_name != clip.class_name:
            conflicts.append(
                f"{clip.stem} has the classes {first.class_name} and {clip.class_name}"
            )
        if part in parts.setdefault(key, []):
            conflicts.append(f"{clip.stem} is twice in {part}")
        parts[key].append(part)
    clips = {
        key: replace(
            clip, group=group(clip.stem, clip.class_name), parts=tuple(sorted(set(parts[key])))
        )
        for key, clip in known.items()
    }
    conflicts += [
        f"split {k}: clips in train and test: {counted(both)}"
        for k in SPLITS
        if (both := _in_both(clips, k, lambda clip: f"{clip.class_name}/{clip.stem}"))
    ]
    return clips, conflicts


def _in_both(
    clips: Mapping[str, Listed], split: int, known_by: Callable[[Listed], str]
) -> list[str]:
    """Return what is in both the training and the test part of a split, sorted."""
    train, test = (
        {known_by(clip) for clip in clips.values() if f"{use}{split}" in clip.parts}
        for use in ("train", "test")
    )
    return sorted(train & test)
