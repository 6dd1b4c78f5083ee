"""What the official lists of a data set name: each clip with its class, group and splits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clip_har.cli.data.sources import Name
from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.data.sources.files import stem_key, subfolders, video_files, videos_by_stem
from clip_har.data.sources.hmdb51 import film_of, read_split_file
from clip_har.data.sources.ucf101 import group_of, read_classes, read_split

SPLITS = (1, 2, 3)


@dataclass(frozen=True)
class Listed:
    """One clip of the lists.

    Attributes:
        stem: of its file name.
        class_name: that its folder in the list names; the label.
        group: of one actor and place, or one film.
        parts: of the splits that it is in, such as ``("train1", "test2", "train3")``.
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
        clips: in the order of the lists, by what ``dataset=`` finds them by: the lower-case stem,
            for HMDB-51 ``<class>/<stem>``.
        files: by the same, the files that ``dataset=`` finds.
        lists: the folder of the lists.
        videos: the folder with one folder of clips per class.
        conflicts: what contradicts itself in the lists, one line each.
        remarks: what is worth knowing of them, one line each.
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
        ClipHarError: a folder or list is missing or malformed, or a label is not its folder's.
    """
    for folder, what, option in (
        (lists, "the official lists", "--lists"),
        (videos, "one folder of clips per class", "--videos"),
    ):
        if not folder.is_dir():
            raise ClipHarError(
                f"{folder} does not exist: expected {what} in it; {option} names another folder,"
                f" clip-har-data prepare {name} lays them out"
            )
    return _ucf101(lists, videos) if name == "ucf101" else _hmdb51(lists, videos)


def _ucf101(lists: Path, videos: Path) -> Listing:
    class_names = read_classes(lists / "classInd.txt")
    entries = [
        (f"{use}{k}", stem_key(stem), Listed(stem, class_names[label], "", ()))
        for k in SPLITS
        for use in ("train", "test")
        # Compares the index of each line with its folder.
        for _, stem, label in read_split(lists / f"{use}list0{k}.txt", class_names)
    ]
    clips, conflicts = _joined(entries, group_of)
    for k in SPLITS:
        if shared := _in_both(clips, k, lambda clip: clip.group):
            conflicts.append(f"split {k}: groups in train and test: {_counted(shared)}")
    return Listing(class_names, clips, videos_by_stem(videos), lists, videos, tuple(conflicts))


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
        # The official lists separate films within a class only, and a film is known by the name
        # of its clips: so that this is no fault of a copy.
        if shared := _in_both(clips, k, lambda clip: clip.group):
            within = _in_both(clips, k, lambda clip: f"{clip.class_name}/{clip.group}")
            remarks.append(
                f"split {k}: films in train and test, by the names of their clips:"
                f" {_counted(shared)}; within one class: {_counted(within)}"
            )
    files = {
        plain_name(f"{folder.name}/{path.stem}"): path
        for folder in subfolders(videos)
        for path in video_files(folder)
    }
    return Listing(class_names, clips, files, lists, videos, tuple(conflicts), tuple(remarks))


def _joined(
    entries: Sequence[tuple[str, str, Listed]], group: Callable[[str, str], str]
) -> tuple[dict[str, Listed], list[str]]:
    """Put the lines ``(part, key, clip)`` of all lists together, clip by clip.

    Returns:
        The clips by their keys, and how the lines contradict each other.
    """
    parts: dict[str, list[str]] = {}
    known: dict[str, Listed] = {}
    conflicts = []
    for part, key, clip in entries:
        first = known.setdefault(key, clip)
        if first.class_name != clip.class_name:
            conflicts.append(f"{clip.stem} is of {first.class_name} and of {clip.class_name}")
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
        f"split {k}: clips in train and test: {_counted(both)}"
        for k in SPLITS
        if (both := _in_both(clips, k, lambda clip: f"{clip.class_name}/{clip.stem}"))
    ]
    return clips, conflicts


def _in_both(
    clips: Mapping[str, Listed], split: int, known_by: Callable[[Listed], str]
) -> list[str]:
    """Return what is in the training and in the test part of a split, sorted."""
    train, test = (
        {known_by(clip) for clip in clips.values() if f"{use}{split}" in clip.parts}
        for use in ("train", "test")
    )
    return sorted(train & test)


def _counted(names: Sequence[str]) -> str:
    return f"{len(names):,} – {names[0]} first" if names else "0"
