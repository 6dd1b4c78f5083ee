"""What the official lists of a data set name: each clip with its class, group and splits."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clip_har.data.hmdb51 import film_of, read_split_file
from clip_har.data.ucf101 import group_of, read_classes, read_split
from clip_har.data_tools.sources import Name
from clip_har.errors import ClipHarError

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
        clips: by the lower-case stem, in the order of the lists; HMDB-51's by ``<class>/<stem>``.
        videos: the folder with one folder of clips per class.
        conflicts: what the lists say against themselves, one line each.
    """

    class_names: tuple[str, ...]
    clips: Mapping[str, Listed]
    videos: Path
    conflicts: tuple[str, ...]


def read_listing(name: Name, lists: Path, videos: Path) -> Listing:
    """Read the official lists of a data set.

    Args:
        name: of the data set.
        lists: their folder.
        videos: the folder with one folder of clips per class.

    Raises:
        ClipHarError: a folder or list is missing or malformed, or a label is not its folder's.
    """
    for folder in (lists, videos):
        if not folder.is_dir():
            raise ClipHarError(
                f"{folder} does not exist: expected {lists.name}/ and {videos.name}/ below --root;"
                f" clip-har-data prepare {name} lays them out, --lists and --videos name others"
            )
    return _ucf101(lists, videos) if name == "ucf101" else _hmdb51(lists, videos)


def _ucf101(lists: Path, videos: Path) -> Listing:
    class_names = read_classes(lists / "classInd.txt")
    entries = [
        (f"{use}{k}", stem, class_names[label])
        for k in SPLITS
        for use in ("train", "test")
        # Holds the index of each line against its folder.
        for _, stem, label in read_split(lists / f"{use}list0{k}.txt", class_names)
    ]
    lines = [(part, stem, stem, name, group_of(stem, name)) for part, stem, name in entries]
    return _joined(class_names, lines, videos)


def _hmdb51(lists: Path, videos: Path) -> Listing:
    entries = []
    suffix = "_test_split1.txt"
    class_names = tuple(sorted(p.name.removesuffix(suffix) for p in lists.glob(f"*{suffix}")))
    if not class_names:
        raise ClipHarError(f"{lists} holds no <class>{suffix}: expected the official lists")
    for class_name in class_names:
        for k in SPLITS:
            path = lists / f"{class_name}_test_split{k}.txt"
            for use, number in (("train", "1"), ("test", "2"), ("unused", "0")):
                entries += [
                    (f"{use}{k}", f"{class_name}/{stem}", stem, class_name)
                    for stem in read_split_file(path, number)
                ]
    return _joined(
        class_names,
        [(part, key, stem, name, film_of(stem, name)) for part, key, stem, name in entries],
        videos,
    )


def _joined(
    class_names: tuple[str, ...], entries: list[tuple[str, str, str, str, str]], videos: Path
) -> Listing:
    """Put the lines ``(part, key, stem, class, group)`` of all lists together, clip by clip."""
    parts: dict[str, list[str]] = {}
    known: dict[str, tuple[str, str, str]] = {}
    conflicts = []
    for part, key, stem, class_name, group in entries:
        lower = key.lower()
        if lower in known and known[lower][1] != class_name:
            conflicts.append(f"{stem} is of {known[lower][1]} and of {class_name}")
        if part in parts.setdefault(lower, []):
            conflicts.append(f"{stem} is twice in {part}")
        known.setdefault(lower, (stem, class_name, group))
        parts[lower].append(part)
    clips = {key: Listed(*known[key], tuple(sorted(set(found)))) for key, found in parts.items()}
    return Listing(class_names, clips, videos, tuple(conflicts + _leaks(clips)))


def _leaks(clips: Mapping[str, Listed]) -> list[str]:
    """Return the splits whose training and test clips overlap, or share groups."""
    told = []
    for k in SPLITS:
        uses = {
            use: [clip for clip in clips.values() if f"{use}{k}" in clip.parts]
            for use in ("train", "test")
        }
        both = [clip.stem for clip in uses["train"] if f"test{k}" in clip.parts]
        if both:
            told.append(f"split {k}: clips in train and test: {len(both)} – {both[0]} first")
        groups = {use: {clip.group for clip in found} for use, found in uses.items()}
        shared = sorted(groups["train"] & groups["test"])
        if shared:
            told.append(f"split {k}: groups in train and test: {len(shared)} – {shared[0]} first")
    return told
