"""A small true copy of a data set: a few clips of each class, with its layout and its lists.

The copy is a partial copy, as ``dataset.allow_missing`` takes it: files are copied whole and stay
where they were below the common folder, and the lists are not changed. So the same option reads it,
needs no code for its format, and says with every number how many of the whole list's clips are
there. A note in the copy (`clip_har.data.clips.SAMPLE_NOTE`) gives it a name of its own, also where
there is no list. Videos are not cut, because a section that is encoded again has other pixels: of a
video with several sections all come along.
"""

import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from clip_har.cli.data.chosen import (
    LISTS,
    Part,
    absolute,
    changed,
    check_outside,
    located,
    path_settings,
    places,
    takes_missing,
)
from clip_har.core.atomic import whole_folder
from clip_har.core.errors import ClipHarError, disk_reason
from clip_har.core.progress import track
from clip_har.core.seeding import generator
from clip_har.data.clips import SAMPLE_NOTE, Clip, ClipSet, ClipSource, content_mark


@dataclass(frozen=True)
class Sample:
    """What is copied.

    Attributes:
        parts: the splits of the whole data set.
        files: the videos or images of the chosen clips, and their maps.
        lists: the lists, labels and terms of use.
    """

    parts: Sequence[Part]
    files: tuple[Path, ...]
    lists: tuple[Path, ...]

    @cached_property
    def base(self) -> Path:
        """The folder that holds all; what is below it keeps its place in the copy."""
        named = [place if place.is_dir() else place.parent for place in places(self._source)]
        return Path(os.path.commonpath([*named, *(path.parent for path in self.files)]))

    @cached_property
    def bytes(self) -> int:
        """Size of all that is copied."""
        files = (file for path in (*self.files, *self.lists) for file in _files_of(path))
        return sum(file.stat().st_size for file in files if file.exists())

    @property
    def _source(self) -> ClipSource:
        return self.parts[0].source

    def chosen(self, part: Part) -> list[Clip]:
        """Return the clips of a split that the copy has, in the order of the split."""
        files = set(self.files)
        return [clip for clip in part.clips.clips if absolute(clip.path) in files]

    def settings(self, part: Part, folder: Path) -> dict[str, Any]:
        """Return the settings of a split that name files, as they are for a copy in a folder."""
        named = {name: located(value) for name, value in path_settings(part.source).items()}
        return {
            name: str(folder / path.relative_to(self.base))
            for name, path in named.items()
            if path is not None
        }

    def copied(self, part: Part, folder: Path) -> ClipSource:
        """Return the settings of a split for a copy in a folder."""
        return changed(takes_missing(part.source), self.settings(part, folder))


def sample_of(parts: Sequence[Part], *, per_class: int, seed: int) -> Sample:
    """Choose clips of every class of every split, spread over the groups.

    Args:
        parts: the splits.
        per_class: clips of each class of each split, if it has as many; videos with several
            sections may bring more.
        seed: of the choice; a smaller number chooses some of the same clips.

    Raises:
        ClipHarError: when the data set is made, not read from files.
    """
    source = parts[0].source
    if not places(source):
        raise ClipHarError(
            f"{parts[0].clips.name} is made on each machine, so there is nothing to copy:"
            " make fewer clips, such as dataset.count=100"
        )
    taken: dict[Path, None] = {}
    for part in parts:
        _choose(part.clips, taken, per_class=per_class, seed=seed)
    clips = [clip for part in parts for clip in part.clips.clips if clip.path in taken]
    files = dict.fromkeys(
        absolute(path) for clip in clips for path in (clip.path, clip.maps) if path is not None
    )
    folders = {clip.path for part in parts for clip in part.clips.clips if clip.path.is_dir()}
    named = dict.fromkeys(place for part in parts for place in places(part.source))
    lists = dict.fromkeys(path for place in named for path in _lists(place, folders))
    return Sample(parts, tuple(files), tuple(path for path in lists if path not in files))


def _choose(clips: ClipSet, taken: dict[Path, None], *, per_class: int, seed: int) -> None:
    """Add the files of a split's chosen clips to those that are taken."""
    of_file: dict[Path, list[int]] = defaultdict(list)
    of_class: dict[int, list[Clip]] = defaultdict(list)
    for clip in clips.clips:
        of_file[clip.path].append(clip.label)
        of_class[clip.label].append(clip)
    there = Counter(label for path in taken for label in of_file.get(path, ()))
    for label in sorted(of_class, key=lambda label: (len(of_class[label]), label)):
        for clip in _spread(of_class[label], seed):
            if there[label] >= per_class:
                break
            if clip.path not in taken:
                taken[clip.path] = None
                there.update(of_file[clip.path])


