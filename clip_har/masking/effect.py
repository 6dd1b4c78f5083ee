"""What a mask did to one clip, in numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_har.regions.source import INSIDE, is_found

BLACK_LEVEL = 8
"""A pixel counts as black if no channel exceeds this value (0 … 255). It is above the codec noise
of letterbox bars and below what can be seen in a scene."""


@dataclass(frozen=True, kw_only=True)
class MaskEffect:
    """The columns that masking adds to a clip's row in the score table.

    Attributes:
        realised_ratio: share of the pixels that is hidden, mean over the frames; a pixel that is
            partly covered counts as that share of a pixel.
        subject_hidden: share of the subject's soft mask that is hidden; None without a region
            source, or if it found no subject.
        subject_found: whether the region source found the subject; None without a region source.
        native_black: share of the pixels of the unmasked clip that are black already, such as
            letterbox bars (see `BLACK_LEVEL`).
        feature_hidden: share of the target's soft mask that is hidden; None if the mask is aimed
            at nothing, or the target was not found.
        feature_frames: share of the frames in which the target was found; None if the mask is
            aimed at nothing.
    """

    realised_ratio: float
    subject_hidden: float | None
    subject_found: bool | None
    native_black: float
    feature_hidden: float | None = None
    feature_frames: float | None = None


def mask_effect(
    frames: NDArray[np.uint8],
    mask: NDArray[np.bool_] | NDArray[np.float32],
    subject: NDArray[np.float32] | None = None,
    feature: NDArray[np.float32] | None = None,
) -> MaskEffect:
    """Measure what a mask did to one clip.

    Args:
        frames: ``(T, 3, H, W)`` RGB in 0 … 255, as they were before masking.
        mask: ``(1 or T, H, W)``: True where hidden, or how much of a pixel is covered, in [0, 1].
        subject: ``(T, H, W)`` soft mask in [0, 1]; None without a region source.
        feature: ``(T, H, W)`` soft mask of the mask's target; None if it is aimed at nothing.

    Example:
        >>> frames = np.full((1, 3, 1, 4), 200, np.uint8)
        >>> frames[..., 0] = 0
        >>> mask = np.array([[[True, True, False, False]]])
        >>> effect = mask_effect(frames, mask, np.array([[[0, 1, 1, 0]]], np.float32))
        >>> effect.realised_ratio, effect.subject_hidden, effect.native_black
        (0.5, 0.5, 0.25)
    """
    return MaskEffect(
        realised_ratio=float(mask.mean(dtype=np.float64)),
        subject_hidden=None if subject is None else _hidden_share(mask, subject),
        subject_found=None if subject is None else is_found(subject),
        native_black=_black_share(frames),
        feature_hidden=None if feature is None else _hidden_share(mask, feature),
        feature_frames=None
        if feature is None
        else float((feature >= INSIDE).any(axis=(1, 2)).mean()),
    )


def _black_share(frames: NDArray[np.uint8]) -> float:
    # Channel by channel: three times as fast as a maximum over the axis.
    brightest = np.maximum(np.maximum(frames[:, 0], frames[:, 1]), frames[:, 2])
    return float(np.count_nonzero(brightest <= BLACK_LEVEL)) / brightest.size


def _hidden_share(
    mask: NDArray[np.bool_] | NDArray[np.float32], soft_mask: NDArray[np.float32]
) -> float | None:
    total = float(soft_mask.sum(dtype=np.float64))
    return float((mask * soft_mask).sum(dtype=np.float64)) / total if total else None
