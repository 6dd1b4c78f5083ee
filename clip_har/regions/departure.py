"""How far each pixel of a frame departs from the scene, as the frames before and after show it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clip_har.regions.camera import REST, Corners, Matrix, camera_motion, corners
from clip_har.regions.picture import (
    Area,
    Picture,
    framed_box,
    lit_box,
    overlay,
    static_area,
)

_MARGIN = 3  # px at the border of a picture that are not used: many videos have dirty lines there
_LEAST_SIDE = 16  # px of a picture in which anything can be told
_SPARSE = 8  # px between the pixels that decide the exposure and the noise
_GAIN = (0.6, 1.6)  # exposure changes by no more than this
_PLAIN = 100.0  # summed squares of grey levels: a picture without more has no gain
_SETTLED = 8.0  # grey levels: a pixel that has changed less is as it was
_RESTING = 0.02  # the camera rests if no more of the picture's border than this has changed
_UNEXPLAINED = 0.1  # more than this, without a motion of the camera that is known: other scenes
_CHANGED = 0.4  # more than this, after the motion of the camera is taken out: other scenes
_MOVING = 0.85  # of a camera that moves, no less of the picture changes its place
_STRANGE = 10.0  # grey levels: frames whose median departure is larger show other scenes
_SHOWN = 0.3  # least share of the picture that another frame must show


class Departure(NamedTuple):
    """How far each pixel departs from the scene.

    Attributes:
        levels: ``(H, W)`` float32, grey levels of 255 (mean of the channels), at least 0.
        known: ``(H, W)``: where other frames show the scene; the levels are 0 elsewhere.
        seen: share of the other frames that show the scene, in [0, 1].
    """

    levels: NDArray[np.float32]
    known: Area
    seen: float

    @property
    def noise(self) -> float:
        """The median of what is known: what does not move departs by about that much."""
        return float(np.median(self.levels[self.known])) if self.known.any() else 0.0


class _View(NamedTuple):
    """Another frame, seen from the camera of this one."""

    levels: NDArray[np.float32]  # (H, W); -1 where it does not show the scene
    motion: Matrix
    noise: float  # the median of the levels
    changed: float  # share of the ring that departs


class _Frame(NamedTuple):
    """The frame in question."""

    picture: Picture
    smooth: Picture
    area: Area
    scene: Area  # without text on the screen
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
    lit = lit_box([frame, *before, *after])
    static = [static_area(frame, side) for side in (before, after)]
    box = framed_box(static, lit) or lit
    shape = frame.shape[0], frame.shape[1]
    whole = Departure(np.zeros(shape, np.float32), np.zeros(shape, bool), 0.0)
    inner = box.inside(_MARGIN)
    if inner.short < _LEAST_SIDE:
        return whole
    area = inner.area(shape)
    scene = area & ~overlay(frame, np.logical_and.reduce(static))
    this = _Frame(frame, _smooth(frame), area, scene, inner.ring(shape), corners(frame, inner))
    sides = [views for side in (before, after) if (views := _views(this, side))]
    seen = sum(map(len, sides)) / max(1, len(before) + len(after))
    if len(sides) == 1:  # two times on one side tell covered from uncovered places, too
        sides = [views for views in (sides[0][:1], sides[0][1:]) if views]
    if not sides:
        return whole
    levels = _joined([np.maximum.reduce([view.levels for view in views]) for views in sides])
    # What departs at the margin's edge departs in the margin.
    whole.levels[box.slices] = np.pad(np.maximum(levels[inner.slices], 0), _MARGIN, mode="edge")
    return Departure(whole.levels, levels >= 0, seen)


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

    The camera rests unless the border of the picture has changed, and a motion explains that
    better.
    """
    smooth = _smooth(other)
    still = _compared(this, smooth, REST)
    if still is None or still.changed <= _RESTING:
        return still
    motion = camera_motion(this.corners, other, guess)
    if motion is None:
        return still if still.changed <= _UNEXPLAINED else None
    best = still
    if motion is not REST and this.scene.sum() >= _MOVING * this.area.sum():
        moved = _compared(this, smooth, motion)
        best = still if moved is None or still.changed <= moved.changed else moved
    return best if best.noise <= _STRANGE and best.changed <= _CHANGED else None


def _compared(this: _Frame, smooth: Picture, motion: Matrix) -> _View | None:
    """Return how far this frame departs from another smoothed one under a motion of the camera."""
    import cv2

    area: Area = this.area
    if motion is not REST:
        size = smooth.shape[1], smooth.shape[0]
        shown = this.scene.astype(np.uint8)
        back = cv2.WARP_INVERSE_MAP
        covered = cv2.warpAffine(shown, motion, size, flags=back | cv2.INTER_NEAREST)
        area = this.scene & (np.asarray(covered) > 0)
        smooth = np.asarray(
            cv2.warpAffine(smooth, motion, size, flags=back | cv2.INTER_LINEAR), np.uint8
        )
        if area.sum() < _SHOWN * this.area.sum():
            return None
    exposed = _exposed(this.smooth, smooth, area)
    around = np.ones((3, 3), np.uint8)
    below = cv2.subtract(cv2.erode(exposed, around), this.smooth)
    above = cv2.subtract(this.smooth, cv2.dilate(exposed, around))
    mean = np.full((1, 3), 1 / 3, np.float32)
    levels = np.asarray(cv2.transform(cv2.max(below, above), mean), np.float32)
    levels[~area] = -1
    sparse = np.s_[::_SPARSE, ::_SPARSE]
    noise = float(np.median(levels[sparse][area[sparse]]))
    ring = levels[this.ring]
    return _View(levels, motion, noise, float((ring > _SETTLED).sum() / max(1, (ring >= 0).sum())))


def _exposed(frame: Picture, other: Picture, area: Area) -> Picture:
    """Return another frame with the exposure of this one: a gain and an offset.

    They are those of a regression over the pixels, without the half of them that fits worst.
    """
    import cv2

    sparse = np.s_[::_SPARSE, ::_SPARSE]
    counted = area[sparse]
    target, source = (picture[sparse][counted] @ np.full(3, 1 / 3) for picture in (frame, other))
    x, y = source, target
    for _ in range(3):
        middle, goal = x.mean(), y.mean()
        apart = x - middle
        spread = apart @ apart
        slope = apart @ (y - goal) / spread if spread > _PLAIN else 1.0
        gain = min(max(float(slope), _GAIN[0]), _GAIN[1])
        offset = float(goal - gain * middle)
        off = np.abs(gain * source + offset - target)
        fitting = off <= np.median(off) + 1
        x, y = source[fitting], target[fitting]
    if abs(gain - 1) < 0.01 and abs(offset) < 0.5:
        return other
    table = np.clip(np.rint(gain * np.arange(256) + offset), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(other, table), np.uint8)


def _smooth(picture: Picture) -> Picture:
    import cv2

    return np.asarray(cv2.GaussianBlur(picture, (5, 5), 1), np.uint8)
