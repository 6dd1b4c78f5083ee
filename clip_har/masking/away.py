"""The off-subject control: a hole of the same shape and area, away from the subject."""

import math

import numpy as np
from numpy.typing import NDArray

from clip_har.core.seeding import generator
from clip_har.masking.holes import bounding_box
from clip_har.regions.source import INSIDE


def moved_away(
    soft_mask: NDArray[np.float32],
    subject: NDArray[np.float32] | None,
    *,
    ratio: float | None,
    margin: int,
    seed: int,
    clip_id: str,
) -> NDArray[np.float32]:
    """Return the soft masks of a target, moved to where there is least of the subject.

    The whole clip has one place: a window that is large enough for the target's bounding box in
    every frame. It is the window over which the soft masks of target and subject, summed over the
    frames, are least; one of several equals is chosen at random. If the target fills most of the
    frame, hole and subject still overlap; ``mask/subject_hidden`` says by how much.

    Args:
        soft_mask: ``(F, H, W)`` of the target that the hole is made for, in [0, 1].
        subject: ``(T, H, W)`` soft mask that is also avoided; None avoids the target only.
        ratio: share of the frame that will be hidden: the box grows or shrinks to that area;
            None keeps the target's area.
        margin: pixels by which the hole reaches beyond the target.
        seed: the root seed of the run.
        clip_id: selects the clip's own random numbers.

    Returns:
        ``(F, H, W)``: each frame's soft mask within its bounding box, moved; 0 elsewhere.
    """
    inside = soft_mask >= INSIDE
    boxes = {n: bounding_box(frame) for n, frame in enumerate(inside) if frame.any()}
    if not boxes:
        return soft_mask
    frame_height, frame_width = soft_mask.shape[1:]
    height = max(bottom - top for top, _, bottom, _ in boxes.values()) + 2 * margin
    width = max(right - left for _, left, _, right in boxes.values()) + 2 * margin
    if ratio is not None:
        scale = math.sqrt(ratio * frame_height * frame_width / (height * width))
        height, width = (max(1, math.ceil(side * scale)) for side in (height, width))
    height, width = min(height, frame_height), min(width, frame_width)
    occupied = _steps(soft_mask).sum(axis=0)
    if subject is not None:
        occupied = occupied + _steps(subject).sum(axis=0)
    sums = _window_sums(occupied, height, width)
    places = np.argwhere(sums == sums.min())
    draws = generator(seed, "mask/away", clip_id)
    window_top, window_left = places[draws.integers(len(places))]
    moved = np.zeros_like(soft_mask)
    for number, (top, left, bottom, right) in boxes.items():
        # A ratio may make the window smaller than the target: what no longer fits is pushed back.
        new_top = window_top + (height - (bottom - top)) // 2
        new_left = window_left + (width - (right - left)) // 2
        new_top = min(max(new_top, 0), frame_height - (bottom - top))
        new_left = min(max(new_left, 0), frame_width - (right - left))
        moved[number, new_top : new_top + bottom - top, new_left : new_left + right - left] = (
            soft_mask[number, top:bottom, left:right]
        )
    return moved


def _steps(soft_mask: NDArray[np.float32]) -> NDArray[np.int64]:
    # Sums of whole numbers are exact, so equal places are equal on every machine.
    return np.rint(soft_mask * 255).astype(np.int64)


def _window_sums(values: NDArray[np.int64], height: int, width: int) -> NDArray[np.int64]:
    """Return the sum over each window, ``(H - height + 1, W - width + 1)``."""
    total = np.pad(values.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    rows: NDArray[np.int64] = total[height:] - total[:-height]
    return rows[:, width:] - rows[:, :-width]
