"""Lists of clips as mmaction2 and its descendants write them: a path, its frames, its label."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import ClassVar

from clip_har.core.errors import ClipHarError
from clip_har.core.names import listed, whole_number
from clip_har.core.settings import Settings
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.image_files import ImagesError, image_series, is_of_images
from clip_har.data.sources.files import (
    existing_file,
    existing_folder,
    text_lines,
)
from clip_har.data.sources.frame_rate import FrameRate, check_rate, rate_of
from clip_har.data.sources.missing import check_missing
from clip_har.data.sources.named import named_clips
from clip_har.data.sources.pattern.classes import text_pairs

_log = logging.getLogger(__name__)
_LONGEST = 9  # digits of a number of frames, or of a label
_EXPECTED = "'<folder> <frames> <label>' or '<video> <label>'"


class RawFrames(Settings):
    """Clips of a list with the lines ``<folder of images> <frames> <label>``.

    This is the format of mmaction2's raw frames (``docs/en/user_guides/prepare_dataset.md`` of
    open-mmlab/mmaction2), in which HAT (Chung et al. 2022) also lists its clips. The images may
    have any name with a number, such as ``img_00001.jpg`` or ``000001.jpg``; optical flow beside
    them is left out. Lines ``<video> <label>`` are read, too, and a path may be a zip of images.
    Lines with several labels or with an offset are refused, and so are two numbers after a video:
    mmaction2 writes the labels of a video with several so.

    A clip may have more images than the list says, but not fewer. The id is the path. Each clip is
    its own group: a list without groups cannot tell which clips share a person or a place.

    Attributes:
        path: the list.
        root: the folder of its paths; None = the folder of the list.
        classes: a file with one class on each line, with or without its number before it; None =
            the first folder of each path, such as ``archery/01xSt…``, if each label has one.
        train: the list of the training part, for what is learned.
        allow_missing: evaluate the clips on disk even if some are missing.
        fps: frames per second of the images, for ``frames.sampler=fps``; None = not known.
    """

    caution: ClassVar[str] = ""
    brings_maps: ClassVar[bool] = False

    path: Path
    root: Path | None = None
    classes: Path | None = None
    train: Path | None = None
    allow_missing: bool = False
    fps: FrameRate | None = None

    def training(self) -> "RawFrames":
        """Return the clips of the training list.

        Raises:
            ClipHarError: when none is named.
        """
        if self.train is None:
            raise ClipHarError("noise is learned on a training list: set dataset.train=<the list>")
        root = self.root or self.path.expanduser().absolute().parent
        return self.model_copy(update={"path": self.train, "root": root, "train": None})

    def clips(self) -> ClipSet:
        """Return the clips of the list, in its order.

        Raises:
            ClipHarError: when the list or clips are missing, a line is malformed, or a folder has
                fewer images than the list says.
        """
        path = existing_file(self.path, expected=f"lines {_EXPECTED}", setting="dataset.path")
        root = existing_folder(
            self.root or path.parent, expected="the clips of the list", setting="dataset.root"
        )
        lines = _read_list(path)
        if self.classes is None:
            class_names = _folders_as_classes(path, lines)
        else:
            class_names = _read_classes(self.classes)
        clips, missing = [], []
        for line in lines:
            if line.label >= len(class_names):
                raise line.error(
                    path, f"label {line.label}, but there are {len(class_names)} classes"
                )
            found = named_clips(root, line.name)
            if len(found) > 1:
                raise line.error(path, f"'{line.name}' may be {found[0].name} or {found[1].name}")
            if not found:
                missing.append(line.name)
                continue
            if line.frames is not None and not is_of_images(found[0]):
                raise line.error(
                    path,
                    f"expected '<video> <label>', got two numbers after {found[0].name}: several"
                    " labels are not read",
                )
            rate = rate_of(found[0], self.fps)
            clips.append(Clip(line.name, found[0], line.label, line.name, fps=rate))
        check_missing(
            missing,
            there=len(clips),
            total=len(lines),
            what=str(path),
            root=root,
            allow_missing=self.allow_missing,
            if_none="set dataset.root=<the folder of their paths>",
        )
        _compare_lengths(path, lines, {clip.id: clip.path for clip in clips})
        check_rate(self.fps, (clip.path for clip in clips), name=str(path))
        return ClipSet(
            name=path.stem,
            class_names=class_names,
            clips=tuple(clips),
            licence="not stated (the user's own list of clips)",
            citation="",
            whole=len(lines),
        )


@dataclass(frozen=True)
class _Line:
    """A line of the list: its number from 1, path, number of frames if it says one, and label."""

    number: int
    name: str
    frames: int | None
    label: int

    def error(self, path: Path, fault: str) -> ClipHarError:
        return ClipHarError(f"{path}, line {self.number}: {fault}")


def _read_list(path: Path) -> list[_Line]:
    lines = []
    for number, text in text_lines(path):
        words = text.split()
        # A path may hold spaces (in HAT's list of Kinetics), and may be a number itself.
        count = 0
        while count < len(words) - 1 and words[-1 - count].isdecimal():
            count += 1
        if count > 2:
            raise ClipHarError(
                f"{path}, line {number}: expected {_EXPECTED}, got {count} numbers in '{text}':"
                " several labels, or offsets, are not read"
            )
        if not count:
            raise ClipHarError(f"{path}, line {number}: expected {_EXPECTED}, got '{text}'")
        name, *numbers = text.rsplit(maxsplit=count)
        name = PurePath(name).as_posix().removeprefix("./")
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
            raise ClipHarError(
                f"{path}, line {number}: expected a path below dataset.root without '..', got"
                f" '{name}'"
            )
        if max(map(len, numbers)) > _LONGEST:
            raise ClipHarError(
                f"{path}, line {number}: expected {_EXPECTED}, got a number of"
                f" {max(map(len, numbers))} digits"
            )
        frames = int(numbers[0]) if count == 2 else None
        lines.append(_Line(number, name, frames, int(numbers[-1])))
    if not lines:
        raise ClipHarError(f"{path} is empty: expected lines {_EXPECTED}")
    first: dict[str, _Line] = {}
    for line in lines:
        if (before := first.setdefault(line.name, line)) is not line:
            raise line.error(path, f"{line.name} stands in line {before.number}, too")
    return lines


def _folders_as_classes(path: Path, lines: Sequence[_Line]) -> tuple[str, ...]:
    """Return the first folder of the paths of each label."""
    hint = "set dataset.classes=<a file with one class on each line>"
    names: dict[int, str] = {}
    for line in lines:
        folder, slash, _ = line.name.partition("/")
        if not slash:
            raise line.error(path, f"no class is in the path '{line.name}': {hint}")
        if names.setdefault(line.label, folder) != folder:
            raise line.error(
                path,
                f"label {line.label} is in the folders {names[line.label]} and {folder}: {hint}",
            )
    # one of so many is missing if the labels are not 0, 1, 2 and so on
    unknown = next((label for label in range(len(names)) if label not in names), None)
    if unknown is not None:
        raise ClipHarError(f"{path} has no clip of the label {unknown}, so no name for it: {hint}")
    return tuple(names[label] for label in range(len(names)))


def _read_classes(path: Path) -> tuple[str, ...]:
    """Return the classes of a file in the order of the labels: of its numbers, or of its lines."""
    file = existing_file(path, expected="one class on each line", setting="dataset.classes")
    pairs = text_pairs(file)
    numbers = [whole_number(label) for label, _ in pairs]
    # A name may be a number itself. The numbers before the names start at 0 or 1.
    if pairs and all(label != name for label, name in pairs):
        row = list(range(len(pairs)))
        if numbers not in (row, [number + 1 for number in row]):
            raise ClipHarError(
                f"{file}: expected the numbers 0 to {len(pairs) - 1} or 1 to {len(pairs)} before"
                f" the names of {len(pairs)} classes, each once, got"
                f" {listed([label for label, _ in pairs])}"
            )
    if repeated := [name for name, n in Counter(name for _, name in pairs).items() if n > 1]:
        raise ClipHarError(f"{file} names the class {repeated[0]} more than once")
    if not pairs:
        raise ClipHarError(f"{file} is empty: expected one class on each line")
    return tuple(name for _, name in pairs)


def _compare_lengths(path: Path, lines: Sequence[_Line], found: dict[str, Path]) -> None:
    """Compare the images of the clips with the numbers in the list.

    Raises:
        ClipHarError: when a clip has fewer.
    """
    more, fewer = 0, []
    for line in lines:
        place = found.get(line.name)
        if place is None or line.frames is None or not is_of_images(place):
            continue
        try:
            count = len(image_series(place).names)
        except ImagesError:
            continue  # decoding says why
        more += count > line.frames
        if count < line.frames:
            fewer.append((line, count))
    if fewer:
        line, count = fewer[0]
        others = f" ({len(fewer) - 1} more clips have fewer)" if len(fewer) > 1 else ""
        raise line.error(
            path, f"expected {line.frames} images in {found[line.name]}, got {count}{others}"
        )
    if more:
        _log.info("%s: %d clips have more images than the list says: all are used", path, more)
