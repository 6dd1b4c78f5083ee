"""What a mask did to one clip, in numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLACK_LEVEL = 8
"""A pixel is black up to this value in all of its channels (0 … 255): above the codec noise of
letterbox bars, below what can be seen in a scene."""


@dataclass(frozen=True, kw_only=True)
class MaskEffect:
    """The columns that masking adds to a clip's row in the score table.

    Attributes:
        realised_ratio: share of the pixels that is hidden, mean over the frames.
        subject_hidden: share of the subject's relevance that is hidden; None without a region
            source and where it found nothing.
        subject_found: whether the source found the subject; None without a region source.
        native_black: share of the pixels of the unmasked clip that are black already, such as
            letterbox bars (see `BLACK_LEVEL`).
    """

    realised_ratio: float
    subject_hidden: float | None
    subject_found: bool | None
    native_black: float


def mask_effect(
    frames: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    subject: NDArray[np.float32] | None = None,
) -> MaskEffect:
    """Measure what a mask did to one clip.

    Args:
        frames: ``(T, 3, H, W)`` RGB in 0 … 255, as they were before masking.
        mask: ``(1 or T, H, W)``, True where hidden.
        subject: ``(T, H, W)`` relevance in [0, 1], or None without a region source.

    Example:
        >>> frames = np.full((1, 3, 1, 4), 200, np.uint8)
        >>> frames[..., 0] = 0
        >>> mask = np.array([[[True, True, False, False]]])
        >>> mask_effect(frames, mask, np.array([[[0, 1, 1, 0]]], np.float32))
        MaskEffect(realised_ratio=0.5, subject_hidden=0.5, subject_found=True, native_black=0.25)
    """
    hidden, found = None, None
    if subject is not None:
        total = float(subject.sum(dtype=np.float64))
        found = total > 0
        if found:
            hidden = float(np.where(mask, subject, 0).sum(dtype=np.float64)) / total
    return MaskEffect(
        realised_ratio=float(mask.mean()),
        subject_hidden=hidden,
        subject_found=found,
        native_black=float((frames.max(axis=1) <= BLACK_LEVEL).mean()),
    )
