"""Folders with one image for each frame of a clip, such as masks or inpainted backgrounds.

HAT (Chung et al. 2022) publishes its data in this form: ``<class>/<clip>/000001.png``, …
"""

import hashlib
import os
import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, content_mark
from clip_har.data.image_files import natural_key
from clip_har.data.sources.named import named_paths
from clip_har.regions.clip_names import clip_names

IMAGES = (".png", ".jpg", ".jpeg")

# Decoders disagree on the last frames of a video: FFmpeg drops "not coded" packets of MPEG-4,
# OpenCV (with which HAT's frames were made) repeats the frame before.
_SPARE = 2  # frames
_ASPECT = 0.03  # relative difference that rounding to whole pixels and other sizes may make


def find_images(folder: Path, clip: Clip) -> Path | None:
    """Return the folder of a clip's images below a folder, None if there is none.

    It is named as the clip, see `clip_names`: ``<folder>/<class>/<clip>/`` or ``<folder>/<clip>/``.
    The Unicode form of the name does not matter.
    """
    for name in clip_names(clip):
        for images in named_paths(folder, name):
            if images.is_dir() and any(is_image(path) for path in images.iterdir()):
                return images
    return None


def images_mark(folder: Path) -> str:
    """Return a short fingerprint of the content of all images in a folder.

    It takes about 20 microseconds for each image. They are read once per process unless names,
    sizes or times change, because each cell of a sweep asks several times.
    """
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.stat()) for entry in entries if is_image(Path(entry.name))]
    state = repr(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in found))
    return _mark(folder, hashlib.blake2b(state.encode(), digest_size=8).hexdigest())


@cache
def _mark(folder: Path, _state: str) -> str:
    files = sorted(file for file in folder.iterdir() if is_image(file))
    marks = "\n".join(f"{file.name} {content_mark(file)}" for file in files)
    return hashlib.blake2b(marks.encode(), digest_size=8).hexdigest()


def image_files(folder: Path, *, setting: str) -> list[Path]:
    """Return the images of a clip in the order of its frames.

    The first image belongs to the first frame, whether the numbers in the names start at 0, at 1
    (as HAT's do) or elsewhere. The order is natural: ``9.png`` before ``10.png``.

    Args:
        folder: of the clip.
        setting: whose folder it is, for error messages.

    Raises:
        ClipHarError: when a number is missing: all later images would get wrong frames.
    """
    found = {path.name: path for path in folder.iterdir() if is_image(path)}
    files = [found[name] for name in sorted(found, key=natural_key)]
    matches = [re.search(r"(\d+)$", path.stem) for path in files]
    numbers = [int(match[1]) for match in matches if match is not None]
    if len(numbers) == len(files):
        for before, number in pairwise(numbers):
            if number != before + 1:
                raise ClipHarError(
                    f"{setting}: expected one image for each frame in {folder}, after number"
                    f" {before} comes {number}; in masks a frame without a person is black"
                )
    return files


def places_of(
    frames: Sequence[int], count: int, length: int | None, *, path: Path, setting: str
) -> list[int]:
    """Return which of a clip's pictures belong to some of its frames: those of the same numbers.

    There is a picture for *every* frame of the clip. If the last one or two are missing, the last
    picture that is there is shown for them; one or two too many are not used: decoders disagree
    by so many. With any other number the pictures were made at another frame rate or of another
    part of the video, and none fits its frame.

    Args:
        frames: T frames of the clip, from 0.
        count: how many pictures there are.
        length: how many frames the clip has; None if that is not known.
        path: where the pictures are, for error messages.
        setting: whose pictures they are, for error messages.

    Raises:
        ClipHarError: when the numbers do not fit.

    Example:
        >>> places_of([0, 50, 99], 98, 100, path=Path("run/1"), setting="region=annotation")
        [0, 50, 97]
    """
    if length is None and count <= max(frames):
        raise ClipHarError(
            f"{setting}: expected a picture for each frame of the clip in {path}, {count} are"
            f" there and frame {max(frames) + 1} is shown"
        )
    if length is not None and abs(count - length) > _SPARE:
        raise ClipHarError(
            f"{setting}: expected {length} pictures in {path}, one for each frame of the clip, got"
            f" {count}; make them of all frames, at the clip's own frame rate"
        )
    return [min(frame, count - 1) for frame in frames]


def check_aspect(
    picture: tuple[int, int], frame: tuple[int, int] | None, *, path: Path, setting: str
) -> None:
    """Raise if pictures are not of whole frames: cropped ones would lie in wrong places.

    Args:
        picture: height and width in pixels; the size itself may differ from the frame's.
        frame: of the clip's frames; None if that is not known.
        path: where the pictures are, for the error message.
        setting: whose pictures they are, for the error message.

    Raises:
        ClipHarError: when the aspect ratios differ by more than rounding explains.

    Example:
        >>> check_aspect((256, 340), (240, 320), path=Path("run/1"), setting="region=annotation")
    """
    if frame is None:
        return
    (height, width), (full_height, full_width) = picture, frame
    ratio = width * full_height / (height * full_width)
    if not 1 - _ASPECT <= ratio <= 1 + _ASPECT:
        raise ClipHarError(
            f"{setting}: expected pictures of whole frames in {path}, of {full_width}x{full_height}"
            f" or another size with that aspect ratio, got {width}x{height}"
        )


def is_image(path: Path) -> bool:
    """Return whether a file is an image by its name, and not hidden."""
    return path.suffix.lower() in IMAGES and not path.name.startswith(".")
