"""Files of maps, which say for every pixel of a clip's frames what it belongs to."""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, content_mark
from clip_har.data.sources.named import named_paths
from clip_har.regions.clip_names import clip_names
from clip_har.regions.frame_images import (
    check_aspect,
    find_images,
    image_files,
    images_mark,
    places_of,
)
from clip_har.regions.source import BACKGROUND, OBJECT

LABELS = {"background": 0, "person": 1, "object": 2}
"""The meaning of the numbers in label maps."""

_ANNOTATION = "region=annotation"
_HALF, _FULL = 128, 255  # grey levels
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
    return find_images(folder, clip)


def maps_mark(path: Path) -> str:
    """Return a short fingerprint of the content of a clip's maps, empty if there are none.

    A ``.npz`` ends with the checksums of its content, so its first and last 16 KiB are enough. For
    a folder all images are included, see `images_mark`.
    """
    return images_mark(path) if path.is_dir() else content_mark(path)


def read_maps(
    path: Path,
    frames: Sequence[int],
    *,
    length: int | None = None,
    size: tuple[int, int] | None = None,
) -> Maps:
    """Read the maps of some frames of a clip.

    A ``.npz`` holds ``labels``: ``(T, H, W)`` integers of `LABELS`, or ``masks``: ``(T, H, W)``
    of the person, bool, float in [0, 1] or uint8 grey levels. A folder holds one grey image per
    frame, see `clip_har.regions.frame_images`; its grey is the soft mask of the person, 255 = 1.
    In a JPEG each grey from 128 on is a person and the rest is not, because compression changes
    the grey around edges. If no level of a clip exceeds 1, 1 is the person, but not in a JPEG.
    The colours of an image with a palette do not count: all but colour 0 are a person.

    Args:
        path: the file or folder.
        frames: T frames of the clip, from 0.
        length: how many frames the clip has, see `places_of`; None if that is not known.
        size: height and width of its frames, in pixels, see `check_aspect`; None as above.

    Raises:
        ClipHarError: when it has other content, does not fit the clip, or is damaged. Arrays of
            Python objects are never loaded, so that a file of maps cannot run code.
    """
    if path.is_dir():
        masks = _read_images(path, frames, length)
        check_aspect(masks.shape[1:], size, path=path, setting=_ANNOTATION)
        return Maps(masks)
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
    check_aspect(maps.shape[1:], size, path=path, setting=_ANNOTATION)
    shown = maps[places_of(frames, len(maps), length, path=path, setting=_ANNOTATION)]
    if key == "masks":
        return Maps(_soft_mask(path, shown, top=_top(maps)))
    if not np.issubdtype(maps.dtype, np.integer) or not np.isin(shown, [*LABELS.values()]).all():
        raise ClipHarError(
            f"region=annotation: expected 'labels' in {path} to be whole numbers 0 (background),"
            f" 1 (person) or 2 (object), got {maps.dtype} up to {shown.max()}; masks of the"
            " person alone are named 'masks'"
        )
    return Maps.of_labels(shown)


def _read_images(folder: Path, frames: Sequence[int], length: int | None) -> NDArray[np.float32]:
    """Return the soft masks of some frames, ``(T, H, W)`` in [0, 1]."""
    files = image_files(folder, setting=_ANNOTATION)
    places = places_of(frames, len(files), length, path=folder, setting=_ANNOTATION)
    read = {place: _read_image(files[place]) for place in set(places)}
    sizes = sorted({f"{plane.shape[1]}x{plane.shape[0]}" for plane in read.values()})
    if len(sizes) > 1:
        raise ClipHarError(
            f"region=annotation: the masks in {folder} have different sizes ({', '.join(sizes)}):"
            " expected that of the clip's frames"
        )
    masks = np.stack([read[place] for place in places])
    top = _top(masks)
    if top == 1:  # a clip of 0 and 1, or frames without a person in masks of 0 to 255
        rest = (file for place, file in enumerate(files) if place not in read)
        top = next((level for file in rest if (level := _top(_read_image(file))) > 1), top)
    return _soft_mask(folder, masks, top=top)


def _read_image(path: Path) -> NDArray[np.uint8]:
    """Return a mask ``(H, W)`` of grey levels; those of a JPEG are 0 and 255."""
    grey = _grey_image(path)
    if path.suffix.lower() == ".png":
        return grey
    return np.where(grey >= _HALF, _FULL, 0).astype(np.uint8)


def _grey_image(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode == "P":
                return np.where(np.asarray(image) > 0, _FULL, 0).astype(np.uint8)
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
        full = _FULL if (_top(masks) if top is None else top) > 1 else 1
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


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
