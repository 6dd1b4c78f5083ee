"""Clips of images: which files of a folder or of a zip are the frames, and in which order.

A clip of images is one image, a folder of images, or a zip of images. Nothing is decoded here, see
`clip_har.data.decode.images`. The layouts are those of mmaction2's raw frames (``img_00001.jpg``,
with ``flow_x_00001.jpg`` and ``flow_y_00001.jpg`` beside it), of HAT (``000001.jpg``), of UR Fall
(a zip of ``fall-01-cam0-rgb-001.png``) and of CoOp (one image for each clip of UCF-101).
"""

import hashlib
import os
import re
import stat
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path, PurePath, PurePosixPath

from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name

IMAGE_EXTENSIONS = frozenset(
    {
        ".bmp", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp",
    }
)  # fmt: skip
"""File name extensions (lower case) of images; ``.gif`` is a video."""

ZIP = ".zip"

_ENDS = 16 * 1024  # bytes of a file that are hashed at either end
_NUMBER = re.compile(r"\d+")
_DECIMAL = re.compile(r"(\d+)\.(\d+)\.[^.]*$")
# dense_flow and denseflow write these beside the pictures.
_FLOW = re.compile(r"(flow_)?[xyuv]_?#\.")
_RGB = "img_#."
_NAMED = 3  # numbers or series in a message
_ENCRYPTED = 0x1  # bit of a zip's flags


class ImagesError(ClipHarError):
    """The images of a clip cannot be listed; the message is the reason in one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(plain_name(reason))  # names in it may hold anything


@dataclass(frozen=True)
class ImageSeries:
    """The frames of a clip of images.

    Attributes:
        path: the folder, the zip, or the image.
        names: of the images, in the order of the frames: below the folder, or in the zip.
        lacking: how many numbers between the first and the last one have no image.
        first_lacking: the first few of these numbers.
        left_out: images that belong to other series, such as optical flow.
    """

    path: Path
    names: tuple[str, ...]
    lacking: int = 0
    first_lacking: tuple[int, ...] = ()
    left_out: int = 0

    @property
    def note(self) -> str:
        """What is unusual about it, in a few words; empty if nothing is."""
        said = []
        if self.lacking:
            numbers = ", ".join(map(str, self.first_lacking))
            more = ", …" if self.lacking > len(self.first_lacking) else ""
            said.append(f"missing images: {self.lacking} ({numbers}{more})")
        if self.left_out:
            said.append(f"images of other series, such as optical flow: {self.left_out}, not used")
        return "; ".join(said)


def is_image(path: PurePath | str) -> bool:
    """Return whether a file has the extension of an image."""
    name = os.fspath(path)
    return name[name.rfind(".") :].lower() in IMAGE_EXTENSIONS  # a data set may have 10^6 of them


def is_zip(path: PurePath) -> bool:
    """Return whether a file has the extension of a zip."""
    return path.suffix.lower() == ZIP


def is_of_images(path: Path) -> bool:
    """Return whether a clip is made of images: an image, a zip, or a folder."""
    return is_image(path) or is_zip(path) or path.is_dir()


def holds_images(path: Path) -> bool:
    """Return whether a zip or a folder holds images directly.

    Also true of what cannot be read: decoding says why.
    """
    try:
        return bool(_in_folder(path) if path.is_dir() else _in_zip(path))
    except (OSError, ImagesError):
        return True


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a sort key that puts ``9.png`` before ``10.png``.

    Example:
        >>> sorted(["img_10.png", "img_9.png", "cover.png"], key=natural_key)
        ['cover.png', 'img_9.png', 'img_10.png']
    """
    parts = re.findall(r"\d+|\D+", PurePosixPath(name).stem)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def image_series(path: Path) -> ImageSeries:
    """List the frames of a clip of images.

    The numbers in the names give the order (natural: 9 before 10). Names that differ in more than
    their numbers belong to different series. Optical flow is left out, and so is what lies beside
    images named ``img_…``. Any other mixture is refused, because it would be shown as one clip.

    Args:
        path: a folder, a zip, or an image.

    Raises:
        ImagesError: when there is no image, or several series are mixed.
    """
    if is_image(path) and not path.is_dir():
        return ImageSeries(path, (path.name,))
    try:
        names = _in_folder(path) if path.is_dir() else _in_zip(path)
    except PermissionError as error:
        raise ImagesError("the folder may not be read (permissions)") from error
    except OSError as error:
        raise ImagesError(f"it cannot be listed ({error.strerror})") from error
    if not names:
        raise ImagesError(
            "a folder without videos and images" if path.is_dir() else "a zip without images"
        )
    # Names of one series differ in their numbers only: these give the natural order.
    try:
        series = _one_series(names)
        _refuse_times(series)
        chosen = sorted((_numbers(name), name) for name in series)
    except ValueError as error:
        raise ImagesError("a number in the name of an image is too long to be read") from error
    ordered = [name for _, name in chosen]
    numbers = [number for number, _ in chosen]
    _refuse_repeats(ordered, numbers)
    lacking, first = _gaps([number[-1] for number in numbers if number])
    return ImageSeries(path, tuple(ordered), lacking, first, len(names) - len(chosen))


