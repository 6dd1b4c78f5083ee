"""The moving pixels of a clip, against its static background; needs no model."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.work_ahead import work_ahead
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.regions.departure import Departure, departure
from clip_har.regions.picture import Picture
from clip_har.regions.source import (
    INSIDE,
    Estimate,
    FindsSubject,
    Locator,
    SureRegionSettings,
)

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot

_AWAY = (0.08, 0.2, 0.4)  # s from a frame to those that it is compared with, on either side
_RATE = 25.0  # frames per second of a video that does not say
_RESTLESS = 3.0  # a pixel moves if its departure is this many times that of the median pixel
_CLOSED = 9  # px: gaps of this width within a body are closed
_OPENED = 3  # px: thinner things do not move
_STRONG = 0.1  # a part needs twice the least departure on this share of its pixels
_PART = 0.1  # and this share of the size of the largest part
_HOLE = 0.3  # a hole is filled if it takes no more than this share of the frame,
_HOLLOW = 2.0  # and is no more than this many times as large as what surrounds it
_INNER = 3.0  # px: standard deviation of the smoothing of what ranks the moving pixels
_FULL = 99.0  # percentile of the moving pixels that gets the soft mask 1
_LARGE = (0.4, 0.6)  # share of the frame from which on confidence falls, and at which it is 0
_SMALL = (0.0005, 0.003)  # share of the frame at which confidence is 0, and from which on it is not
_CONTRAST = (4.0, 10.0)  # inside over outside: confidence 0, confidence 1
_SEEN = 0.5  # share of the other frames that must show the scene for full confidence
_AT_ONCE = 128  # frames of a clip whose neighbours are in memory at the same time


class MotionRegion(FindsSubject, SureRegionSettings):
    """Estimate where targets move: how far each pixel departs from the scene behind it.

    Each frame is compared with frames 0.08, 0.24 and 0.48 seconds before and after it, after the
    motion of the camera and the exposure are taken out; see `clip_har.regions.departure`. What
    departs clearly is closed, filled and freed from specks.

    The confidence of a frame is high if its region departs much more than the rest of the frame,
    and has a plausible size. It is low if the whole frame departs: the camera moves through the
    scene (following a rider), or its motion was not found; if the frame is cut off from its
    neighbours; if the region is a few pixels, or most of the frame.

    It does not know who moves. The subject, and so the person, is all that moves: also shadows,
    other people, a ball, leaves in the wind, and text over the picture. Who stands still, or moves
    an arm only, is missed, or but for the arm.

    Attributes:
        threshold: departure, in grey levels (of 255) averaged over the channels, up to which a
            pixel counts as static: above the noise of camera and codec.

    Example:
        >>> frames = np.full((5, 64, 64, 3), 90, np.uint8)
        >>> for time in range(5):
        ...     frames[time, 20:32, 12 * time : 12 * time + 12] = 200
        >>> soft_mask, confidence = MotionRegion().of_frame(frames[2], frames[1::-1], frames[3:])
        >>> [int(axis.mean()) for axis in np.nonzero(soft_mask)], confidence
        ([25, 29], 1.0)
    """

    threshold: Annotated[float, Field(ge=0, le=255)] = 6.0

    def identity(self, clips: ClipSet) -> str:  # noqa: ARG002
        """Return the version of OpenCV, which decides how frames are registered."""
        import cv2

        return f"opencv {cv2.__version__}"

    def locator(self, zero_shot: "Callable[[], ZeroShot]") -> Locator:  # noqa: ARG002
        """Return the function that finds the moving pixels of clips.

        It runs on the CPU, in as many threads as PyTorch may use there.
        """
        import torch

        count = torch.get_num_threads()
        threads = count if count > 1 else 0

        def locate(clips: Sequence[ClipFrames], target: str) -> list[Estimate]:
            self.check(target)
            moving = list(work_ahead(self.of_clip, clips, threads=threads, limit=count))
            return [found.of(target) for found in moving]

        return locate

    def of_clip(self, clip: ClipFrames) -> Estimate:
        """Return where things move in the frames of a clip.

        Raises:
            ClipHarError: when the clip's frames cannot be decoded again.
        """
        found = [self._region(apart) for apart in departures(clip)]
        return Estimate(
            np.stack([soft_mask for soft_mask, _ in found]),
            np.array([confidence for _, confidence in found], np.float32),
        )

    def of_frame(
        self, frame: Picture, before: Sequence[Picture], after: Sequence[Picture]
    ) -> tuple[NDArray[np.float32], float]:
        """Return how strongly each pixel of a frame moves, and how sure that is.

        Args:
            frame: ``(H, W, 3)`` uint8 RGB.
            before: earlier frames of the same size, the nearest first.
            after: later frames, the nearest first.

        Returns:
            The soft mask ``(H, W)`` float32: 0 for a static pixel, and for a moving one 0.5 up to
            1, the strength of the 99th percentile. And the confidence in [0, 1].
        """
        return self._region(departure(frame, before, after))

    def _region(self, apart: Departure) -> tuple[NDArray[np.float32], float]:
        import cv2

        least = max(self.threshold, _RESTLESS * apart.noise)
        moving = _whole_parts(apart.levels, least)
        if not moving.any():
            return np.zeros(moving.shape, np.float32), 0.0
        # Blurred, since the strength of a smooth body's inside says little.
        strength = np.asarray(cv2.GaussianBlur(apart.levels, (0, 0), _INNER))
        strength = np.clip(strength / np.percentile(strength[moving], _FULL), 0, 1)
        soft_mask = np.where(moving, INSIDE + (1 - INSIDE) * strength, 0).astype(np.float32)
        return soft_mask, _confidence(apart, moving, least)


def departures(clip: ClipFrames) -> Iterator[Departure]:
    """Yield how far the pixels of each frame of a clip depart from the scene.

    Raises:
        ClipHarError: when the clip's frames cannot be decoded again.
    """
    for start in range(0, len(clip.indices), _AT_ONCE):
        indices = clip.indices[start : start + _AT_ONCE]
        near = {index: _near(index, clip) for index in indices}
        places = sorted({place for sides in near.values() for side in sides for place in side})
        shown = dict(zip(places, clip.others(places), strict=True)) if places else {}
        pictures = {place: _channels_last(pixels) for place, pixels in shown.items()}
        for index, pixels in zip(indices, clip.pixels[start : start + _AT_ONCE], strict=True):
            before, after = ([pictures[place] for place in side] for side in near[index])
            yield departure(_channels_last(pixels), before, after)


def _near(index: int, clip: ClipFrames) -> tuple[list[int], list[int]]:
    """Return the indices of the frames before and after one, the nearest first."""
    rate, last = clip.fps or _RATE, clip.frame_count - 1
    steps = [max(1, round(seconds * rate)) for seconds in _AWAY]
    before = {max(0, index - step) for step in steps} - {index}
    after = {min(last, index + step) for step in steps} - {index}
    return sorted(before, reverse=True), sorted(after)


def _whole_parts(levels: NDArray[np.float32], least: float) -> NDArray[np.bool_]:
    """Return ``(H, W)``: bodies without holes, of pixels that depart by more than ``least``."""
    import cv2

    region: Any = (levels > least).astype(np.uint8)
    for how, size in ((cv2.MORPH_CLOSE, _CLOSED), (cv2.MORPH_OPEN, _OPENED)):
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        region = cv2.morphologyEx(region, how, disc)
    count, parts, measures, _ = cv2.connectedComponentsWithStats(region)
    sizes = measures[:, cv2.CC_STAT_AREA]
    strong = np.bincount(parts[levels > 2 * least], minlength=count)
    kept = strong >= _STRONG * sizes
    kept[0] = False
    kept &= sizes >= _PART * sizes[kept].max(initial=0)
    return _filled(kept[parts])


def _filled(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill holes; one may touch the border of the frame, if it is deeper than wide there.

    A body that the border cuts off is open there, but so is the sky over trees.
    """
    import cv2

    height, width = region.shape
    _, parts, measures, _ = cv2.connectedComponentsWithStats(
        (~region).astype(np.uint8), connectivity=4
    )
    left, top, across, down, size = measures.T
    beside = (left == 0) | (left + across == width)
    above = (top == 0) | (top + down == height)
    closed = np.where(beside, across >= down, True) & np.where(above, down >= across, True)
    holes = closed & ~(beside & above) & (size <= min(_HOLLOW * region.sum(), _HOLE * region.size))
    holes[0] = False
    filled: NDArray[np.bool_] = region | holes[parts]
    return filled


def _confidence(apart: Departure, moving: NDArray[np.bool_], least: float) -> float:
    """Return how sure it is that a region is what moves, in [0, 1]."""
    inside, outside = apart.known & moving, apart.known & ~moving
    if not (inside.any() and outside.any()):
        return 0.0
    share = float(inside.sum() / apart.known.sum())
    # A tenth of what counts as motion is as good as nothing.
    contrast = apart.levels[inside].mean() / (apart.levels[outside].mean() + 0.1 * least)
    size = _ramp(share, *_SMALL) * (1 - _ramp(share, *_LARGE))
    return size * _ramp(float(contrast), *_CONTRAST) * _ramp(apart.seen, 0, _SEEN)


def _ramp(value: float, start: float, end: float) -> float:
    """Return 0 up to the start, 1 from the end on."""
    return min(1.0, max(0.0, (value - start) / (end - start)))


def _channels_last(frame: NDArray[np.uint8]) -> Picture:
    """Return a frame ``(3, H, W)`` as OpenCV takes it, ``(H, W, 3)``."""
    return np.ascontiguousarray(frame.transpose(1, 2, 0))
