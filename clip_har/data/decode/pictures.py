"""Decode one image, or raise one plain reason.

What is done to its pixels: it is turned upright as its EXIF says. Grey and coloured palettes become
RGB. Of 16 bits a colour the upper 8 are kept. Transparent pixels become black, half-transparent
ones darker: a video has no transparency, and what lies below may be what someone cut out. Colour
profiles are ignored, as they are in videos and in the usual preprocessing of models.
"""

import re
import struct
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.open_video import Bounds

if TYPE_CHECKING:
    from PIL.Image import Image

# Pillow reads more, and starts a program for some of it.
_FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_ORIENTATION = 0x0112  # EXIF
_FAULTS = (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, struct.error)
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # in pixel data only an end or a segment
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9


def picture(content: bytes, bounds: Bounds) -> NDArray[np.uint8]:
    """Return the pixels of an image, ``(H, W, 3)`` uint8 RGB.

    Args:
        content: of the file.
        bounds: limits on its cost.

    Raises:
        DecodeError: when it is no image, damaged, too large, or holds several pictures.
    """
    with _opened(content, bounds) as image:
        if getattr(image, "is_animated", False) and image.format != "MPO":
            raise DecodeError("it holds several pictures: make a video or a folder of images of it")
        try:
            image.load()
            if image.format in {"JPEG", "MPO"} and not _ends(content):
                raise DecodeError("damaged: its end is missing")
            return np.array(_rgb(_upright(image)))  # a copy: Pillow's own cannot be written to
        except _FAULTS as error:
            raise DecodeError(f"damaged or cut off ({_one_line(error)})") from error


def picture_size(content: bytes, bounds: Bounds) -> tuple[int, int]:
    """Return width and height of an image as stored, in pixels, without decoding it.

    Raises:
        DecodeError: as `picture`, but damage behind the header is not seen.
    """
    with _opened(content, bounds) as image:
        width, height = image.size
        return width, height


def _opened(content: bytes, bounds: Bounds) -> "Image":
    """Open an image and check its size, before its pixels are decoded."""
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise DecodeError("the file is empty (0 bytes)")
    try:
        image = Image.open(BytesIO(content), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise DecodeError("not an image that can be read") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DecodeError(f"too large ({_one_line(error)})") from error
    except _FAULTS as error:
        raise DecodeError(f"not an image that can be read ({_one_line(error)})") from error
    bounds.check_size(*image.size)
    return image


def _upright(image: "Image") -> "Image":
    from PIL.Image import Transpose

    try:
        turned = image.getexif().get(_ORIENTATION)
    except _FAULTS:
        return image  # what cannot be read says nothing
    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[turned]) if turned in turns else image


def _rgb(image: "Image") -> NDArray[np.uint8]:
    from PIL import Image

    if image.mode[0] in "IF":  # one channel of more than 8 bits
        levels = np.asarray(image)
        if image.mode == "F" or levels.min() < 0 or levels.max() > np.iinfo(np.uint16).max:
            raise DecodeError("its pixels have more than 16 bits: expected 8 or 16 bits a colour")
        grey = (levels >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        black = Image.new("RGBA", clear.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, clear)
    return np.asarray(image.convert("RGB"))


def _ends(content: bytes) -> bool:
    """Return whether the pixels of a JPEG reach its end marker.

    Decoders fill what is missing with grey and say nothing. A part that was set to zero reads as
    pixels without an end.
    """
    place = 2
    while (found := _JPEG_MARKER.search(content, place)) is not None:
        marker = found[1][0]
        if marker == _END_OF_IMAGE:
            return True
        # Segments may hold anything, also a small picture of their own: their length leads on.
        place = found.end() + int.from_bytes(content[found.end() : found.end() + 2], "big")
    return False


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
