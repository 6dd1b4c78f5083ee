"""What decoding a clip gives, be it a video or images."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_har.data.decode.containers import DecodeError
from clip_har.data.sampling import FrameSettings, SamplingError, sample_indices


@dataclass(frozen=True)
class DecodedClip:
    """The sampled frames of a clip and their positions in it.

    Attributes:
        frames: ``(T, H, W, 3)`` uint8 RGB, upright.
        indices: ``T`` positions among the clip's own frames (0 = first at or after its start).
        frame_count: how many frames the clip has.
        fps: average frame rate that the container states, or the one that is set for images; None
            if it is not known.
    """

    frames: NDArray[np.uint8]
    indices: list[int]
    frame_count: int
    fps: float | None

    @property
    def width(self) -> int:
        """Of the upright frame, in pixels."""
        return int(self.frames.shape[2])

    @property
    def height(self) -> int:
        """Of the upright frame, in pixels."""
        return int(self.frames.shape[1])


@dataclass(frozen=True)
class VideoLength:
    """The length of a clip according to its packets, or its images, without decoding it.

    Attributes:
        frames: number of frames in its packets; decoding may yield one or two fewer.
        seconds: from the first frame to the end of the last; NaN if the rate of images is not
            known.
        width: of the frames as stored, in pixels.
        height: of the frames as stored, in pixels.
        fps: as of `DecodedClip`.
    """

    frames: int
    seconds: float
    width: int
    height: int
    fps: float | None


def sampled(settings: FrameSettings, times: Sequence[float]) -> list[int]:
    """Return which frames of a clip are kept, as `sample_indices` does.

    Raises:
        DecodeError: when these are too many.
    """
    try:
        return sample_indices(settings, times)
    except SamplingError as error:
        raise DecodeError(str(error)) from error


def check_one_size(shapes: Collection[tuple[int, ...]]) -> None:
    """Raise if frames ``(H, W, 3)`` of several sizes were decoded.

    Raises:
        DecodeError: it names the sizes.
    """
    if len(shapes) > 1:
        sizes = " and ".join(sorted(f"{w}x{h}" for h, w, _ in shapes))
        raise DecodeError(f"the frame size changes within the clip ({sizes})")
