"""Read the sampled frames of a clip of images: of a folder, of a zip, or of one image.

Only the sampled images are read. No file says when a frame was shown: frame i is at i / fps, where
the data set knows the rate. The frames of a zip are read from it, nothing is unpacked.
"""

import math
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.decoded import DecodedClip, VideoLength, check_one_size, sampled
from clip_har.data.decode.open_video import MACHINE_FAULTS, Bounds
from clip_har.data.decode.passes import Window
from clip_har.data.decode.pictures import picture, picture_size
from clip_har.data.image_files import ImagesError, image_series, is_zip
from clip_har.data.sampling import FrameSettings

_MOST_A_PIXEL = 8  # bytes: four colours of 16 bits, not compressed
_HEAD = 2**20  # bytes of an image that are not pixels
_COMPRESSED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

_Read = Callable[[str], bytes]


def read_images(
    path: Path,
    settings: FrameSettings,
    *,
    fps: float | None,
    start: float | None = None,
    end: float | None = None,
) -> DecodedClip:
    """Decode the sampled images of a clip, as `clip_har.data.decode.video.read_clip` does.

    Args:
        path: a folder of images, a zip of images, or one image.
        settings: the sampler and the bounds.
        fps: frames per second; None = not known.
        start: the clip's first moment, in seconds from the first image.
        end: the clip ends before this moment, in seconds.

    Raises:
        DecodeError: when there is no image, one that is needed is damaged, or the sizes differ.
        ClipHarError: when the rate is needed and not known.
    """
    bounds = Bounds(path, settings)
    with _open_images(path, bounds) as images:
        needs_rate = "frames.sampler=fps" if settings.sampler == "fps" else ""
        times, first = _section(path, images, fps, start, end, needs_rate=needs_rate)
        indices = sampled(settings, times)
        pictures = {i: images.picture(first + i) for i in sorted(set(indices))}
    check_one_size({one.shape for one in pictures.values()})
    frames = np.stack([pictures[i] for i in indices])
    return DecodedClip(frames, indices, len(times), fps)


def read_further_images(
    path: Path,
    settings: FrameSettings,
    indices: Sequence[int],
    *,
    fit: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    fps: float | None,
    start: float | None = None,
    end: float | None = None,
) -> list[NDArray[np.uint8]]:
    """Return further frames of a clip, as `clip_har.data.decode.video.read_frames` does."""
    bounds = Bounds(path, settings)
    fitted: dict[int, NDArray[np.uint8]] = {}
    shapes = set()
    with _open_images(path, bounds) as images:
        times, first = _section(path, images, fps, start, end)
        if missing := [i for i in indices if not 0 <= i < len(times)]:
            raise DecodeError(f"it has {len(times)} frames, not one at position {missing[0]}")
        for i in sorted(set(indices)):
            found = images.picture(first + i)
            shapes.add(found.shape)
            fitted[i] = fit(found)
    check_one_size(shapes)
    return [fitted[i] for i in indices]


def images_length(
    path: Path, *, fps: float | None, start: float | None = None, end: float | None = None
) -> VideoLength:
    """Return how long a clip is; arguments as `read_images`. Only the first image is opened.

    Raises:
        DecodeError: when there is no image, or the first one cannot be opened.
        ClipHarError: when the rate is needed and not known.
    """
    bounds = Bounds(path, FrameSettings())
    with _open_images(path, bounds) as images:
        times, first = _section(path, images, fps, start, end)
        size = images.size(first)
    return VideoLength(len(times), len(times) / fps if fps else math.nan, *size, fps)


def check_images(
    path: Path,
    settings: FrameSettings,
    *,
    fps: float | None,
    start: float | None = None,
    end: float | None = None,
) -> None:
    """Decode all images of a clip, not the sampled ones only; arguments as `read_images`.

    Raises:
        DecodeError: when there is none, some are damaged, or the sizes differ.
        ClipHarError: when the rate is needed and not known.
    """
    shapes = set()
    faults = []
    with _open_images(path, Bounds(path, settings)) as images:
        times, first = _section(path, images, fps, start, end)
        for place in range(first, first + len(times)):
            try:
                shapes.add(images.picture(place).shape)
            except DecodeError as error:
                faults.append(error)
    if faults:
        of_all = f"{len(faults)} of {len(times)} images: " if len(times) > 1 else ""
        raise DecodeError(f"{of_all}{faults[0]}")
    check_one_size(shapes)


