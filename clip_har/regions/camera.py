"""Camera motion between the frames of a clip, estimated without a model."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Matrix = NDArray[np.float64]

REFERENCE = 224  # px: lengths in pixels are meant for frames of this short side, and grow with it

_LEAST_EDGE = 32  # px: smaller frames have no features that can be distinguished
_FEATURES = 1000  # per frame, the most distinct ones
_CONTRAST = 0.015  # of a feature; SIFT's own 0.04 leaves grass and sky without any
_RATIO = 0.8  # a match must be this much closer than the second best (Lowe 2004)
_LEAST_SUPPORT = 8  # matches that must agree: any two fit a motion, and chance adds a few
_NEAR = 2.0  # px: how far a match may be off the motion that it supports
_RESTING = 1.0  # px: how far a match may be off its old place and still support rest
_REST = 0.4  # the camera rests if this share of a motion's support is found for rest as well
_ZOOM = 2.0  # frames that more zoom than this, or more turning, would explain are not linked
_TURN = np.pi / 6
_MATES = 16  # distances in time over which frames are matched, at most
_AGREE = 6.0  # grey levels of 255: frames show the same if their median difference is no more
_BAR = 24  # grey levels of 255 up to which a row or column at the border is a black bar


class Box(NamedTuple):
    """A rectangle of whole pixels; the ends are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    def inside(self, margin: int) -> "Box":
        """Return the box without a margin, empty if nothing is left."""
        top, left = self.top + margin, self.left + margin
        return Box(top, left, max(top, self.bottom - margin), max(left, self.right - margin))

    def area(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return ``(H, W)``: which pixels lie in the box."""
        area = np.zeros(shape, bool)
        area[self.top : self.bottom, self.left : self.right] = True
        return area


class _Features(NamedTuple):
    places: NDArray[np.float32]  # (N, 2), as (x, y)
    descriptors: NDArray[np.float32]  # (N, 128)


def camera_motion(frames: Frames) -> Matrix:
    """Return the global motion from each frame of a clip to each other frame.

    Frames are matched in pairs by SIFT features and the ratio test (Lowe 2004). RANSAC (Fischler
    and Bolles 1981) then finds the pan, zoom and roll that most matches agree on, so that a moving
    subject does not decide it. The motion is accepted if it makes the two frames similar. If many
    matches also agree on rest, it is exactly rest. Frames that do not match directly are linked by
    the shortest chain of pairs. If there is no chain, the motion is rest if the frames are similar
    without any motion (a scene without features), and otherwise unknown.

    Equal frames give equal motions, in any process and with any number of threads: RANSAC samples
    from its own generator, which is seeded again for every pair.

    Args:
        frames: ``(T, 3, H, W)`` uint8 RGB.

    Returns:
        ``(T, T, 3, 3)``: ``[s, t]`` takes ``(x, y, 1)``, pixels of frame s, to frame t. Exactly
        the identity where the camera rested, NaN if the motion is not known.

    Example:
        >>> ground = np.random.default_rng(0).integers(0, 256, (3, 40, 50), np.uint8)
        >>> ground = ground.repeat(4, axis=1).repeat(4, axis=2)
        >>> frames = np.stack([ground[:, 8:136, x : x + 128] for x in (8, 28)])
        >>> camera_motion(frames)[0, 1].round().astype(int).tolist()
        [[1, 0, -20], [0, 1, 0], [0, 0, 1]]
    """
    import cv2

    count = len(frames)
    area = picture_box(frames).area((frames.shape[2], frames.shape[3]))
    grey: list[Any] = [cv2.cvtColor(channels_last(frame), cv2.COLOR_RGB2GRAY) for frame in frames]
    smooth: list[Any] = [cv2.blur(picture, (5, 5)) for picture in grey]
    features = [_features(picture) for picture in grey]
    motion = np.full((count, count, 3, 3), np.nan)
    support = np.zeros((count, count), np.int64)
    for first, second in _pairs(count):
        found, supporting = _pair_motion(features[first], features[second], min(area.shape))
        if found is None:
            continue
        if not is_at_rest(found) and not _alike(smooth[first], smooth[second], area, found):
            continue
        support[first, second] = support[second, first] = supporting
        motion[first, second], motion[second, first] = found, np.linalg.inv(found)
    motion = _linked(motion, support)
    for first, second in np.argwhere(np.isnan(motion[:, :, 0, 0])):
        if _alike(smooth[first], smooth[second], area, np.eye(3)):
            motion[first, second] = np.eye(3)
    return motion


def is_at_rest(motion: Matrix) -> bool:
    """Return whether all motions ``(..., 3, 3)`` are exactly rest, see `camera_motion`."""
    return bool((motion == np.eye(3)).all())


def picture_box(frames: Frames) -> Box:
    """Return the part of the frames that holds a picture, without black letterbox bars.

    Args:
        frames: ``(T, 3, H, W)`` uint8 RGB.

    Example:
        >>> frames = np.zeros((2, 3, 9, 16), np.uint8)
        >>> frames[:, :, 2:7] = 90
        >>> picture_box(frames)
        Box(top=2, left=0, bottom=7, right=16)
    """
    brightest = frames.max(axis=(0, 1))  # (H, W)
    rows, columns = (np.flatnonzero(brightest.max(axis=axis) > _BAR) for axis in (1, 0))
    if len(rows) == 0:
        return Box(0, 0, *brightest.shape)
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def channels_last(frame: Frames) -> Frames:
    """Return a frame ``(3, H, W)`` as OpenCV takes it, ``(H, W, 3)``."""
    return np.ascontiguousarray(frame.transpose(1, 2, 0))


def _pairs(count: int) -> list[tuple[int, int]]:
    """Return the pairs of frames to match: all, or in long clips those of some distances."""
    gaps = sorted(set(np.linspace(1, count - 1, _MATES).round().astype(int).tolist()) - {0})
    return [(first, first + gap) for gap in gaps for first in range(count - gap)]


def _features(grey: Frames) -> _Features:
    """Return the features of a frame ``(H, W)``."""
    import cv2

    if min(grey.shape) >= _LEAST_EDGE:
        sift = cv2.SIFT.create(nfeatures=_FEATURES, contrastThreshold=_CONTRAST)
        points, descriptors = sift.detectAndCompute(grey, None)
        if len(points):
            return _Features(
                np.array([point.pt for point in points], np.float32),
                np.asarray(descriptors, np.float32),
            )
    return _Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))


def _pair_motion(first: _Features, second: _Features, edge: int) -> tuple[Matrix | None, int]:
    """Return the motion between two frames, None if unknown, and how many matches support it.

    Args:
        first: features of the frame to start from.
        second: features of the frame to end in.
        edge: short side of the frames, in pixels.
    """
    import cv2

    start, end = _matches(first, second)
    if len(start) < _LEAST_SUPPORT:
        return None, 0
    scale = max(1.0, edge / REFERENCE)
    affine, agreeing = cv2.estimateAffinePartial2D(
        start,
        end,
        method=cv2.RANSAC,
        ransacReprojThreshold=_NEAR * scale,
        maxIters=5000,
        confidence=0.999,
    )
    supporting = 0 if affine is None else int(agreeing.sum())
    resting = int((np.abs(start - end).max(axis=1) <= _RESTING * scale).sum())
    if resting >= max(_LEAST_SUPPORT, _REST * supporting):
        return np.eye(3), resting
    if supporting < _LEAST_SUPPORT or not _plausible(np.asarray(affine)):
        return None, 0
    return np.vstack([affine, [0, 0, 1]]), supporting


def _matches(
    first: _Features, second: _Features
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the places ``(M, 2)`` in either frame of the features that match."""
    import cv2

    if min(len(first.places), len(second.places)) < _LEAST_SUPPORT:
        return first.places[:0], second.places[:0]
    nearest = cv2.BFMatcher().knnMatch(first.descriptors, second.descriptors, k=2)
    good = [best for best, other in nearest if best.distance < _RATIO * other.distance]
    start = first.places[[match.queryIdx for match in good]]
    end = second.places[[match.trainIdx for match in good]]
    return start, end


def _plausible(affine: Matrix) -> bool:
    """Return whether zoom and roll of a motion ``(2, 3)`` are plausible for a camera."""
    zoom = np.hypot(affine[0, 0], affine[1, 0])
    turn = np.arctan2(affine[1, 0], affine[0, 0])
    return bool(1 / _ZOOM <= zoom <= _ZOOM and abs(turn) <= _TURN)


def _alike(first: Frames, second: Frames, area: NDArray[np.bool_], motion: Matrix) -> bool:
    """Return whether two grey frames ``(H, W)`` are similar after the first is moved."""
    import cv2

    size = first.shape[::-1]
    moved = cv2.warpAffine(first, motion[:2], size)
    covered = cv2.warpAffine(area * np.uint8(255), motion[:2], size) == 255
    apart = np.abs(moved.astype(np.int16) - second)[covered & area]
    return bool(apart.size) and bool(np.median(apart) <= _AGREE)


def _linked(motion: Matrix, support: NDArray[np.int64]) -> Matrix:
    """Return the motions between all frames that a chain of supported pairs links.

    The chain with the fewest pairs wins, among those the one whose weakest pair is the strongest.
    """
    linked = motion.copy()
    for start in range(len(motion)):
        linked[start, start] = np.eye(3)
        strength = {start: np.inf}  # of the weakest pair on the chain to each frame reached
        fringe = [start]
        while fringe:
            steps: dict[int, tuple[float, int]] = {}
            for via in fringe:
                for end in np.flatnonzero(support[via]).tolist():
                    weakest = min(strength[via], float(support[via, end]))
                    if end not in strength and weakest > steps.get(end, (0.0, 0))[0]:
                        steps[end] = (weakest, via)
            for end, (weakest, via) in steps.items():
                strength[end] = weakest
                linked[start, end] = motion[via, end] @ linked[start, via]
            fringe = sorted(steps)
    return linked
