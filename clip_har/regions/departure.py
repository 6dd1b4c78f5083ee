"""How far each pixel of a frame departs from the scene, as the frames before and after show it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clip_har.regions.camera import (
    REST,
    Area,
    Box,
    Corners,
    Matrix,
    Picture,
    camera_motion,
    corners,
    is_lit,
    picture_box,
)

_MARGIN = 2  # px at the border of a picture that are not used: many videos have dirty lines there
_LEAST_SIDE = 16  # px of a picture in which anything can be told
_GRID = 6  # px between the pixels that decide the exposure
_GAIN = (0.6, 1.6)  # exposure changes by no more than this
_SETTLED = 8.0  # grey levels: a pixel that has changed less is as it was
_RESTING = 0.02  # the camera rests if no more of the picture's border than this has changed
_BETTER = 0.7  # the camera moves if less than this share of what changed at the border is left
_STRANGE = 10.0  # grey levels: frames whose median departure is larger show different scenes
_SHOWN = 0.3  # least share of the picture that another frame must show
_FRAMED = 0.4  # a picture within a static border takes at least this share of the frame
_ALIVE = 0.2  # and no more than this share of it is static


class Departure(NamedTuple):
    """How far each pixel departs from the scene.

    Attributes:
        levels: ``(H, W)`` float32, grey levels of 255 (mean of the channels), at least 0.
        known: ``(H, W)``: where other frames show the scene; the levels are 0 elsewhere.
    """

    levels: NDArray[np.float32]
    known: Area

    @property
    def noise(self) -> float:
        """The median of what is known: what does not move departs by about that much."""
        return float(np.median(self.levels[self.known])) if self.known.any() else 0.0


class _View(NamedTuple):
    """Another frame, seen from the camera of this one."""

    levels: NDArray[np.float32]  # (H, W); -1 where it does not show the scene
    motion: Matrix
    noise: float


class _Frame(NamedTuple):
    """The frame in question."""

    picture: Picture
    smooth: Any  # (H, W, 3)
    area: Area
    ring: Area
    corners: Corners


def departure(frame: Picture, before: Sequence[Picture], after: Sequence[Picture]) -> Departure:
    """Return how far each pixel of a frame departs from the scene behind it.

    Each other frame is put under the camera of this one (see `clip_har.regions.camera`), with its
    exposure. A pixel departs from it by what no pixel within 1 px explains. Of the frames on one
    side in time the largest departure counts: a slow body has moved away at last. Of the two sides
    the smaller one counts: a place that looks different from before only was uncovered, and one
    that looks different from afterwards only will be covered. So no ghosts remain.

    Black bars, a border that stays while the picture in it moves, and text that stays while the
    camera moves do not depart.

    Args:
        frame: ``(H, W, 3)`` uint8 RGB.
        before: earlier frames of the same size, the nearest first.
        after: later frames, the nearest first.

    Returns:
        All zero and unknown if no other frame shows the scene: a cut, an unknown motion of the
        camera, or frames of less than 16 px.
    """
    shape = frame.shape[0], frame.shape[1]
    nothing = Departure(np.zeros(shape, np.float32), np.zeros(shape, bool))
    static = _static(frame, [*before, *after])
    lit = np.logical_or.reduce([is_lit(picture) for picture in (frame, *before, *after)])
    box = _picture(lit, static).inside(_MARGIN)
    if min(box.bottom - box.top, box.right - box.left) < _LEAST_SIDE:
        return nothing
    this = _Frame(frame, _smooth(frame), box.area(shape), box.ring(shape), corners(frame, box))
    sides = [views for side in (before, after) if (views := _views(this, side))]
    if len(sides) == 1:  # two times on one side tell covered from uncovered places, too
        sides = [views for views in (sides[0][:1], sides[0][1:]) if views]
    if not sides:
        return nothing
    levels = _joined([np.maximum.reduce([view.levels for view in views]) for views in sides])
    if any((view.motion != REST).any() for views in sides for view in views):
        levels[static & (levels >= 0)] = 0
    known = levels >= 0
    cut = np.s_[box.top : box.bottom, box.left : box.right]
    margin = box.inside(-_MARGIN)
    grown = np.s_[margin.top : margin.bottom, margin.left : margin.right]
    whole = Departure(np.zeros(shape, np.float32), known)
    # What departs at the margin's edge departs in the margin.
    whole.levels[grown] = np.pad(np.maximum(levels[cut], 0), _MARGIN, mode="edge")
    return whole


def _joined(sides: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the smaller departure of two sides, or that of the side that shows the place."""
    if len(sides) == 1:
        return sides[0]
    one, other = sides
    smaller: NDArray[np.float32] = np.where(
        one < 0, other, np.where(other < 0, one, np.minimum(one, other))
    )
    return smaller


def _views(this: _Frame, others: Sequence[Picture]) -> list[_View]:
    """Return the other frames of one side, until one does not show the scene any more."""
    views: list[_View] = []
    for other in others:
        view = _view(this, other, views[-1].motion if views else REST)
        if view is None:
            break
        views.append(view)
    return views