def _numbers(name: str) -> tuple[int, ...]:
    """Return the numbers in the name of an image, without its folder and extension."""
    stem = name[name.rfind("/") + 1 : name.rfind(".")]
    return tuple(map(int, _NUMBER.findall(stem)))


def _refuse_times(names: Sequence[str]) -> None:
    """Raise if the last number is a decimal one whose order is not that of its two halves.

    As a time ``0.2.jpg`` is after ``0.08.jpg``. Without zeros before it, and with one number before
    the point, it is the number of a picture: ``cam1.9.jpg`` is before ``cam1.10.jpg``.
    """
    found = [_DECIMAL.search(name, name.rfind("/") + 1) for name in names]
    halves = [(match[1], match[2]) for match in found if match]
    if len(halves) < len(names) or len({len(after) for _, after in halves}) == 1:
        return
    padded = any(len(after) > 1 and after[0] == "0" for _, after in halves)
    if not padded and len({before for before, _ in halves}) == 1:
        return
    ordered = sorted(zip(map(_numbers, names), names, halves, strict=True))
    for (*_, first, left), (*_, second, right) in pairwise(ordered):
        if float(".".join(left)) > float(".".join(right)):
            raise ImagesError(
                f"the order of {first} and {second} is not clear: give the numbers of all images"
                " as many digits after the point"
            )


def series_note(path: Path) -> str:
    """Return what is unusual about the images of a clip, see `ImageSeries.note`.

    Empty for a video, and for images that cannot be listed: decoding says why.
    """
    if not is_of_images(path):
        return ""
    try:
        return image_series(path).note
    except ImagesError:
        return ""


