"""The shapes of a hole around a target, as fields that are negative inside the hole.

A hole with the outline of a person still shows the pose: a model may recognise the action from the
silhouette. ``box`` and ``ellipse`` show only its size, and ``grown`` blurs it. ``exact`` is the
control for how much the outline alone shows.

A ratio says how many pixels are hidden, whatever the target's size. So all holes hide the target
before anything else, and what the ratio leaves over takes the shape: first the rest of the hole,
then what lies around it.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clip_har.masking.distance import distance_to_others
from clip_har.regions.gaps import without_gaps
from clip_har.regions.source import INSIDE

Hole = Literal["exact", "grown", "box", "ellipse"]

GROWN_SHARE = 0.08
"""How far a ``grown`` hole reaches beyond the target by default, share of the frame's short side:
9 pixels of 112. At this distance the outline of a rendered person showed no more than a box."""

_LEVELS = 255  # levels of soft masks in the ranking, the same as in stored region maps


def hole_field(
    soft_mask: NDArray[np.float32], hole: Hole, *, grow: int | None = None, ranked: bool = False
) -> NDArray[np.float32]:
    """Return the field of a hole around a target, frame by frame.

    - ``exact``: the target's own outline.
    - ``grown``: by the distance to the outline. The level sets are the target, grown or shrunk.
    - ``box``, ``ellipse``: by the size of the box or ellipse, centred at the target's bounding box,
      that reaches the pixel. At zero it just covers the target.

    If pixels are ranked, those of the target come first: by the soft mask, and of equal pixels the
    one that is deeper inside the target. Then come, of a box or ellipse, the pixels inside it: by
    the soft mask, and of equal pixels the one that is nearer to the target. The rest follows by the
    distance to the outline, or by the size of the box or ellipse. So the level sets never hold a
    pixel of the surroundings while they lack one of the target.

    Args:
        soft_mask: ``(F, H, W)`` in [0, 1]; inside the target from `INSIDE` on.
        hole: the shape.
        grow: pixels by which a ``grown`` hole, a box or an ellipse reaches beyond the target, or
            stays within it when negative; None for 0, and `GROWN_SHARE` for ``grown``.
        ranked: whether the order of the pixels is needed, or only the sign, which is faster.

    Returns:
        ``(F, H, W)`` float32: negative inside the hole, positive outside, never zero; positive
        everywhere in a frame without the target. If ranked, also negative in the target outside of
        a hole that shrank.

    Example:
        >>> target = np.zeros((1, 4, 5), np.float32)
        >>> target[0, 1, 1:4] = target[0, 2, 2] = 1
        >>> (hole_field(target, "box")[0] < 0).astype(int)
        array([[0, 0, 0, 0, 0],
               [0, 1, 1, 1, 0],
               [0, 1, 1, 1, 0],
               [0, 0, 0, 0, 0]])
    """
    inside = soft_mask >= INSIDE  # (F, H, W)
    field = np.empty(soft_mask.shape, np.float32)
    margin = hole_margin(hole, grow, soft_mask.shape)
    diagonal = float(np.hypot(*soft_mask.shape[1:]))
    for frame, target, values in zip(field, inside, soft_mask, strict=True):
        if not target.any() or hole == "exact":
            frame[...] = (
                _by_soft_mask(values, target, outline_distance(target), diagonal)
                if ranked
                else np.where(target, -1, 1)
            )
            continue
        part: tuple[slice, slice] = (slice(None), slice(None))
        if hole == "grown":
            first, distance = target, outline_distance(target)
            frame[...] = distance - margin
        else:
            shape = _about_box(target, margin, ellipse=hole == "ellipse")
            frame[...] = shape
            if not ranked:
                continue
            first = target | (shape < 0)
            # What is nearest to a pixel of this part is in it, too.
            part = _part_about(first)
            distance = outline_distance(target[part])
        if ranked:  # below all values of the shape
            order = _by_soft_mask(values[part], target[part], distance, diagonal)
            np.copyto(frame[part], order - (_LEVELS + abs(margin)), where=first[part])
    return field


def _part_about(pixels: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the part of a frame with some pixels and, where the frame goes on, their neighbours.

    Args:
        pixels: ``(H, W)`` with at least one True.
    """
    top, left, bottom, right = bounding_box(pixels)
    return slice(max(top - 1, 0), bottom + 1), slice(max(left - 1, 0), right + 1)


