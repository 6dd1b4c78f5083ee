"""Files of maps, which say for every pixel of a clip's frames what it belongs to."""

import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, content_mark
from clip_har.data.sources.files import named_paths
from clip_har.regions.clip_names import clip_names
from clip_har.regions.source import BACKGROUND, OBJECT

LABELS = {"background": 0, "person": 1, "object": 2}
"""The meaning of the numbers in label maps."""

IMAGES = (".png", ".jpg", ".jpeg")

_GREY_SPREAD = 16  # grey levels between the channels that JPEG may add to a grey picture
_FAULTS = (OSError, KeyError, ValueError, EOFError, TypeError, zlib.error, zipfile.BadZipFile)


@dataclass(frozen=True, eq=False)
class Maps:
    """Where targets are in T frames.

    Attributes:
        person: ``(T, H, W)`` float32 in [0, 1], where a person is.
        labels: ``(T, H, W)`` integers of `LABELS`, if the file has objects, too.
    """

    person: NDArray[np.float32]
    labels: NDArray[Any] | None = None

    @classmethod
    def of_labels(cls, labels: NDArray[Any]) -> "Maps":
        """Return the maps of label maps ``(T, H, W)``."""
        return cls((labels == LABELS["person"]).astype(np.float32), labels)

    def of(self, target: str) -> NDArray[np.float32] | None:
        """Return the soft mask of a target, ``(T, H, W)`` in [0, 1]; None if it is not annotated.

        The background is the label 0. Without labels it is all that is not a person, so a frame
        without a person is all background.

        Args:
            target: ``background``, ``object``, or any other word for the person.
        """
        if target not in (BACKGROUND, OBJECT):
            return self.person
        if self.labels is not None:
            labelled: NDArray[np.float32] = (self.labels == LABELS[target]).astype(np.float32)
            return labelled
        return 1 - self.person if target == BACKGROUND else None


def find_maps(folder: Path, clip: Clip) -> Path | None:
    """Return the file or folder of a clip's maps in a folder, None if there is none.

    It is named as the clip (see `clip_names`): ``<folder>/<class>/<clip>.npz`` or
    ``<folder>/<clip>.npz``, or a folder of that name with one image per frame. The Unicode form
    of the name does not matter.
    """
    for name in clip_names(clip):
        for file in named_paths(folder, f"{name}.npz"):
            if file.is_file():
                return file
        for images in named_paths(folder, name):
            if images.is_dir() and any(_is_image(path) for path in images.iterdir()):
                return images
    return None


def maps_mark(path: Path) -> str:
    """Return a short fingerprint of the content of a clip's maps, empty if there are none.

    A ``.npz`` ends with the checksums of its content, so its first and last 16 KiB are enough. For
    a folder all images are included, about 20 microseconds each. It is read once per process
    unless names, sizes or times change, because each cell of a sweep asks several times.
    """
    if not path.is_dir():
        return content_mark(path)
    with os.scandir(path) as entries:
        found = [(entry.name, entry.stat()) for entry in entries if _is_image(Path(entry.name))]
    state = repr(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in found))
    return _folder_mark(path, hashlib.blake2b(state.encode(), digest_size=8).hexdigest())


@cache
def _folder_mark(path: Path, _state: str) -> str:
    files = sorted(file for file in path.iterdir() if _is_image(file))
    marks = "\n".join(f"{file.name} {content_mark(file)}" for file in files)
    return hashlib.blake2b(marks.encode(), digest_size=8).hexdigest()


def read_maps(path: Path, frames: Sequence[int]) -> Maps:
    """Read the maps of some frames of a clip.

    A ``.npz`` holds ``labels``: ``(T, H, W)`` integers of `LABELS`, or ``masks``: ``(T, H, W)``
    of the person, bool, float in [0, 1] or uint8 grey levels. A folder holds one grey image per
    frame, in natural order (``9.png`` before ``10.png``); its grey is the soft mask of the
    person, 255 = 1. Where no level exceeds 1, 1 is the person. The colours of an image with a
    palette do not count: all but colour 0 are a person. There is one map for *every* frame of
    the source.

    Args:
        path: the file or folder.
        frames: T frames of the clip, from 0.

    Raises:
        ClipHarError: when it has other content, has too few maps, or is damaged. Arrays of Python
            objects are never loaded, so that a file of maps cannot run code.
    """
    if path.is_dir():
        return Maps(_soft_mask(path, _read_images(path, frames)))
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            key = "labels" if "labels" in content else "masks"
            maps = content[key]
    except _FAULTS as error:
        raise ClipHarError(
            f"region=annotation: {path} is damaged or no .npz with 'labels' or 'masks'"
            f" ({_one_line(error)})"
        ) from error
    if maps.ndim != 3:
        raise ClipHarError(
            f"region=annotation: expected '{key}' of shape (T, H, W) in {path}, got {maps.shape}"
        )
    _check_count(path, len(maps), frames)
    shown = maps[list(frames)]
    if key == "masks":
        return Maps(_soft_mask(path, shown, top=_top(maps)))
    if not np.issubdtype(maps.dtype, np.integer) or not np.isin(shown, [*LABELS.values()]).all():
        raise ClipHarError(
            f"region=annotation: expected 'labels' in {path} to be whole numbers 0 (background),"
            f" 1 (person) or 2 (object), got {maps.dtype} up to {shown.max()}; masks of the"
            " person alone are named 'masks'"
        )
    return Maps.of_labels(shown)


