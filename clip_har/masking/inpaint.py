"""Fills made of what is visible: nothing of the hidden pixels is left in them."""

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Hidden = NDArray[np.bool_]

_RADIUS = 3  # px around a pixel from which it is inpainted
_ALIKE = 8  # grey levels: frames show the same place if they differ no more from their median


def mean_colour(frames: Frames) -> NDArray[np.float64]:
    """Return the mean colour of a clip, ``(1, 3, 1, 1)``.

    Args:
        frames: ``(T, 3, H, W)`` uint8 RGB.
    """
    sums = frames.sum(axis=(0, 2, 3), keepdims=True, dtype=np.int64)
    mean: NDArray[np.float64] = sums / (frames.size // 3)
    return mean


def surround(frames: Frames, hidden: Hidden) -> Frames:
    """Return the visible pixels, continued smoothly into the hidden ones.

    Pull and push of scattered data (Gortler et al. 1996, The Lumigraph, section 3.4): the visible
    pixels are averaged into coarser and coarser frames until no hole is left, then each hole is
    filled from the next coarser frame. The same few numbers are added in the same order, so the
    result is equal to the bit on every machine.

    Args:
        frames: ``(T, 3, H, W)`` uint8 RGB.
        hidden: ``(1 or T, H, W)`` bool.

    Returns:
        ``(T, 3, H, W)`` uint8.
    """
    weight = np.broadcast_to(~hidden[:, None], (len(frames), 1, *frames.shape[2:])).astype(float)
    levels = [(frames * weight, weight)]
    while max(levels[-1][1].shape[2:]) > 1:
        colour, weight = (_quartered(plane) for plane in levels[-1])
        full = np.minimum(weight, 1)
        levels.append((colour * full / np.maximum(weight, 1e-9), full))
    paint = np.broadcast_to(mean_colour(frames), (len(frames), 3, 1, 1))  # if everything is hidden
    for colour, weight in reversed(levels):
        height, width = weight.shape[2:]
        paint = colour + (1 - weight) * _doubled(paint)[:, :, :height, :width]
    return _levels(np.clip(paint, 0, 255))


def inpaint(frames: Frames, hidden: Hidden) -> Frames:
    """Return the visible pixels of each frame, continued along their edges into the hidden ones.

    By OpenCV, after Bertalmio et al. (2001, Navier-Stokes, fluid dynamics, and image and video
    inpainting); it does not promise equal bits on every machine. A frame without a visible pixel
    takes the clip's mean colour.

    Args:
        frames: ``(T, 3, H, W)`` uint8 RGB.
        hidden: ``(1 or T, H, W)`` bool.

    Returns:
        ``(T, 3, H, W)`` uint8; visible pixels are unchanged.
    """
    import cv2

    paint = np.empty_like(frames)
    for number, frame in enumerate(frames):
        hole = hidden[number % len(hidden)]
        if hole.all():
            paint[number] = _levels(mean_colour(frames)[0])
            continue
        picture = frame.transpose(1, 2, 0).copy()
        picture[hole] = _levels(picture[~hole].mean(axis=0))  # OpenCV looks at hidden pixels, too
        closed = cv2.inpaint(picture, hole.astype(np.uint8), _RADIUS, cv2.INPAINT_NS)
        paint[number] = closed.transpose(2, 0, 1)
    return paint


def background(frames: Frames, hidden: Hidden) -> Frames:
    """Return the frames with the background that other frames of the clip show; else inpainted.

    A pixel takes the median of the frames in which it is visible, if there are at least two and
    half of them or more are alike. So a camera that stands still shows the true background, and
    where it moves, or where something else moves, the pixel is inpainted.

    Args:
        frames: ``(T, 3, H, W)`` uint8 RGB.
        hidden: ``(1 or T, H, W)`` bool; hidden in all frames with 1.

    Returns:
        ``(T, 3, H, W)`` uint8; visible pixels are unchanged.

    Example:
        >>> frames = np.full((3, 3, 1, 2), 90, np.uint8)
        >>> hidden = np.array([[[True, False]], [[False, False]], [[False, False]]])
        >>> frames[0, :, 0, 0] = 255  # the subject
        >>> background(frames, hidden)[0, 0].tolist()
        [[90, 90]]
    """
    holes = np.broadcast_to(hidden, (len(frames), *hidden.shape[1:]))  # (T, H, W)
    shown = (~holes).sum(axis=0)
    rows, columns = np.nonzero(holes.any(axis=0) & (shown >= 2))
    places = frames[:, :, rows, columns].astype(np.float32)  # (T, 3, n)
    places[np.broadcast_to(holes[:, None, rows, columns], places.shape)] = np.nan
    if not len(rows):
        return inpaint(frames, hidden)
    median = np.nanmedian(places, axis=0)  # (3, n)
    spread = np.nanmedian(np.abs(places - median), axis=0).max(axis=0)  # (n,)
    known = spread <= _ALIKE
    rows, columns, median = rows[known], columns[known], median[:, known]
    scene = frames.copy()
    left = holes.copy()
    for frame, hole in zip(scene, left, strict=True):
        inside = hole[rows, columns]
        frame[:, rows[inside], columns[inside]] = _levels(median[:, inside])
        hole[rows, columns] = False
    return inpaint(scene, left) if left.any() else scene


def _levels(paint: NDArray[np.floating]) -> Frames:
    """Return paint in whole grey levels."""
    levels: Frames = np.rint(paint).astype(np.uint8)
    return levels


def _quartered(planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums over blocks of 2 x 2 pixels, ``(…, ⌈H/2⌉, ⌈W/2⌉)``."""
    odd = [(0, 0), (0, 0), (0, planes.shape[2] % 2), (0, planes.shape[3] % 2)]
    whole = np.pad(planes, odd)
    rows: NDArray[np.float64] = whole[:, :, ::2] + whole[:, :, 1::2]
    return rows[..., ::2] + rows[..., 1::2]


def _doubled(planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return planes of twice the size, interpolated between the centres of the pixels."""
    for axis in (2, 3):
        last = planes.shape[axis] - 1
        steps = np.arange(last + 1)
        before, after = (
            0.75 * planes + 0.25 * planes.take(np.clip(steps + way, 0, last), axis=axis)
            for way in (-1, 1)
        )
        shape = list(planes.shape)
        shape[axis] *= 2
        planes = np.stack([before, after], axis=axis + 1).reshape(shape)
    return planes