def hole_margin(hole: Hole, grow: int | None, shape: tuple[int, ...]) -> int:
    """Return by how many pixels a hole reaches beyond its target in frames ``(…, H, W)``."""
    if grow is not None:
        return grow
    return round(GROWN_SHARE * min(shape[-2:])) if hole == "grown" else 0


def filled_frames(soft_mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return soft masks in which a frame without the target has that of the nearest frame with it.

    A ratio hides the same number of pixels in *every* frame, so each frame must rank its pixels.

    Args:
        soft_mask: ``(T, H, W)`` in [0, 1]; unchanged if the target is in no frame or in all.
    """
    found = np.asarray((soft_mask >= INSIDE).any(axis=(1, 2)))
    return without_gaps(soft_mask, found) if found.any() and not found.all() else soft_mask


def bounding_box(inside: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return (top, left, bottom, right) of the True pixels, the last two exclusive.

    Args:
        inside: ``(H, W)`` with at least one True.
    """
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def outline_distance(inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the signed distance of each pixel to a region's outline, in pixels.

    It is half a pixel less than the Euclidean distance to the nearest pixel on the other side, so
    it is never zero. If there is no pixel on the other side, it is the frame's diagonal.

    Args:
        inside: ``(H, W)``.

    Returns:
        ``(H, W)`` float32, negative inside.

    Example:
        >>> outline_distance(np.array([[True, True, False, False]])).tolist()
        [[-1.5, -0.5, 0.5, 1.5]]
    """
    far = float(np.hypot(*inside.shape))
    away = np.full(inside.shape, far, np.float32)
    within = away.copy()
    if inside.any() and not inside.all():
        within, away = distance_to_others(inside), distance_to_others(~inside)
    distance: NDArray[np.float32] = np.where(inside, 0.5 - within, away - 0.5).astype(np.float32)
    return distance


def _by_soft_mask(
    soft_mask: NDArray[np.float32],
    inside: NDArray[np.bool_],
    distance: NDArray[np.float32],
    diagonal: float,
) -> NDArray[np.float32]:
    """Return the order of pixels by the soft mask, then by depth or distance; `INSIDE` is at 0.

    Its values lie between -`_LEVELS` and `_LEVELS`.

    Args:
        soft_mask: ``(H, W)`` of the target in a frame, or in a part of it.
        inside: ``(H, W)``, where that is the target.
        distance: ``(H, W)``, see `outline_distance`.
        diagonal: of the frame, pixels.
    """
    steps = np.rint(soft_mask * np.float32(_LEVELS))
    # The values lie between two levels, and the order among equals adds less than half a level.
    # So the sign always says on which side of INSIDE a pixel lies.
    levels = np.where(inside, -1, 1) * (np.abs(steps - _LEVELS / 2) + 0.5)
    nearness = 0.49 * distance / np.float32(diagonal)
    order: NDArray[np.float32] = (levels + nearness).astype(np.float32)
    return order


def _about_box(inside: NDArray[np.bool_], margin: int, *, ellipse: bool) -> NDArray[np.floating]:
    height, width = inside.shape
    top, left, bottom, right = bounding_box(inside)
    down = np.abs(np.arange(height) + 0.5 - (top + bottom) / 2)[:, None]  # (H, 1)
    across = np.abs(np.arange(width) + 0.5 - (left + right) / 2)[None, :]  # (1, W)
    reach_down, reach_across = (bottom - top) / 2, (right - left) / 2
    if ellipse:  # with the box's aspect, and large enough to cover the target's pixels fully
        corners = np.hypot((down + 0.5) / reach_down, (across + 0.5) / reach_across)
        cover = corners[inside].max()
        reach_down, reach_across = cover * reach_down, cover * reach_across
    down = down / max(reach_down + margin, 0.5)
    across = across / max(reach_across + margin, 0.5)
    size: NDArray[np.floating] = np.hypot(down, across) if ellipse else np.maximum(down, across)
    return size - 1
