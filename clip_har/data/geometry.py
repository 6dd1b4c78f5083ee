"""From frames of any size to the square that the model sees.

The ``crop`` fit gives bit for bit the frames of transformers' ``CLIPImageProcessor`` (without its
rescaling and normalisation), which resizes with torchvision. Against the PIL-backed
``CLIPImageProcessorPil`` on 124 real frames of UCF-101 and HMDB-51 (240x320, 256x340 and wider,
to 224 px) the largest difference is 2 of 255 grey levels, 0.002 on average.
"""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tvf

from clip_har.data.sampling import Fit, Resample


@dataclass(frozen=True)
class Placement:
    """The place of a picture in the square: it is resized, then cut or padded.

    Attributes:
        height: of the whole resized picture, in pixels.
        width: of the whole resized picture, in pixels.
        top: row of the square for the picture's first row; negative = cut off above.
        left: column of the square for its first column; negative = cut off at the left.
    """

    height: int
    width: int
    top: int
    left: int


def placement(height: int, width: int, size: int, fit: Fit, edge: int | None = None) -> Placement:
    """Return the place of a picture of ``height`` x ``width`` in a square of ``size`` pixels.

    Args:
        height: of the picture, pixels.
        width: of the picture, pixels.
        size: edge of the square, pixels.
        fit: see `clip_har.data.sampling.FrameSettings`.
        edge: see there; None for ``size``.

    Example:
        >>> placement(240, 320, 224, "crop")
        Placement(height=224, width=298, top=0, left=-37)
        >>> placement(240, 320, 224, "crop", edge=256)
        Placement(height=256, width=341, top=-16, left=-58)
        >>> placement(240, 320, 224, "letterbox")
        Placement(height=168, width=224, top=28, left=0)
        >>> [placement(320, 428, 224, fit).left for fit in ("crop", "crop_even")]
        [-37, -38]
    """
    if fit == "letterbox":
        long = max(height, width)
        height, width = (max(1, round(size * side / long)) for side in (height, width))
        return Placement(height, width, (size - height) // 2, (size - width) // 2)
    edge = size if edge is None else edge
    if fit == "squash":
        height = width = edge
    elif fit in ("crop", "crop_even"):
        short = min(height, width)
        height, width = int(edge * height / short), int(edge * width / short)
    # Transformers rounds the cut-off rows down, torchvision half of them to even; the long edge is
    # rounded down by both.
    cut = round if fit == "crop_even" else int
    return Placement(height, width, -cut((height - size) / 2), -cut((width - size) / 2))


_INTERPOLATION = {"bicubic": InterpolationMode.BICUBIC, "bilinear": InterpolationMode.BILINEAR}
_PILLOW = {"pillow_bicubic": Resampling.BICUBIC, "pillow_bilinear": Resampling.BILINEAR}


def fit_frames(
    frames: Tensor, size: int, fit: Fit, resample: Resample = "bicubic", edge: int | None = None
) -> Tensor:
    """Fit frames to the model's square.

    Resizing is torchvision's or Pillow's, antialiased, in whole numbers. Frames in channels-last
    memory (a permuted ``(T, H, W, 3)`` array) are resized by torchvision in 0.6 of the time, with
    equal results.

    Args:
        frames: ``(T, 3, H, W)`` uint8.
        size: edge of the square, in pixels.
        fit: see `clip_har.data.sampling.FrameSettings`.
        resample: the interpolation.
        edge: see there; None for ``size``.

    Returns:
        ``(T, 3, size, size)`` uint8, contiguous.

    Raises:
        TypeError: when the frames are not uint8.

    Example:
        >>> fit_frames(torch.zeros(2, 3, 240, 320, dtype=torch.uint8), 224, "crop").shape
        torch.Size([2, 3, 224, 224])
    """
    if frames.dtype != torch.uint8:
        raise TypeError(f"expected uint8 frames, got {frames.dtype}")
    place = placement(frames.shape[-2], frames.shape[-1], size, fit, edge)
    if resample in _PILLOW:
        resized = _resize_by_pillow(frames, place, _PILLOW[resample])
    else:
        resized = _resize(frames, place, _INTERPOLATION[resample])
    return _place(resized, place, size)


def fit_maps(maps: Tensor, size: int, fit: Fit, edge: int | None = None) -> Tensor:
    """Fit region maps of frames with the same geometry as the frames.

    Args:
        maps: ``(T, H, W)`` float in [0, 1], at the size of the frames before ``fit_frames``.
        size: edge of the square, in pixels.
        fit: as for the frames; black bars get 0.
        edge: as for the frames.

    Returns:
        ``(T, size, size)`` float in [0, 1], resized with antialiased bilinear interpolation,
        which unlike bicubic does not overshoot.

    Raises:
        TypeError: when the maps are not floating point.
    """
    if not maps.is_floating_point():
        raise TypeError(f"expected floating-point maps, got {maps.dtype}")
    place = placement(maps.shape[-2], maps.shape[-1], size, fit, edge)
    resized = _resize(maps.unsqueeze(1), place, InterpolationMode.BILINEAR)  # (T, 1, h, w)
    return _place(resized, place, size).squeeze(1).clamp(0, 1)


def _resize(pictures: Tensor, place: Placement, interpolation: InterpolationMode) -> Tensor:
    if (place.height, place.width) == tuple(pictures.shape[-2:]):
        return pictures
    resized: Tensor = tvf.resize(
        pictures, [place.height, place.width], interpolation=interpolation, antialias=True
    )
    return resized


def _resize_by_pillow(frames: Tensor, place: Placement, resampling: Resampling) -> Tensor:
    side = (place.width, place.height)
    if side == (frames.shape[-1], frames.shape[-2]):
        return frames
    pictures = frames.permute(0, 2, 3, 1).cpu().numpy()
    resized = [np.asarray(Image.fromarray(one).resize(side, resampling)) for one in pictures]
    return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2)


def _place(pictures: Tensor, place: Placement, size: int) -> Tensor:
    """Cut or pad resized pictures ``(T, C, h, w)`` to the square."""
    top, left = max(0, -place.top), max(0, -place.left)
    pictures = pictures[..., top : top + size, left : left + size]
    height, width = pictures.shape[-2:]
    if (height, width) == (size, size):
        return pictures.contiguous()
    square = pictures.new_zeros((*pictures.shape[:-2], size, size))
    top, left = max(0, place.top), max(0, place.left)
    square[..., top : top + height, left : left + width] = pictures
    return square
