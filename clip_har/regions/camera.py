"""How the camera moves between two frames of a clip, estimated without a model."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clip_har.regions.picture import Box, Picture

Matrix = NDArray[np.float64]  # (2, 3)

REST: Matrix = np.eye(2, 3)
"""The motion of a camera at rest."""

_CORNERS = 100  # per frame, the most distinct ones
_QUALITY = 0.003  # least distinctness of a corner, share of the best one's
_APART = 9  # px between corners, so that they lie all over the frame
_LEAST_SUPPORT = 8  # corners that must agree: any three fit a motion, and chance adds a few
_NEAR = 1.0  # px: how far a corner may be off the motion that it supports
_DRAWN = 8 * 60.0**2  # px²: eight places at 60 px from the centre ask for no shear
_RESTING = 0.6  # px: a motion that moves no corner of the frame further is rest
_ZOOM = 2.0  # more zoom than this, or more turning or shear, is no motion of a camera


class Corners(NamedTuple):
    """Distinct places of a frame, which can be found again in other frames.

    Attributes:
        grey: the frame, ``(H, W)``.
        box: where the corners lie.
        places: ``(N, 2)`` as ``(x, y)``.
        ring: ``(N,)``: which of them lie in the ring of the picture's box.
    """

    grey: Any
    box: Box
    places: NDArray[np.float32]
    ring: NDArray[np.bool_]


def corners(frame: Picture, box: Box) -> Corners:
    """Return the corners of a frame (Shi and Tomasi 1994) in a box."""
    import cv2

    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    shape = frame.shape[0], frame.shape[1]
    within = box.area(shape).astype(np.uint8)
    found = cv2.goodFeaturesToTrack(grey, _CORNERS, _QUALITY, _APART, mask=within, blockSize=5)
    places = np.zeros((0, 2), np.float32) if found is None else np.reshape(found, (-1, 2))
    columns, rows = places.astype(int).T
    return Corners(grey, box, places.astype(np.float32), box.ring(shape)[rows, columns])


def camera_motion(start: Corners, second: Picture, guess: Matrix = REST) -> Matrix | None:
    """Return the motion of the camera from the frame with the corners to a second frame.

    The corners are followed by the method of Lucas and Kanade (1981), in a pyramid (Bouguet 2000).
    RANSAC (Fischler and Bolles 1981) finds the affine motion that most corners in the ring near the
    frame's border agree on: a subject fills the middle rather than the border, so it does not
    decide. Then all corners that agree give the least squares. Equal frames give equal motions:
    RANSAC samples from its own generator, which is seeded again for each call.

    Args:
        start: the corners of the first frame.
        second: the second frame.
        guess: the expected motion.

    Returns:
        What takes ``(x, y, 1)``, pixels of the first frame, to the second. Exactly `REST` if it
        moves no corner of the frame by more than 0.6 px, None if it is not known.

    Example:
        >>> ground = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
        >>> ground = ground.repeat(4, axis=0).repeat(4, axis=1)
        >>> first, second = (ground[8:136, x : x + 128] for x in (8, 14))
        >>> camera_motion(corners(first, Box(0, 0, 128, 128)), second).round().astype(int).tolist()
        [[1, 0, -6], [0, 1, 0]]
    """
    import cv2

    if len(start.places) < _LEAST_SUPPORT:
        return None
    grey = cv2.cvtColor(second, cv2.COLOR_RGB2GRAY)
    expected = (start.places @ guess[:, :2].T + guess[:, 2]).astype(np.float32)
    ends, found, _ = cv2.calcOpticalFlowPyrLK(
        start.grey,
        _exposed(grey, start),
        start.places,
        expected,
        winSize=(13, 13),
        maxLevel=3,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    followed = np.ravel(found) > 0
    first, last = start.places[followed], np.asarray(ends, np.float32)[followed]
    ring = start.ring[followed]
    if ring.sum() < _LEAST_SUPPORT:
        ring = np.ones_like(ring)
    motion = _agreed(first, last, ring)
    if motion is None or not _plausible(motion):
        return None
    height, width = start.grey.shape
    return REST if _reach(motion, height, width) <= _RESTING else motion


def _exposed(grey: Any, start: Corners) -> Any:
    """Return a frame ``(H, W)`` with the mean and the contrast of the first one, in its box."""
    import cv2

    cut = start.box.slices
    (mean, spread), (old_mean, old_spread) = (
        np.ravel(cv2.meanStdDev(picture[cut])) for picture in (start.grey, grey)
    )
    gain = spread / max(old_spread, 1.0)
    table = np.clip(np.rint(gain * (np.arange(256) - old_mean) + mean), 0, 255)
    return cv2.LUT(grey, table.astype(np.uint8))


def _agreed(
    first: NDArray[np.float32], last: NDArray[np.float32], ring: NDArray[np.bool_]
) -> Matrix | None:
    """Return the motion that most places ``(N, 2)`` in the ring agree on, None if few do."""
    import cv2

    if ring.sum() < _LEAST_SUPPORT:
        return None
    similarity, agreeing = cv2.estimateAffinePartial2D(
        first[ring],
        last[ring],
        method=cv2.RANSAC,
        ransacReprojThreshold=_NEAR,
        maxIters=500,
        confidence=0.999,
    )
    if similarity is None or np.sum(agreeing) < _LEAST_SUPPORT:
        return None
    motion: Matrix = np.asarray(similarity, np.float64)
    for near in (2 * _NEAR, _NEAR):
        off = np.hypot(*(first @ motion[:, :2].T + motion[:, 2] - last).T)
        agree = off <= near
        if agree.sum() < _LEAST_SUPPORT:
            return None
        motion = _least_squares(first[agree], last[agree])
    return motion


def _least_squares(first: NDArray[np.float32], last: NDArray[np.float32]) -> Matrix:
    """Return the affine motion that takes places ``(N, 2)`` to others.

    It is drawn to the best pan, zoom and roll, as if a few more places said so: places on a line,
    such as those of a fence, would not tell how the rest of the frame moves.
    """
    start, end = (places[:, 0] + 1j * places[:, 1] for places in (first, last))
    centre, goal = start.mean(), end.mean()
    turn = ((start - centre).conj() @ (end - goal)) / ((start - centre).conj() @ (start - centre))
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    apart = first - first.mean(axis=0, dtype=np.float64)
    left = last - last.mean(axis=0, dtype=np.float64) - apart @ linear.T
    drawn = apart.T @ apart + _DRAWN * np.eye(2)
    linear += np.linalg.solve(drawn, apart.T @ left).T
    pan = last.mean(axis=0, dtype=np.float64) - linear @ first.mean(axis=0, dtype=np.float64)
    return np.column_stack([linear, pan])


def _plausible(motion: Matrix) -> bool:
    """Return whether zoom, roll and shear of a motion are plausible for a camera."""
    stretch = np.linalg.svd(motion[:, :2], compute_uv=False)
    return bool(stretch[1] >= 1 / _ZOOM and stretch[0] <= _ZOOM and motion[0, 0] > 0)


def _reach(motion: Matrix, height: int, width: int) -> float:
    """Return by how many pixels a motion moves the corners of a frame at most, in x or y."""
    ends = np.array([[x, y] for x in (0.0, width) for y in (0.0, height)])
    return float(np.abs(ends @ motion[:, :2].T + motion[:, 2] - ends).max())