def _in_folder(folder: Path) -> list[str]:
    """Return the images directly in a folder, sorted by name."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if is_image(entry.name) and _counts(entry))


def _stats(folder: Path) -> list[tuple[str, os.stat_result]]:
    """Return the images directly in a folder with their sizes and times, sorted by name."""
    with os.scandir(folder) as entries:
        return sorted(
            (entry.name, entry.stat())
            for entry in entries
            if is_image(entry.name) and _counts(entry)
        )


def _counts(entry: "os.DirEntry[str]") -> bool:
    """Return whether a file is shown and regular: opening a pipe may never end."""
    return not entry.name.startswith(".") and entry.is_file()


def _in_zip(path: Path) -> list[str]:
    """Return the images in a zip; those that macOS adds are left out."""
    if not path.exists():
        raise ImagesError("the file does not exist")
    if not path.is_file():
        raise ImagesError("a pipe or a device, not a file")  # reading it may never end
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if _is_frame(info.filename)]
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        if path.stat().st_size == 0:
            raise ImagesError("the file is empty (0 bytes)") from error
        raise ImagesError(
            f"not a zip that can be read, or cut off ({' '.join(str(error).split())})"
        ) from error
    if any(info.flag_bits & _ENCRYPTED for info in infos):
        raise ImagesError("the zip is encrypted: unpack it into a folder with its password")
    folders = sorted({str(PurePosixPath(info.filename).parent) for info in infos})
    if len(folders) > 1:
        raise ImagesError(
            f"the zip holds images in {len(folders)} folders ({', '.join(folders[:_NAMED])}):"
            " expected those of one clip"
        )
    return [info.filename for info in infos]


def _is_frame(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return is_image(name) and not hidden and not name.endswith("/")


def _one_series(names: Sequence[str]) -> list[str]:
    """Return the images of the pictures if other series lie beside them."""
    series: dict[str, list[str]] = defaultdict(list)
    for name in names:
        series[_NUMBER.sub("#", name[name.rfind("/") + 1 :]).lower()].append(name)
    if len(series) > 1:
        series = {key: found for key, found in series.items() if not _FLOW.match(key)} or series
    if len(series) > 1:
        series = {key: found for key, found in series.items() if key.startswith(_RGB)} or series
    if len(series) > 1:
        counted = ", ".join(f"{min(found)} ({len(found)})" for found in series.values())
        raise ImagesError(
            f"it holds {len(series)} series of images, such as {_shortened(counted)}: expected one,"
            " numbered; img_….jpg is taken before others"
        )
    return next(iter(series.values()))


def _shortened(listed: str) -> str:
    parts = listed.split(", ")
    return ", ".join(parts[:_NAMED]) + (", …" if len(parts) > _NAMED else "")


def _refuse_repeats(names: Sequence[str], numbers: Sequence[tuple[int, ...]]) -> None:
    """Raise where images of two clips seem to be in one folder."""
    for (before, name), (number, later) in pairwise(zip(numbers, names, strict=True)):
        if before == number:
            raise ImagesError(f"two of its images have one number: {name} and {later}")
    starts: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number in numbers:
        starts[number[:-1]].append(number[-1] if number else 0)
    many = len(starts) > 1 and all(len(found) > 1 for found in starts.values())
    if many and len({found[0] for found in starts.values()}) == 1:
        second = names[len(next(iter(starts.values())))]
        raise ImagesError(
            f"the numbers of its images start {len(starts)} times, such as at {names[0]} and"
            f" {second}: expected the images of one clip; give each clip a folder of its own"
        )


def _gaps(numbers: Sequence[int]) -> tuple[int, tuple[int, ...]]:
    """Return how many numbers are missing in an even row of numbers, and the first of them.

    Example:
        >>> _gaps([1, 2, 5, 6]), _gaps([10, 20, 30])
        ((2, (3, 4)), (0, ()))
    """
    steps = [after - before for before, after in pairwise(numbers)]
    least = min(steps, default=0)
    if least < 1 or any(step % least for step in steps):
        return 0, ()  # times or names, not numbers
    missing = sum(step // least - 1 for step in steps)
    first: list[int] = []
    for before, after in pairwise(numbers):
        first += range(before + least, after, least)[: _NAMED - len(first)]
        if len(first) == _NAMED:
            break
    return missing, tuple(first)


def file_mark(path: Path) -> str:
    """Return the size and a hash of the first and last 16 KiB of a file; empty if there is none."""
    try:
        if not path.is_file():  # opening a pipe may never end
            return ""
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.blake2b(file.read(_ENDS), digest_size=8)
            file.seek(max(0, size - _ENDS))
            digest.update(file.read(_ENDS))
    except OSError:
        return ""
    return f"{size}-{digest.hexdigest()}"


def images_mark(folder: Path) -> str:
    """Return the size and a hash of the images in a folder; empty if there is none.

    The hash covers the names and sizes of all images, and the ends of the first, middle and last
    one: reading all of them would take minutes for each data set, and what is encoded again has
    other sizes.
    """
    try:
        found = _stats(folder)
    except OSError:
        return ""
    if not found:
        return ""
    names = "".join(f"{plain_name(name)} {status.st_size}\n" for name, status in found)
    digest = hashlib.blake2b(names.encode(), digest_size=8)
    for place in sorted({0, len(found) // 2, len(found) - 1}):
        digest.update(file_mark(folder / found[place][0]).encode())
    return f"{sum(status.st_size for _, status in found)}-{digest.hexdigest()}"


def images_state(folder: Path) -> tuple[int, str]:
    """Return the size of the images in a folder, and a hash of their names, times and rights.

    A process looks once, unless an image is added or taken away: each cell of a sweep asks.

    Raises:
        OSError: when the folder cannot be listed.
    """
    return _state(folder, folder.stat().st_mtime_ns)


@lru_cache(maxsize=2**17)
def _state(folder: Path, _changed: int) -> tuple[int, str]:
    found = _stats(folder)
    rows = "".join(
        f"{name}\0{status.st_size} {status.st_mtime_ns} {stat.S_IMODE(status.st_mode)}\n"
        for name, status in found
    )
    digest = hashlib.blake2b(rows.encode(errors="surrogateescape"), digest_size=8)
    return sum(status.st_size for _, status in found), digest.hexdigest()
