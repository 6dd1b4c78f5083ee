"""The part of a frame that holds a picture, and what stays on the screen in front of it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (H, W, 3), RGB
Area = NDArray[np.bool_]  # (H, W)

_BAR = 24  # grey levels of 255 up to which a row or column at the border is a black bar
_SETTLED = 8  # grey levels: a pixel that has changed less is as it was, up to the codec's noise
_RING = 0.25  # the ring takes this share of the box on each side
_FRAMED = 0.4  # a picture within a static border takes at least this share of the frame
_ALIVE = 0.15  # and no more than this share of it is static
_SHARP = 40  # grey levels within 3 px: an edge
_BLURRED = 4  # px: how far an edge reaches after the codec and the smoothing


class Box(NamedTuple):
    """A rectangle of whole pixels; the ends are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def short(self) -> int:
        """The shorter side, in pixels."""
        return min(self.bottom - self.top, self.right - self.left)

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts the box out of an array ``(H, W, …)``."""
        return np.s_[self.top : self.bottom, self.left : self.right]

    def inside(self, margin: int) -> "Box":
        """Return the box without a margin, empty if nothing is left; negative: with one more."""
        top, left = self.top + margin, self.left + margin
        return Box(top, left, max(top, self.bottom - margin), max(left, self.right - margin))

    def area(self, shape: tuple[int, int]) -> Area:
        """Return ``(H, W)``: which pixels lie in the box."""
        area = np.zeros(shape, bool)
        area[self.slices] = True
        return area

    def ring(self, shape: tuple[int, int]) -> Area:
        """Return ``(H, W)``: the pixels near the border of the box, where backgrounds are."""
        return self.area(shape) & ~self.inside(round(_RING * self.short)).area(shape)


def box_around(area: Area) -> Box:
    """Return the smallest box that holds an area; the whole frame if it is empty.

    Example:
        >>> area = np.zeros((9, 16), bool)
        >>> area[2:7] = True
        >>> box_around(area)
        Box(top=2, left=0, bottom=7, right=16)
    """
    rows, columns = (np.flatnonzero(area.any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return Box(0, 0, *area.shape)
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def lit_box(frames: Sequence[Picture]) -> Box:
    """Return the part of frames that is not a black letterbox bar in all of them."""
    import cv2

    brightest = np.zeros_like(frames[0])
    for frame in frames:
        brightest = np.asarray(cv2.max(brightest, frame), np.uint8)
    return box_around(_brightest(brightest) > _BAR)


def static_area(frame: Picture, others: Sequence[Picture]) -> Area:
    """Return ``(H, W)``: the pixels that are the same in all frames; all of them without others."""
    import cv2

    changed = np.zeros(frame.shape, np.uint8)
    for other in others:
        changed = np.asarray(cv2.max(changed, cv2.absdiff(frame, other)), np.uint8)
    return _brightest(changed) <= _SETTLED


def framed_box(static: Sequence[Area], box: Box) -> Box | None:
    """Return the picture within a static border, None if it does not look like one.

    It must be large, and hardly any of it may stay as it is: the camera moves. If a subject moves
    before a static scene, places that it comes from or goes to do not change on one side in time.

    Args:
        static: the ``(H, W)`` `static_area` of the frames before and of those after.
        box: the part of the frame without black bars.
    """
    import cv2

    before, after = static
    changed: Area = ~(before & after) & box.area((before.shape[0], before.shape[1]))
    specks = np.ones((3, 3), np.uint8)
    inner = box_around(
        np.asarray(cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, specks)) > 0
    )
    inside = (before | after)[inner.slices]
    large = inside.size >= _FRAMED * before[box.slices].size
    return inner if inner != box and large and inside.mean() <= _ALIVE else None


def overlay(frame: Picture, static: Area) -> Area:
    """Return ``(H, W)``: what stays on the screen if the camera moves, such as text.

    It has sharp edges that stay. Those of a body that the camera follows do not stay that exactly.

    Args:
        frame: ``(H, W, 3)``.
        static: ``(H, W)``, see `static_area`.
    """
    import cv2

    around = np.ones((3, 3), np.uint8)
    edges = _brightest(np.asarray(cv2.morphologyEx(frame, cv2.MORPH_GRADIENT, around), np.uint8))
    sharp = (static & (edges > _SHARP)).astype(np.uint8)
    side = 2 * _BLURRED + 1
    # Between its edges, a letter or a sign belongs to it, too.
    whole = cv2.morphologyEx(
        cv2.dilate(sharp, np.ones((side, side), np.uint8)),
        cv2.MORPH_CLOSE,
        np.ones((side, side), np.uint8),
    )
    return np.asarray(whole) > 0


def _brightest(picture: Picture) -> NDArray[np.uint8]:
    """Return the largest channel of each pixel of ``(H, W, 3)``, ten times as fast as numpy."""
    import cv2

    red, green, blue = cv2.split(picture)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
