"""The moving pixels of a clip, against its static background; needs no model."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.regions.camera import REFERENCE, camera_motion, channels_last, is_at_rest, picture_box
from clip_har.regions.gaussian import gaussian_blur
from clip_har.regions.source import (
    BACKGROUND,
    INSIDE,
    PERSON,
    SUBJECT,
    Estimate,
    Locator,
    RegionSettings,
    refuse,
)

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot

_THINGS = (SUBJECT, PERSON, BACKGROUND)
_RESTLESS = 2.0  # a pixel moves if its departure is this many times that of the median pixel
_FULL = 99.0  # percentile of the moving pixels that gets the soft mask 1
_SEEN = 2  # frames that must show a place (with the frame itself) for its background to be known
_MARGIN = 2  # px at the border of a frame that are not used for a moving camera's background
_UNSEEN = np.int16(1 << 14)  # sorts behind every grey level
# An outline that is this much stronger in the background than in the frame is that of a ghost: a
# smooth body in front of rough ground hides at most half of the ground's edges along its outline.
_GHOST = 2.0


class _Scene(NamedTuple):
    """Frames with the background that each is compared with, in doubled grey levels.

    Doubled, since the median of an even number of frames may end in a half.
    """

    frames: NDArray[np.int16]  # (T, 3, H, W)
    background: NDArray[np.int16]  # (T, 3, H, W)
    departure: NDArray[np.int32]  # (T, H, W), summed over the channels
    known: NDArray[np.bool_]  # (T, H, W)


class MotionRegion(RegionSettings):
    """Estimate where targets move: how far each pixel departs from the static background.

    Background subtraction with the temporal median (Cutler and Davis 1998) on the sampled frames,
    after the motion of the camera is taken out (see `clip_har.regions.camera.camera_motion`). With
    a camera at rest nothing is registered or resampled.

    It does not know who moves. The subject, and so the person, is all that moves: also shadows,
    other people, a ball, leaves in the wind, and text over the picture. A person who stands still
    is missed. A body that stays in one place in more than half of the frames becomes background
    there, and a ghost is left in the frames where the body is gone. A camera that travels through a
    scene (following a rider) does not move the whole picture alike, and a fast pan shows each place
    too rarely. Frames that cannot be registered, and places that no other frame shows, count as
    static. More sampled frames help.

    Attributes:
        smoothing: standard deviation of the Gaussian over each map, share of the short side.
        threshold: smoothed departure, in grey levels (of 255) averaged over the channels, up to
            which a pixel counts as static: above the noise of camera and codec.
        camera: ``moving`` compensates its motion, ``static`` uses every frame as it is.
        speckle: connected components of a frame's moving region are dropped if they are smaller
            than this share of the region's mean area over the frames that have one; 0 drops none.

    Example:
        >>> frames = np.zeros((5, 3, 32, 32), np.uint8)
        >>> for time in range(5):
        ...     frames[time, :, 8:14, 6 * time : 6 * time + 6] = 200
        >>> soft_mask = MotionRegion().of_pixels(frames)
        >>> np.unravel_index(soft_mask[3].argmax(), (32, 32))[0] in range(8, 14)
        True
    """

    smoothing: Annotated[float, Field(gt=0, le=0.5)] = 0.01
    threshold: Annotated[float, Field(ge=0, le=255)] = 6.0
    camera: Literal["moving", "static"] = "moving"
    speckle: Annotated[float, Field(ge=0, lt=1)] = 0.1

    finds_regions: ClassVar[bool] = True
    exact: ClassVar[bool] = False
    person_is_subject: ClassVar[bool] = True
    asks_model: ClassVar[bool] = False
    in_threads: ClassVar[bool] = True

    def check(self, target: str) -> None:
        """Raise `ClipHarError` unless it is the subject, the person or the background."""
        if target not in _THINGS:
            raise refuse("motion", target, _THINGS)

    def uses_label(self, target: str) -> bool:  # noqa: ARG002
        """Return False: only pixels are used."""
        return False

    def identity(self, clips: ClipSet) -> str:  # noqa: ARG002
        """Return the version of OpenCV, which decides how frames are registered."""
        import cv2

        return f"opencv {cv2.__version__}"

    def locator(self, zero_shot: "Callable[[], ZeroShot]") -> Locator:  # noqa: ARG002
        """Return the function that finds the moving pixels of clips; it runs on the CPU."""

        def locate(clips: Sequence[ClipFrames], target: str) -> list[Estimate]:
            self.check(target)
            moving = [Estimate.sure(self.of_pixels(frames.pixels)) for frames in clips]
            return [found.rest() for found in moving] if target == BACKGROUND else moving

        return locate

    def of_pixels(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return how strongly each pixel moves.

        Args:
            frames: ``(T, 3, H, W)`` RGB in 0 … 255.

        Returns:
            ``(T, H, W)``: 0 for a static pixel, and for a moving one 0.5 up to 1, the strength of
            the 99th percentile of the clip's moving pixels. All zero when nothing moves, as always
            with one frame.

        Raises:
            ValueError: when ``frames`` are not ``(T, 3, H, W)`` of dtype uint8.
        """
        if frames.ndim != 4 or frames.shape[1] != 3 or frames.dtype != np.uint8:
            raise ValueError(
                f"expected uint8 frames of shape (T, 3, H, W), got {frames.dtype} {frames.shape}"
            )
        scene = self._scene(frames)
        nothing = np.zeros(scene.known.shape, np.float32)
        if not scene.known.any():
            return nothing
        sigma = self.smoothing * min(frames.shape[2:])
        smooth = gaussian_blur(scene.departure, sigma) / (2 * frames.shape[1])  # grey levels
        # A shaking camera moves most pixels a little: only pixels that move more count.
        floor = max(self.threshold, _RESTLESS * float(_percentile(smooth[scene.known], 50)))
        excess = smooth - floor
        moving = (excess > 0) & scene.known
        # The smoothing carries a region's outline this far beyond the body's own edge.
        reach = math.ceil(2 * sigma)
        moving = _without_speckle(_without_ghosts(moving, scene, reach), self.speckle)
        if not moving.any():
            return nothing
        # Over the moving pixels alone, so that a small ball scales like a large horse.
        strength = np.clip(excess / _percentile(excess[moving], _FULL), 0, 1)
        return np.where(moving, INSIDE + (1 - INSIDE) * strength, 0).astype(np.float32)

    def _scene(self, frames: NDArray[np.uint8]) -> _Scene:
        if self.camera == "moving":
            motion = camera_motion(frames)
            if not is_at_rest(motion):
                return _registered_scene(frames, motion)
        return _still_scene(frames)


