"""The moving pixels of a clip, against its still background; needs no model."""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.data.store import ClipFrames
from clip_har.regions.gaussian import gaussian_blur
from clip_har.settings import Settings

_RESTLESS = 2.0  # a pixel moves when it departs this many times as far as the clip's median pixel
_FULL = 99.0  # percentile of the moving pixels that gets the relevance 1


class MotionRegion(Settings):
    """Estimate where things move: how far each pixel departs from the clip's median frame.

    Background subtraction with the temporal median (Cutler and Davis 1998), on the sampled frames.
    It expects a camera at rest. What stands still in more than half of the frames becomes
    background, and leaves a ghost where it was in the others.

    Attributes:
        smoothing: standard deviation of the Gaussian over each map, share of the short side.
        threshold: smoothed departure, in grey levels (of 255) averaged over the channels, up to
            which a pixel counts as still: above the noise of camera and codec.

    Example:
        >>> frames = np.zeros((5, 3, 32, 32), np.uint8)
        >>> for time in range(5):
        ...     frames[time, :, 8:14, 6 * time : 6 * time + 6] = 200
        >>> relevance = MotionRegion().of_pixels(frames)
        >>> np.unravel_index(relevance[3].argmax(), (32, 32))[0] in range(8, 14)
        True
    """

    smoothing: Annotated[float, Field(gt=0, le=0.5)] = 0.02
    threshold: Annotated[float, Field(ge=0, le=255)] = 6.0

    exact: ClassVar[bool] = False

    def relevance(self, frames: ClipFrames) -> NDArray[np.float32]:
        """Return how strongly each pixel of a clip's frames moves, see `of_pixels`."""
        return self.of_pixels(frames.pixels)

    def of_pixels(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return how strongly each pixel moves.

        Args:
            frames: ``(T, 3, H, W)`` RGB in 0 … 255.

        Returns:
            ``(T, H, W)`` in [0, 1]; all zero when nothing moves, as always with one frame. See
            `clip_har.regions.source.is_found`.

        Raises:
            ValueError: when ``frames`` are not ``(T, 3, H, W)`` of dtype uint8.
        """
        if frames.ndim != 4 or frames.shape[1] != 3 or frames.dtype != np.uint8:
            raise ValueError(
                f"expected uint8 frames of shape (T, 3, H, W), got {frames.dtype} {frames.shape}"
            )
        departure = _departure(frames)
        sigma = self.smoothing * min(frames.shape[2:])
        smooth = gaussian_blur(departure, sigma) / (2 * frames.shape[1])  # grey levels
        # A shaking camera moves most pixels a little: what counts is what stands out from that.
        floor = max(self.threshold, _RESTLESS * float(_percentile(smooth, 50)))
        excess = smooth - floor
        moving = excess > 0
        if not moving.any():
            return np.zeros(smooth.shape, np.float32)
        # Over the moving pixels alone, so that a small ball scales like a large horse.
        full = _percentile(excess[moving], _FULL)
        relevance: NDArray[np.float32] = np.clip(excess / full, 0, 1).astype(np.float32)
        return relevance


def _departure(frames: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return ``(T, H, W)``: twice the distance to the median frame, summed over the channels.

    Twice, since the median of an even number of frames may end in a half.
    """
    ordered = np.sort(frames, axis=0)
    last = len(frames) - 1
    twice_median = ordered[last // 2].astype(np.int16) + ordered[(last + 1) // 2]  # (3, H, W)
    departure: NDArray[np.int32] = np.abs(2 * frames.astype(np.int16) - twice_median).sum(
        axis=1, dtype=np.int32
    )
    return departure


def _percentile(values: NDArray[np.float64], percent: float) -> np.float64:
    # One of the values, not a mean of two: selection has no rounding.
    result: np.float64 = np.percentile(values, percent, method="higher")
    return result
