"""Fills made of what is visible: nothing of the hidden pixels is left in them."""

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Hidden = NDArray[np.bool_]

_RADIUS = 3  # px around a pixel from which it is inpainted
_ALIKE = 8  # grey levels: pixels that differ no more show the same
_RESTING = 0.4  # change of an edge over its height up to which it rests
_EDGES = 0.1  # share of the visible pixels that count as strong edges


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

    A hidden pixel takes the median of the frames in which it is visible and the camera is where it
    is here, if there are at least two of them and half of them or more are alike. So a camera that
    stands still shows the true background. Where it moves, or where something else moves, the pixel
    is inpainted.

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
    still = _same_view(frames, holes)
    scene, left = frames.copy(), holes.copy()
    for number, hole in enumerate(holes):
        rows, columns = np.nonzero(hole)
        shown = ~holes[still[number]][:, rows, columns]  # (n, pixels)
        median, spread = _median(frames[still[number]][:, :, rows, columns], shown)
        known = (shown.sum(axis=0) >= 2) & (spread <= _ALIKE)
        rows, columns = rows[known], columns[known]
        scene[number][:, rows, columns] = _levels(median[:, known])
        left[number][rows, columns] = False
    return inpaint(scene, left) if left.any() else scene


def _same_view(frames: Frames, holes: Hidden) -> NDArray[np.bool_]:
    """Return ``(T, T)``: between which frames the camera rests.

    An edge that moves by a pixel changes the pixels beside it by as much as it is high. So the
    camera rests if most of the strongest edges change by much less than that: on real clips this
    share is 0 to 0.4 for a camera on a tripod, and 0.7 to 5 for one that moves. In a scene without
    edges the noise of the camera decides; there inpainting shows the same.
    """
    grey = frames.mean(axis=1, dtype=np.float32)
    down, across = (np.abs(np.diff(grey, axis=axis, append=np.nan)) for axis in (1, 2))
    edges = np.nan_to_num(np.fmax(down, across))  # (T, H, W)
    count = len(frames)
    same = np.eye(count, dtype=bool)
    for one in range(count):
        for other in range(one):
            seen = ~(holes[one] | holes[other])
            strength = np.maximum(edges[one], edges[other])[seen]
            if not strength.size:
                continue
            strong = strength >= np.quantile(strength, 1 - _EDGES)
            change = np.median(np.abs(grey[one] - grey[other])[seen][strong])
            height = np.median(strength[strong])
            same[one, other] = same[other, one] = change <= _RESTING * height
    return same


def _median(values: Frames, shown: NDArray[np.bool_]) -> tuple[NDArray[np.float32], ...]:
    """Return the median of what is shown, and the median distance to it of the farthest channel.

    Args:
        values: ``(n, 3, pixels)``.
        shown: ``(n, pixels)``; what is not shown does not count.

    Returns:
        ``(3, pixels)`` and ``(pixels,)``; without meaning where nothing is shown.
    """
    count = shown.sum(axis=0)
    places = np.stack([np.maximum(count - 1, 0) // 2, count // 2])[:, None]  # (2, 1, pixels)
    places = np.minimum(places, len(values) - 1)

    def middle(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        ordered = np.sort(np.where(shown[:, None], numbers, np.float32(1e6)), axis=0)
        both = np.take_along_axis(ordered, np.broadcast_to(places, (2, *numbers.shape[1:])), axis=0)
        mean: NDArray[np.float32] = both.mean(axis=0)
        return mean

    median = middle(values.astype(np.float32))
    spread = middle(np.abs(values - median).astype(np.float32))
    return median, spread.max(axis=0)


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


def _levels(paint: NDArray[np.floating]) -> Frames:
    """Return paint in whole grey levels."""
    levels: Frames = np.rint(paint).astype(np.uint8)
    return levels
