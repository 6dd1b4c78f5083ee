"""The one rule of masking: hide the k pixels where a scalar field is lowest."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError

Hidden = NDArray[np.bool_] | NDArray[np.float32]
"""``(1 or T, H, W)``: True where hidden, or how much of a pixel is covered, in [0, 1]."""

TieOrder = Callable[[int, NDArray[np.int64]], NDArray[np.int64]]
"""Takes the number of a frame and ``(n,)`` numbers of its pixels (row times width plus column) of
equal field value, and returns them in the order in which they are hidden."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Canvas:
    """What a mask may know about the clip.

    Attributes:
        clip_id: selects the clip's own random numbers.
        seed: the root seed of the run.
        frames: number of frames T, at least 1.
        height: pixels, at least 1.
        width: pixels, at least 1.
        feature: ``(T, H, W)`` soft mask in [0, 1] of the target that the mask is aimed at;
            None if it is aimed at nothing.
        subject: soft mask of the subject, of the same shape; None without a region source.

    Raises:
        ValueError: on an empty canvas, or when a soft mask has another size or leaves [0, 1].
    """

    clip_id: str
    seed: int
    frames: int
    height: int
    width: int
    feature: NDArray[np.float32] | None = None
    subject: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        size = (self.frames, self.height, self.width)
        if min(size) < 1:
            raise ValueError(f"expected at least one frame and one pixel, got (T, H, W) = {size}")
        same = self.feature is self.subject
        for soft_mask in (self.feature, None if same else self.subject):
            if soft_mask is None:
                continue
            if soft_mask.shape != size:
                raise ValueError(f"expected maps of shape {size}, got {soft_mask.shape}")
            if not (soft_mask.min() >= 0 and soft_mask.max() <= 1):  # also refuses NaN
                raise ValueError(f"expected soft mask in [0, 1] for clip {self.clip_id}")


def known_feature(canvas: Canvas) -> NDArray[np.float32]:
    """Return where the mask's target is, ``(T, H, W)`` in [0, 1].

    Raises:
        ClipHarError: when the canvas has no soft mask of the target.
    """
    if canvas.feature is None:
        raise ClipHarError("this mask needs to know where its feature is: use region=auto")
    return canvas.feature


def hidden_count(ratio: float, height: int, width: int) -> int:
    """Return how many pixels of one frame a ratio hides: ``ratio * H * W``, halves rounded up.

    Args:
        ratio: in [0, 1].
        height: pixels.
        width: pixels.

    Raises:
        ValueError: when ``ratio`` leaves [0, 1].

    Example:
        >>> hidden_count(0.1, 224, 224), hidden_count(0.5, 7, 13), hidden_count(1.0, 7, 13)
        (5018, 46, 91)
    """
    if not 0 <= ratio <= 1:
        raise ValueError(f"expected a ratio in [0, 1], got {ratio}")
    return math.floor(ratio * height * width + 0.5)


def from_centre(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the order of points by their distance to the origin, then by their angle.

    So what is left of the last ring of pixels of a shape is spread over all of its sides, and not
    all at its top.

    Args:
        x: ``(n,)`` to the right.
        y: ``(n,)`` down.

    Returns:
        ``(n,)`` indices.

    Example:
        >>> from_centre(np.array([2.0, 0.5, -0.5]), np.array([0.0, 0.5, 0.5]))
        array([1, 2, 0])
    """
    # In place of the angle a ratio that grows with it: every machine divides alike.
    turn = y / np.maximum(np.abs(x) + np.abs(y), np.finfo(np.float64).tiny)  # -1 up … 1 down
    turn = np.where(x >= 0, turn, np.where(y >= 0, 2 - turn, -2 - turn))
    return np.lexsort((turn, x * x + y * y))


def lowest(
    field: NDArray[np.float32], ratio: float, ties: TieOrder | None = None
) -> NDArray[np.bool_]:
    """Return the mask of the ``hidden_count(ratio, H, W)`` lowest pixels of each frame.

    Pixels of equal value have an order of their own, so that the area is exact whatever the field.
    Masks of one field are nested over the ratio.

    Args:
        field: ``(F, H, W)`` float, no NaN.
        ratio: in [0, 1].
        ties: the order of equal pixels; None for raster order (left to right, top to bottom).

    Returns:
        ``(F, H, W)`` bool, True where the frame is hidden.

    Raises:
        ValueError: on NaN, on another number of dimensions, or a ratio outside [0, 1].

    Example:
        >>> lowest(np.array([[[3, 1, 1], [2, 1, 5]]], np.float32), 1 / 3).astype(int)
        array([[[0, 1, 1],
                [0, 0, 0]]])
    """
    if field.ndim != 3:
        raise ValueError(f"expected a field of shape (F, H, W), got {field.shape}")
    if np.isnan(field).any():
        raise ValueError("expected a field without NaN: a pixel with no value has no rank")
    frames, height, width = field.shape
    count = hidden_count(ratio, height, width)
    if count in (0, height * width):
        return np.full(field.shape, count > 0)
    mask = np.empty((frames, height * width), np.bool_)
    # Frame by frame stays in the processor's cache: three to five times as fast as all at once.
    for frame, (values, hidden) in enumerate(zip(field.reshape(frames, -1), mask, strict=True)):
        threshold = _kth_lowest(values, count)
        np.less(values, threshold, out=hidden)
        tied = np.flatnonzero(values == threshold)  # in raster order
        left = count - np.count_nonzero(hidden)
        if ties is not None and left < len(tied):
            tied = ties(frame, tied)
        hidden[tied[:left]] = True
    return mask.reshape(field.shape)


_STEP = 31  # one in so many pixels is looked at first; prime, so that they lie in no column
_DEVIATIONS = 4  # of the rank of a value among these pixels


def _kth_lowest(values: NDArray[np.float32], k: int) -> np.float32:
    """Return the k-th lowest of some values, as a partition of all of them would find it.

    A sample tells between which values it nearly certainly lies, and only the few values in between
    are partitioned (Floyd and Rivest 1975, Expected time bounds for selection): five times as fast.

    Args:
        values: ``(n,)``, no NaN.
        k: from 1 to n.
    """
    sample = np.sort(values[::_STEP])
    share = k / len(values)
    place = share * len(sample)
    margin = _DEVIATIONS * math.sqrt(len(sample) * share * (1 - share)) + 1
    low = sample[max(math.floor(place - margin), 0)]
    high = sample[min(math.ceil(place + margin), len(sample) - 1)]
    below = int(np.count_nonzero(values < low))
    between = values[np.flatnonzero((values >= low) & (values <= high))]
    if not below < k <= below + len(between):  # the sample was not like the rest
        between, below = values, 0
    kth: np.float32 = np.partition(between, k - 1 - below)[k - 1 - below]
    return kth