def _view(this: _Frame, other: Picture, guess: Matrix) -> _View | None:
    """Return another frame from the camera of this one, None if it shows no such scene.

    The camera rests unless the border of the picture says otherwise: there must be much that rest
    does not explain, and the camera's motion must explain it better.
    """
    still = _compared(this, other, REST)
    if still is None:
        return None
    changed = _changed(this, still)
    view = still
    if changed > _RESTING:
        exposed = _exposed(this.picture, other, this.area, moments=True)
        motion = camera_motion(this.corners, exposed, guess)
        moved = None if motion is None or motion is REST else _compared(this, other, motion)
        if moved is not None and _changed(this, moved) < _BETTER * changed:
            view = moved
    return None if view.noise > _STRANGE else view


def _changed(this: _Frame, view: _View) -> float:
    """Return how much of the border of the picture has changed, in [0, 1]."""
    levels = view.levels[this.ring]
    return float((levels > _SETTLED).sum() / max(1, (levels >= 0).sum()))


def _compared(this: _Frame, other: Picture, motion: Matrix) -> _View | None:
    """Return how far this frame departs from another one under a motion of the camera."""
    import cv2

    area: Area = this.area
    if motion is not REST:
        size = other.shape[1], other.shape[0]
        back = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        covered = cv2.warpAffine(area * np.uint8(255), motion, size, flags=back)
        area = area & (covered == 255)
        other = np.asarray(cv2.warpAffine(other, motion, size, flags=back), np.uint8)
        if area.sum() < _SHOWN * this.area.sum():
            return None
    smooth = _smooth(_exposed(this.picture, other, area))
    around = np.ones((3, 3), np.uint8)
    below = cv2.subtract(cv2.erode(smooth, around), this.smooth)
    above = cv2.subtract(this.smooth, cv2.dilate(smooth, around))
    mean = np.full((1, 3), 1 / 3, np.float32)
    levels = np.asarray(cv2.transform(cv2.max(below, above).astype(np.float32), mean), np.float32)
    levels[~area] = -1
    return _View(levels, motion, float(np.median(levels[area])))


def _exposed(frame: Picture, other: Picture, area: Area, *, moments: bool = False) -> Picture:
    """Return another frame with the exposure of this one: a gain and an offset.

    Args:
        frame: this one.
        other: the same size.
        area: the pixels that count.
        moments: equal mean and deviation, for frames that are not registered yet; else a
            regression over the pixels, without the half of them that fits worst.
    """
    import cv2

    grid = np.s_[::_GRID, ::_GRID]
    counted = area[grid]
    target = frame[grid][counted].mean(axis=1)
    source = other[grid][counted].mean(axis=1)
    if moments:
        spread = float(source.std())
        gain = float(target.std()) / spread if spread > 1 else 1.0
    else:
        gain = 1.0
        fitting = np.ones(len(source), bool)
        for _ in range(3):
            x, y = source[fitting], target[fitting]
            apart = x - x.mean()
            spread = float((apart**2).sum())
            slope = float((apart * (y - y.mean())).sum()) / spread if spread > 100 else 1.0
            gain = float(np.clip(slope, *_GAIN))
            off = np.abs(gain * (source - x.mean()) + y.mean() - target)
            fitting = off <= np.median(off) + 1
        source, target = source[fitting], target[fitting]
    offset = float(target.mean() - gain * source.mean())
    if abs(gain - 1) < 0.01 and abs(offset) < 0.5:
        return other
    table = np.clip(np.rint(gain * np.arange(256) + offset), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(other, table), np.uint8)


def _smooth(picture: Picture) -> Any:
    import cv2

    return cv2.GaussianBlur(picture, (0, 0), 1)


def _static(frame: Picture, others: Sequence[Picture]) -> Area:
    """Return ``(H, W)``: the pixels that are the same in all frames, up to the codec's noise."""
    import cv2

    changed = np.zeros(frame.shape, np.uint8)
    for other in others:
        changed = np.asarray(cv2.max(changed, cv2.absdiff(frame, other)))
    static: Area = (changed.max(axis=-1) <= _SETTLED) if len(others) else np.zeros_like(changed[..., 0], bool)
    return static


def _picture(lit: Area, static: Area) -> Box:
    """Return the part of a frame that holds a picture: without black bars and static borders.

    A border is static if the picture in it is large, and hardly any of it stays as it is: the
    camera moves. A subject that moves before a static scene leaves more of it.
    """
    box = picture_box(lit)
    inner = picture_box(~static)
    inner = Box(*map(max, inner[:2], box[:2]), *map(min, inner[2:], box[2:]))
    inside = static[inner.top : inner.bottom, inner.left : inner.right]
    if inside.size >= _FRAMED * box.area(lit.shape).sum() and inside.mean() <= _ALIVE:
        return inner
    return box