def _spread(clips: Sequence[Clip], seed: int) -> list[Clip]:
    """Return clips in a random order in which the first ones are of different groups."""
    drawn = {clip.id: generator(seed, "sample/clips", clip.id).random() for clip in clips}
    seen: Counter[str] = Counter()
    turn = {}
    for clip in sorted(clips, key=lambda clip: drawn[clip.id]):
        turn[clip.id] = seen[clip.group]
        seen[clip.group] += 1
    return sorted(clips, key=lambda clip: (turn[clip.id], drawn[clip.id]))


def _lists(place: Path, clip_folders: set[Path]) -> Iterator[Path]:
    """Yield the lists in a folder, or the file itself; folders of images are not looked into."""
    if not place.is_dir():
        yield place
        return
    seen: set[str] = set()
    for folder, inside, names in os.walk(place, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:  # links may lead in a circle
            inside.clear()
            continue
        seen.add(real)
        here = Path(folder)
        inside[:] = sorted(
            name for name in inside if not name.startswith(".") and here / name not in clip_folders
        )
        for name in sorted(names):
            path = here / name
            if path.suffix.lower() in LISTS and not name.startswith(".") and path.is_file():
                yield path


def write_sample(sample: Sample, out: Path, *, readme: str) -> Path:
    """Copy a sample into a new folder, whole or not at all, and read it again.

    Args:
        sample: what is copied.
        out: the folder; it must not exist.
        readme: text of the file in it that says what it is.

    Returns:
        The folder.

    Raises:
        ClipHarError: when the folder exists or is in the data, the disk is full, a file is missing,
            or the copy is not read as the same clips.
    """
    check_out(sample, out)
    try:
        with whole_folder(out) as temporary:
            _copy(sample, temporary)
            (temporary / SAMPLE_NOTE).write_text(readme, encoding="utf-8")
            for part in sample.parts:
                _check_copy(sample, part, temporary, out)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise ClipHarError(
            f"{out}: nothing was copied, because {disk_reason(error)}{where}: name another folder"
            " with --out, or fewer clips with --per-class"
        ) from error
    return out


def check_out(sample: Sample, out: Path) -> None:
    """Refuse a folder that exists, is in the data, or is on a disk without room for the copy.

    Raises:
        ClipHarError: as above.
    """
    for place in {place for part in sample.parts for place in places(part.source)}:
        check_outside(out, place, option="--out")
    if out.exists() or out.is_symlink():
        raise ClipHarError(f"{out} exists already: name a new folder with --out")
    there = next(folder for folder in out.parents if folder.exists())
    free = shutil.disk_usage(there).free
    if free < sample.bytes:
        raise ClipHarError(
            f"{out}: the copy needs {size_text(sample.bytes)}, and {size_text(free)} are free: name"
            " another folder with --out, or fewer clips with --per-class"
        )


def _copy(sample: Sample, into: Path) -> None:
    with track(len(sample.files) + len(sample.lists), "copying") as advance:
        for path in (*sample.lists, *sample.files):
            for file in _files_of(path):
                copy = into / file.relative_to(sample.base)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
            advance(1)


def _files_of(path: Path) -> list[Path]:
    """Return the files directly in the folder of a clip of images, or the file itself."""
    return [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]


def _check_copy(sample: Sample, part: Part, temporary: Path, out: Path) -> None:
    """Compare a split of the copy with what was chosen of it.

    Raises:
        ClipHarError: when they differ.
    """
    expected = sample.chosen(part)
    if not expected:
        return
    name = part.clips.name
    try:
        found = sample.copied(part, temporary).clips()
    except ClipHarError as error:
        raise ClipHarError(
            f"{name}: the copy cannot be read, so it was not kept:"
            f" {str(error).replace(str(temporary), str(out))}"
        ) from error
    for what, left, right in (
        ("classes", part.clips.class_names, found.class_names),
        ("clips", _rows(expected, sample.base), _rows(found.clips, temporary)),
    ):
        if left != right:
            differs = next((a for a, b in zip(left, right, strict=False) if a != b), "the number")
            raise ClipHarError(
                f"{name}: the copy has other {what} than were chosen ({len(right)} and"
                f" {len(left)}; first difference: {differs}), so it was not kept"
            )


def _rows(clips: Sequence[Clip], base: Path) -> list[tuple[object, ...]]:
    """Return all that is known about clips, with their places below a folder."""
    return [
        (
            *(clip.id, clip.label, clip.group, clip.start, clip.end, dict(clip.attributes)),
            absolute(clip.path).relative_to(base),
            content_mark(clip.path),
        )
        for clip in clips
    ]


def size_text(size: int) -> str:
    """Return a size in bytes as a text.

    Example:
        >>> size_text(6_932_971_618), size_text(113_943)
        ('6.9 GB', '0.1 MB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