def _still_scene(frames: NDArray[np.uint8]) -> _Scene:
    """Compare every frame with the one median frame."""
    ordered = np.sort(frames, axis=0)
    last = len(frames) - 1
    median = ordered[last // 2].astype(np.int16) + ordered[(last + 1) // 2]  # (3, H, W), doubled
    doubled = 2 * frames.astype(np.int16)
    departure = np.abs(doubled - median).sum(axis=1, dtype=np.int32)
    known = np.ones(departure.shape, bool)
    return _Scene(doubled, np.broadcast_to(median, frames.shape), departure, known)


def _registered_scene(frames: NDArray[np.uint8], motion: NDArray[np.float64]) -> _Scene:
    """Compare every frame with the median of all frames, registered to it.

    Registration is right to about a pixel, and resampling blurs. So all frames are blurred first,
    and a pixel departs only if the background has no such value within a pixel.
    """
    import cv2

    height, width = frames.shape[2:]
    step = max(1, round(min(height, width) / REFERENCE))
    inner = picture_box(frames).inside(_MARGIN * step)
    area = inner.area((height, width))
    blurred: list[Any] = [cv2.GaussianBlur(channels_last(f), (0, 0), step) for f in frames]
    pictures = np.stack(blurred)  # (T, H, W, 3)
    around = np.ones((2 * step + 1, 2 * step + 1), np.uint8)
    background = np.zeros(pictures.shape, np.int16)
    departure = np.zeros((len(frames), height, width), np.int32)
    known = np.zeros(departure.shape, bool)
    for time, picture in enumerate(pictures):
        background[time], seen = _median_over(time, pictures, motion, area)
        known[time] = (seen >= _SEEN) & area
        doubled = 2 * picture.astype(np.int16)
        below = cv2.erode(background[time], around) - doubled
        above = doubled - cv2.dilate(background[time], around)
        apart = np.maximum(np.maximum(below, above), 0).sum(axis=-1)
        departure[time] = np.where(known[time], apart, 0)
    for maps in (departure, known):  # what moves at the margin's edge moves in the margin
        cut = maps[:, inner.top : inner.bottom, inner.left : inner.right]
        if cut.size:
            margin = _MARGIN * step
            box = inner.inside(-margin)
            maps[:, box.top : box.bottom, box.left : box.right] = np.pad(
                cut, ((0, 0), (margin, margin), (margin, margin)), mode="edge"
            )
    doubled = 2 * pictures.astype(np.int16)
    return _Scene(doubled.transpose(0, 3, 1, 2), background.transpose(0, 3, 1, 2), departure, known)


def _median_over(
    time: int, pictures: NDArray[np.uint8], motion: NDArray[np.float64], area: NDArray[np.bool_]
) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Return the doubled median ``(H, W, 3)`` in one frame's place, and how many frames show it.

    Args:
        time: the frame.
        pictures: ``(T, H, W, 3)`` uint8.
        motion: ``(T, T, 3, 3)``, see `camera_motion`.
        area: ``(H, W)``: the pixels of each picture that count.
    """
    import cv2

    size = area.shape[::-1]
    layers = np.full(pictures.shape, _UNSEEN)
    for other in np.flatnonzero(~np.isnan(motion[:, time, 0, 0])):
        onto = motion[other, time, :2]
        shown = cv2.warpAffine(area * np.uint8(255), onto, size) == 255
        layers[other][shown] = cv2.warpAffine(pictures[other], onto, size)[shown]
    seen = (layers[..., 0] != _UNSEEN).sum(axis=0)  # (H, W)
    layers.sort(axis=0)
    last = np.maximum(seen, 1)[None, ..., None] - 1
    low, high = (np.take_along_axis(layers, rank // 2, axis=0)[0] for rank in (last, last + 1))
    return np.where(seen[..., None] > 0, low + high, 0).astype(np.int16), seen


def _without_ghosts(moving: NDArray[np.bool_], scene: _Scene, reach: int) -> NDArray[np.bool_]:
    """Return the moving region without the components whose outline only the background shows.

    If a body that is in the median frame is gone, the frame shows smooth ground there (after
    Cucchiara et al. 2003, who recognise ghosts by their optical flow).

    Args:
        moving: ``(T, H, W)``.
        scene: the frames and backgrounds.
        reach: distance from a component's outline within which edges count as its own, in pixels.
    """
    import cv2

    around = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    kept = np.zeros_like(moving)
    for time, region in enumerate(moving):
        now, static = _edges(scene.frames[time]), _edges(scene.background[time])
        count, parts = cv2.connectedComponents(region.astype(np.uint8))
        for number in range(1, count):
            part = (parts == number).astype(np.uint8)
            outline = cv2.dilate(part, around) > cv2.erode(part, around)
            if static[outline].sum() <= _GHOST * now[outline].sum():
                kept[time] |= part > 0
    return kept


def _edges(picture: NDArray[np.int16]) -> NDArray[np.int32]:
    """Return the strength of edges in ``(3, H, W)``: differences to the next pixels, summed."""
    whole = picture.astype(np.int32)
    down = np.abs(np.diff(whole, axis=1, append=whole[:, -1:])).sum(axis=0)
    right = np.abs(np.diff(whole, axis=2, append=whole[:, :, -1:])).sum(axis=0)
    edges: NDArray[np.int32] = down + right
    return edges


def _without_speckle(moving: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """Return the moving region without components below a share of its mean area per frame."""
    import cv2

    frames = int(moving.any(axis=(1, 2)).sum())
    least = share * moving.sum() / max(1, frames)
    kept = np.zeros_like(moving)
    for time, region in enumerate(moving):
        _, parts, measures, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8))
        kept[time] = region & (measures[:, cv2.CC_STAT_AREA] >= least)[parts]
    return kept


def _percentile(values: NDArray[np.float64], percent: float) -> np.float64:
    # One of the values, not a mean of two: selection has no rounding.
    result: np.float64 = np.percentile(values, percent, method="higher")
    return result