def image_times(path: Path, settings: FrameSettings, fps: float | None) -> list[float]:
    """Return when each image of a clip is shown, in seconds from the first.

    If the rate is not known, they are the images' positions.

    Raises:
        DecodeError: when there is no image.
    """
    with _open_images(path, Bounds(path, settings)) as images:
        return _section(path, images, fps, None, None)[0]


def _section(
    path: Path,
    images: "_Images",
    fps: float | None,
    start: float | None,
    end: float | None,
    *,
    needs_rate: str = "",
) -> tuple[list[float], int]:
    """Return the times of the images in a section, and the place of the first of them."""
    if start or end is not None:
        needs_rate = "a section of it (start, end)"
    if needs_rate and fps is None and len(images.names) > 1:
        raise ClipHarError(
            f"{path}: {needs_rate} needs the frame rate, which images do not state: set"
            " dataset.fps=<frames per second> (clip-har-predict: --fps)"
        )
    times = [place / (fps or 1) for place in range(len(images.names))]
    window = Window(start or 0.0, math.inf if end is None else end)
    first, stop = window.span(times)
    if first == stop:
        raise DecodeError(
            f"no frame between {window.start:g} s and {window.end:g} s: the last image is shown at"
            f" {times[-1]:g} s"
        )
    return times[first:stop], first


class _Images:
    """The images of a clip, open for reading.

    Attributes:
        names: of the images, in the order of the frames.
    """

    def __init__(self, names: Sequence[str], read: _Read, bounds: Bounds, *, one: bool) -> None:
        self.names = names
        self._read = read
        self._bounds = bounds
        self._one = one

    def picture(self, place: int) -> NDArray[np.uint8]:
        """Decode one image, ``(H, W, 3)`` uint8 RGB."""
        self._bounds.check(place + 1)
        with self._named(place) as content:
            return picture(content, self._bounds)

    def size(self, place: int) -> tuple[int, int]:
        """Return width and height of one image as stored, in pixels."""
        with self._named(place) as content:
            return picture_size(content, self._bounds)

    @contextmanager
    def _named(self, place: int) -> Iterator[bytes]:
        """Read an image; errors name it, unless it is the clip itself."""
        name = self.names[place]
        try:
            yield self._read(name)
        except DecodeError as error:
            raise error if self._one else DecodeError(f"{plain_name(name)}: {error}") from error


@contextmanager
def _open_images(path: Path, bounds: Bounds) -> Iterator[_Images]:
    """List the images of a clip, and open its zip, if it is one."""
    try:
        names = image_series(path).names
    except ImagesError as error:
        raise DecodeError(str(error)) from error
    bounds.check(len(names))
    most = _MOST_A_PIXEL * bounds.pixels + _HEAD
    is_folder = path.is_dir()
    if is_folder or not is_zip(path):
        folder = path if is_folder else path.parent
        read = partial(_file_content, folder, most=most)
        yield _Images(names, read, bounds, one=not is_folder)
        return
    with _told(path), zipfile.ZipFile(path) as archive:
        yield _Images(names, partial(_zip_content, archive, most=most), bounds, one=False)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say in one line why a file cannot be read."""
    try:
        yield
    except PermissionError as error:
        raise DecodeError("the file may not be read (permissions)") from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in MACHINE_FAULTS:
            raise ClipHarError(f"{path} cannot be read: {reason}") from error
        raise DecodeError(f"it cannot be read ({reason})") from error
    except zipfile.BadZipFile as error:
        raise DecodeError(f"the zip is damaged ({error})") from error


def _file_content(folder: Path, name: str, *, most: int) -> bytes:
    path = folder / name
    with _told(path):
        if not path.is_file():
            raise DecodeError(
                "a pipe or a device, not a file" if path.exists() else "the file does not exist"
            )
        _check_bytes(path.stat().st_size, most)
        return path.read_bytes()


def _zip_content(archive: zipfile.ZipFile, name: str, *, most: int) -> bytes:
    info = archive.getinfo(name)
    _check_bytes(info.file_size, most)
    if info.compress_type not in _COMPRESSED:
        raise DecodeError("it is compressed in a way that is not read here: expected deflate")
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise DecodeError(f"damaged in the zip ({' '.join(str(error).split())})") from error


def _check_bytes(size: int, most: int) -> None:
    """Raise before a file is read that no allowed picture would need."""
    if size > most:
        raise DecodeError(f"it has {size:,} bytes, more than frames.max_pixels allows ({most:,})")
