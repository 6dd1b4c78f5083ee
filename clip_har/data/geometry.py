"""From frames of any size to the square that the model sees.

The ``crop`` fit gives bit for bit the frames of transformers' ``CLIPImageProcessor`` (without its
rescaling and normalisation), which resizes with torchvision. Against the PIL-backed
``CLIPImageProcessorPil`` on 124 real frames of UCF-101 and HMDB-51 (240x320, 256x340 and wider,
to 224 px) the largest difference is 2 of 255 grey levels, 0.002 on average.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor

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
        edge: see there; None for ``size``. With ``letterbox``: the rows in the middle of the square
            that the picture gets, as a model that keeps the frame's aspect takes them. A picture
            that leaves less than a sixteenth of them fills them.

    Example:
        >>> placement(240, 320, 224, "crop")
        Placement(height=224, width=298, top=0, left=-37)
        >>> placement(240, 320, 224, "crop", edge=256)
        Placement(height=256, width=341, top=-16, left=-58)
        >>> placement(240, 320, 224, "letterbox")
        Placement(height=168, width=224, top=28, left=0)
        >>> placement(240, 320, 288, "letterbox", edge=224)
        Placement(height=224, width=288, top=32, left=0)
        >>> [placement(320, 428, 224, fit).left for fit in ("crop", "crop_even")]
        [-37, -38]
    """
    if fit == "letterbox" and edge is not None:
        return _in_rows(height, width, size, edge)
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


def _in_rows(height: int, width: int, size: int, rows: int) -> Placement:
    """Return the place of a picture that is letterboxed into the middle rows of a square."""
    scale = min(rows / height, size / width)
    height, width = max(1, round(scale * height)), max(1, round(scale * width))
    if height >= rows * (1 - _NEAR) and width >= size * (1 - _NEAR):
        height, width = rows, size
    return Placement(height, width, (size - height) // 2, (size - width) // 2)


_NEAR = 1 / 16  # a patch, where 256 of them make a square
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
    return _place(_resize_frames(frames, place, resample), place, size)


def fit_views(
    frames: Tensor,
    size: int,
    fit: Fit,
    resample: Resample = "bicubic",
    edge: int | None = None,
    *,
    crops: int = 1,
) -> Tensor:
    """Fit frames to the model's square, in one view or in three.

    Args:
        frames: ``(T, 3, H, W)`` uint8.
        size: as in `fit_frames`.
        fit: as in `fit_frames`; ``crop`` or ``crop_even`` for three views.
        resample: as in `fit_frames`.
        edge: as in `fit_frames`.
        crops: 1, or 3 for the first, middle and last square along the longer side.

    Returns:
        ``(crops · T, 3, size, size)`` uint8, contiguous: all frames of a view in a row.

    Example:
        >>> frames = torch.zeros(2, 3, 240, 320, dtype=torch.uint8)
        >>> fit_views(frames, 224, "crop", crops=3).shape
        torch.Size([6, 3, 224, 224])
    """
    if crops == 1:
        return fit_frames(frames, size, fit, resample, edge)
    place = placement(frames.shape[-2], frames.shape[-1], size, fit, edge)
    resized = _resize_frames(frames, place, resample)
    side = "left" if place.width >= place.height else "top"
    last = size - (place.width if side == "left" else place.height)
    ends = [replace(place, **{side: offset}) for offset in (0, last)]
    return torch.cat([_place(resized, one, size) for one in (ends[0], place, ends[1])])


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
    resized = _resize(maps.unsqueeze(1), place, "bilinear")  # (T, 1, h, w)
    return _place(resized, place, size).squeeze(1).clamp(0, 1)


def _resize_frames(frames: Tensor, place: Placement, resample: Resample) -> Tensor:
    if resample in _PILLOW:
        return _resize_by_pillow(frames, place, _PILLOW[resample])
    return _resize(frames, place, resample)


def _resize(pictures: Tensor, place: Placement, resample: str) -> Tensor:
    if (place.height, place.width) == tuple(pictures.shape[-2:]):
        return pictures
    # Here: it imports a part of torch that takes longer than all else, and a report resizes none.
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2 import functional as tvf

    resized: Tensor = tvf.resize(
        pictures,
        [place.height, place.width],
        interpolation=InterpolationMode(resample),
        antialias=True,
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