def _read_images(folder: Path, frames: Sequence[int]) -> NDArray[np.uint8]:
    files = sorted((path for path in folder.iterdir() if _is_image(path)), key=_natural)
    _check_count(folder, len(files), frames)
    _check_gaps(folder, files)
    read = {frame: _read_image(files[frame]) for frame in set(frames)}
    sizes = sorted({f"{plane.shape[1]}x{plane.shape[0]}" for plane in read.values()})
    if len(sizes) > 1:
        raise ClipHarError(
            f"region=annotation: the masks in {folder} have different sizes ({', '.join(sizes)}):"
            " expected that of the clip's frames"
        )
    return np.stack([read[frame] for frame in frames])


def _read_image(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode == "P":
                return np.where(np.asarray(image) > 0, 255, 0).astype(np.uint8)
            if image.mode in ("1", "L", "LA"):
                return np.asarray(image.convert("L"))
            colours = np.asarray(image.convert("RGB"))
            grey = image.mode in ("RGB", "RGBA") and np.ptp(colours, axis=2).max() <= _GREY_SPREAD
    except (*_FAULTS, SyntaxError, Image.DecompressionBombError) as error:
        raise ClipHarError(
            f"region=annotation: {path} is not a picture that can be read ({_one_line(error)})"
        ) from error
    if not grey:
        raise ClipHarError(
            f"region=annotation: expected a grey picture of 8 bits in {path} (white = person), got"
            f" colours or the mode {image.mode}"
        )
    return colours[..., 0]


def _soft_mask(path: Path, masks: NDArray[Any], *, top: float | None = None) -> NDArray[np.float32]:
    """Return masks of bool, grey levels or fractions as ``(T, H, W)`` float32 in [0, 1].

    Args:
        path: for the error message.
        masks: of some frames.
        top: the largest level in the clip; None = in ``masks``.
    """
    if masks.dtype == np.uint8:
        full = 255 if (_top(masks) if top is None else top) > 1 else 1
        return (masks / np.float32(full)).astype(np.float32)
    if masks.dtype != bool and not np.issubdtype(masks.dtype, np.floating):
        raise ClipHarError(
            f"region=annotation: expected masks of bool, uint8 or float in {path}, got"
            f" {masks.dtype}"
        )
    soft_mask = masks.astype(np.float32)
    if not ((soft_mask >= 0) & (soft_mask <= 1)).all():  # also refuses what is not a number
        raise ClipHarError(f"region=annotation: expected masks in [0, 1] in {path}")
    return soft_mask


def _top(masks: NDArray[Any]) -> float:
    return float(masks.max(initial=0))


def _check_count(path: Path, count: int, frames: Sequence[int]) -> None:
    if count <= max(frames):
        raise ClipHarError(
            f"region=annotation: expected a map for each frame of the clip in {path}, {count} are"
            f" there and frame {max(frames) + 1} is shown"
        )


def _check_gaps(folder: Path, files: Sequence[Path]) -> None:
    """Raise if a number is missing in numbered masks: all later ones would get wrong frames."""
    matches = [re.search(r"(\d+)$", path.stem) for path in files]
    numbers = [int(match[1]) for match in matches if match is not None]
    if len(numbers) < len(files):
        return
    for before, number in pairwise(numbers):
        if number != before + 1:
            raise ClipHarError(
                f"region=annotation: expected one mask for each frame in {folder}, after number"
                f" {before} comes {number}; a frame without a person has a black one"
            )


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Return a sort key that puts ``9.png`` before ``10.png``."""
    parts = re.findall(r"\d+|\D+", path.stem)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGES and not path.name.startswith(".")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
