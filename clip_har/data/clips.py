"""Clips with labels and groups, in a fixed order."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.core.settings import Option
from clip_har.data.image_files import file_mark, images_mark
from clip_har.data.shared_classes import class_key, shared_classes

SAMPLE_NOTE = "CLIP_HAR_SAMPLE.md"
"""The file in a folder that holds a few clips of a data set; ``clip-har-data sample`` writes it.

Sets of clips in it have a name of their own: no number on them may be taken for one of the whole.
"""


@dataclass(frozen=True)
class Clip:
    """One labelled video or series of images, or one section of a longer one.

    Attributes:
        id: unique within its set and the same on every machine.
        path: a video, a folder of images, a zip of images, or one image: a clip of one frame.
        label: index into the class names of the set.
        group: the unit that is independent of other groups (same actor, place or film).
        start: first moment of the clip in seconds from the start of the video; None = its start.
        end: the clip ends before this moment, in seconds; None = the end of the video.
        maps: the data set's own region maps of the clip, see `clip_har.regions.annotation`; None
            if there are none.
        attributes: further properties of the clip, such as ``{"viewpoint": "front"}``; the model's
            accuracy is compared between the values of each. Unknown ones are left out.
        fps: frames per second of a clip of images; None if that is not known, and for videos,
            which say it themselves.

    Id, group and values of attributes are kept as `plain_name` gives them, whatever their source.
    """

    id: str
    path: Path
    label: int
    group: str
    start: float | None = None
    end: float | None = None
    maps: Path | None = None
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    fps: float | None = None

    def __post_init__(self) -> None:
        """Make all names printable."""
        object.__setattr__(self, "id", plain_name(self.id))
        object.__setattr__(self, "group", plain_name(self.group))
        plain = {name: plain_name(value) for name, value in self.attributes.items()}
        object.__setattr__(self, "attributes", plain)


@dataclass(frozen=True)
class ClipSet:
    """Clips and class names of a data set or of a subset of it, both in a fixed order.

    Attributes:
        name: for reports, such as ``ucf101/test/split1``.
        class_names: the names in the data set's spelling, see `plain_name`; the index is the label.
        clips: at least one clip.
        licence: the terms of use of the data, as a sentence.
        citation: the publication to cite, empty if there is none.
        whole: number of clips of the whole list, if some of them are not in the set; None: all are.
        shares_groups: why a group may be in several parts of its splits; empty: it may not, see
            `clip_har.data.parts.check_apart`.

    Raises:
        ClipHarError: when there are no clips, an id or a class name occurs twice, or a label has no
            class.

    Example:
        >>> clips = tuple(Clip(f"c{i}", Path(f"c{i}.avi"), i % 2, "g") for i in range(4))
        >>> clip_set = ClipSet("toy", ("run", "jump"), clips, licence="none", citation="")
        >>> clip_set.labels.tolist()
        [0, 1, 0, 1]
        >>> [clip.id for clip in clip_set.limit(2).clips]
        ['c1', 'c3']
    """

    name: str
    class_names: tuple[str, ...]
    clips: tuple[Clip, ...]
    licence: str
    citation: str
    whole: int | None = None
    shares_groups: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", plain_name(self.name))
        object.__setattr__(self, "class_names", tuple(map(plain_name, self.class_names)))
        if not self.clips:
            raise ClipHarError(f"the data set {self.name} has no clips")
        _refuse_repeats(self.name, "class names", self.class_names)
        _refuse_repeats(self.name, "clip ids", (clip.id for clip in self.clips))
        for clip in self.clips:
            if not 0 <= clip.label < len(self.class_names):
                raise ClipHarError(
                    f"clip {clip.id} of {self.name} has the label {clip.label}, expected 0 to "
                    f"{len(self.class_names) - 1} ({len(self.class_names)} classes)"
                )

    @property
    def title(self) -> str:
        """The name, with how many of the whole list's clips are here if some are missing.

        Numbers of a part of a data set must never be shown under the name of the whole.

        Example:
            >>> clips = (Clip("c", Path("c.avi"), 0, "g"),)
            >>> ClipSet("ucf101/test/split1", ("run",), clips, "", "", whole=3783).title
            'ucf101/test/split1 (1 of 3,783 clips)'
        """
        if self.whole is None or self.whole == len(self.clips):
            return self.name
        return f"{self.name} ({len(self.clips):,} of {self.whole:,} clips)"

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Labels of the clips, ``(N,)`` int64, read-only."""
        labels = np.array([clip.label for clip in self.clips], dtype=np.int64)
        labels.flags.writeable = False
        return labels

    @cached_property
    def groups(self) -> NDArray[np.str_]:
        """Groups of the clips, ``(N,)`` strings, read-only."""
        groups = np.array([clip.group for clip in self.clips], dtype=np.str_)
        groups.flags.writeable = False
        return groups

    @cached_property
    def digest(self) -> str:
        """Hash of the content, 32 hexadecimal digits, the same on every machine.

        It covers the name, class names, and each clip's id, label, group, start, end, frame rate
        (of images), attributes, file size and the file's first and last 16 KiB (reading whole data
        sets would take longer than a small evaluation), see `content_mark`; not where the files
        are nor when they were written.
        """
        marks = {path: content_mark(path) for path in {clip.path for clip in self.clips}}
        rows = [
            (
                *(c.id, c.label, c.group, c.start, c.end, marks[c.path]),
                *c.attributes.items(),
                *(() if c.fps is None else (c.fps,)),
            )
            for c in self.clips
        ]
        text = json.dumps([self.name, self.class_names, rows])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def limit(self, n: int | None) -> "ClipSet":
        """Return the set with at most ``n`` clips, evenly spread over the list.

        The classes do not change, even if no clip of a class is left.

        Args:
            n: number of clips to keep: the centres of ``n`` equal segments of the list, so that
                a list that is sorted by class keeps as many classes as possible. None = all.

        Raises:
            ClipHarError: when ``n`` is below 1.
        """
        if n is None or n >= len(self.clips):
            return self
        if n < 1:
            raise ClipHarError(f"expected a limit of at least 1 clip or none at all, got {n}")
        total = len(self.clips)
        # (2i + 1) * total // 2n = floor((i + 0.5) * total / n), in whole numbers
        kept = tuple(self.clips[(2 * i + 1) * total // (2 * n)] for i in range(n))
        return replace(self, clips=kept, whole=self.whole or total)

    def with_classes(self, classes: Mapping[str, Sequence[str]], *, where: str) -> "ClipSet":
        """Return the clips of some classes, under other names of these.

        Args:
            classes: by new name, in the order of the labels, the classes of this set that it is
                made of; their spelling counts without case, blanks and signs.
            where: names the table of these classes in messages.

        Raises:
            ClipHarError: when the set has no such class, or no clip of any; or if a class is a part
                of two.
        """
        known: dict[str, list[int]] = {}
        for label, name in enumerate(self.class_names):
            known.setdefault(class_key(name), []).append(label)
        labels: dict[int, int] = {}
        for number, (name, sources) in enumerate(classes.items()):
            for source in sources:
                alike = known.get(class_key(source), [])
                if source in self.class_names:
                    alike = [self.class_names.index(source)]
                if len(alike) != 1:
                    kind = "several classes" if alike else "no class"
                    raise ClipHarError(f"{where}: {self.name} has {kind} {source} (for {name})")
                if labels.setdefault(alike[0], number) != number:
                    raise ClipHarError(f"{where}: {source} of {self.name} is a part of two classes")
        kept = tuple(
            replace(clip, label=labels[clip.label]) for clip in self.clips if clip.label in labels
        )
        if not kept:
            raise ClipHarError(f"{where}: {self.name} has no clip of these classes")
        return replace(
            self,
            name=f"{self.name}{shared_suffix(len(classes))}",
            class_names=tuple(classes),
            clips=kept,
            whole=None if self.whole == len(self.clips) else self.whole,
        )


def shared_suffix(classes: int) -> str:
    """Return what is added to the name of a set of clips of shared classes."""
    return f", {classes} shared classes"


class ClipSource(Option, Protocol):
    """The contract of an option of the ``dataset`` group.

    Attributes:
        caution: a warning that is shown with each of its numbers; empty for none.
        brings_maps: whether each clip has exact maps of its subject, see `Clip.maps`.
    """

    caution: ClassVar[str]
    brings_maps: ClassVar[bool]

    def clips(self) -> ClipSet:
        """Return the clips that are evaluated.

        Raises:
            ClipHarError: when they are missing or malformed.
        """

    def training(self) -> "ClipSource":
        """Return the data set with the clips that noise may be learned from.

        Raises:
            ClipHarError: when the data set has no training split.
        """


@lru_cache(maxsize=8)
def clips_of(source: ClipSource, limit: int | None = None, classes: str | None = None) -> ClipSet:
    """Return the clips of a data set; they are looked up once per process.

    Finding thousands of files and reading their ends takes a second, too long for every cell of a
    sweep. So all cells of a process use the data as they were at the first look-up.

    Args:
        source: an option of the ``dataset`` group.
        limit: see `ClipSet.limit`.
        classes: see `in_shared_classes`; only their clips count for the limit.

    Raises:
        ClipHarError: as ``source.clips`` and `in_shared_classes`.
    """
    return look_up(source, classes).limit(limit)


def look_up(source: ClipSource, classes: str | None = None) -> ClipSet:
    """Return the clips of a data set as they are on disk now; a sample has a name of its own.

    Args:
        source: an option of the ``dataset`` group.
        classes: see `in_shared_classes`.

    Raises:
        ClipHarError: as ``source.clips`` and `in_shared_classes`.
    """
    found = source.clips()
    _refuse_same(found)
    if is_sample(found.clips[0].path):
        found = replace(found, name=f"{found.name}/sample")
    return in_shared_classes(found, classes)


def _refuse_same(clips: ClipSet) -> None:
    """Raise if a list names a clip twice in other words, such as with and without its extension.

    Raises:
        ClipHarError: when two clips are the same part of one file.
    """
    first: dict[tuple[Path, float, float | None], str] = {}
    for clip in clips.clips:
        known = first.setdefault((clip.path, clip.start or 0.0, clip.end), clip.id)
        if known != clip.id:
            raise ClipHarError(
                f"the clips {known} and {clip.id} of {clips.name} are one, {clip.path}: remove one"
                " from the list"
            )


def is_sample(path: Path) -> bool:
    """Return whether a file lies in a sample of a data set, see `SAMPLE_NOTE`.

    Args:
        path: such as that of a clip.
    """
    return any((folder / SAMPLE_NOTE).is_file() for folder in path.parents)


def in_shared_classes(clips: ClipSet, classes: str | None) -> ClipSet:
    """Return the clips of the classes that several data sets share.

    Args:
        clips: of a data set.
        classes: a table, see `clip_har.data.shared_classes.shared_classes`; None: all classes of
            the data set, under its own names.

    Raises:
        ClipHarError: when the table is wrong, or does not fit the data set.
    """
    if classes is None:
        return clips
    table = shared_classes(classes)
    return clips.with_classes(table.of(clips.name), where=table.where)


def content_mark(path: Path) -> str:
    """Return a short fingerprint of the content of a clip; empty if there is none.

    Of a file: its size, and a hash of its first and last 16 KiB; a zip ends with the checksums of
    its content. Of a folder: see `clip_har.data.image_files.images_mark`.
    """
    return images_mark(path) if path.is_dir() else file_mark(path)


def _refuse_repeats(set_name: str, what: str, values: Iterable[str]) -> None:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise ClipHarError(
            f"{what} of {set_name} must be unique, these occur more than once: "
            + ", ".join(repeated[:3])
            + (f" and {len(repeated) - 3} more" if len(repeated) > 3 else "")
        )
