"""What a mask did to one clip, in numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.masking.holes import filled_frames
from clip_har.masking.mask import Hidden
from clip_har.regions.source import is_found

if TYPE_CHECKING:
    from clip_har.data.geometry import Placement

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
            source, or if it found no subject. In a frame without the subject it is taken to be
            where it is in the nearest frame with it: what is not painted does not count as hidden.
        subject_found: whether the region source found the subject; None without a region source.
        background_kept: share of all that is not the subject that stays visible; None as above.
        native_black: share of the pixels of the unmasked clip that are black already, such as
            letterbox bars (see `BLACK_LEVEL`).
        video_hidden: share of the whole frame of the video that crop and mask hide together, mean
            over the frames.
        tokens_hidden: share of the model's own patches that are hidden whole, mean over the frames.
        tokens_partly: share of them that are hidden in part. The rest is untouched. Both are None
            for a model without patches.
        feature_hidden: share of the target's soft mask that is hidden, as for the subject; None if
            the mask is aimed at nothing, or the target was not found.
        feature_frames: share of the frames in which the target was found; None if the mask is
            aimed at nothing.
    """

    realised_ratio: float
    subject_hidden: float | None
    subject_found: bool | None
    background_kept: float | None
    native_black: float
    video_hidden: float
    tokens_hidden: float | None
    tokens_partly: float | None
    feature_hidden: float | None = None
    feature_frames: float | None = None


def mask_effect(
    frames: NDArray[np.uint8],
    mask: Hidden,
    *,
    patch: int | None,
    picture: "Placement",
    subject: NDArray[np.float32] | None = None,
    feature: NDArray[np.float32] | None = None,
    found: NDArray[np.bool_] | None = None,
) -> MaskEffect:
    """Measure what a mask did to one clip.

    Args:
        frames: ``(T, 3, H, W)`` RGB in 0 … 255, as they were before masking.
        mask: ``(1 or T, H, W)``: True where hidden, or how much of a pixel is covered, in [0, 1].
        patch: side of the model's own patches, in pixels; None if it has none.
        picture: where the video's whole frame lies in the square that the model sees.
        subject: ``(T, H, W)`` soft mask in [0, 1]; None without a region source.
        feature: ``(T, H, W)`` soft mask of the mask's target; None if it is aimed at nothing.
        found: ``(T,)``: the frames in which this target was found, not taken from another frame.

    Example:
        >>> from clip_har.data.geometry import placement
        >>> frames = np.full((1, 3, 4, 4), 200, np.uint8)
        >>> frames[..., 0] = 0
        >>> mask = np.zeros((1, 4, 4), bool)
        >>> mask[:, :, :3] = True
        >>> effect = mask_effect(frames, mask, patch=2, picture=placement(4, 8, 4, "crop"))
        >>> effect.realised_ratio, effect.native_black, effect.video_hidden
        (0.75, 0.25, 0.875)
        >>> effect.tokens_hidden, effect.tokens_partly
        (0.5, 0.5)
    """
    whole, partly = (None, None) if patch is None else _token_shares(mask, patch)
    return MaskEffect(
        realised_ratio=float(mask.mean(dtype=np.float64)),
        subject_hidden=None if subject is None else hidden_share(mask, subject),
        subject_found=None if subject is None else is_found(subject),
        background_kept=None if subject is None else kept_share(mask, subject),
        native_black=_black_share(frames),
        video_hidden=_video_share(mask, picture),
        tokens_hidden=whole,
        tokens_partly=partly,
        feature_hidden=None if feature is None else hidden_share(mask, feature),
        feature_frames=None if found is None else float(found.mean()),
    )


def hidden_share(mask: Hidden, soft_mask: NDArray[np.float32]) -> float | None:
    """Return the share of a target that is hidden; None if it was not found.

    Args:
        mask: ``(1 or T, H, W)``, see `mask_effect`.
        soft_mask: ``(T, H, W)`` of the target, in [0, 1].
    """
    return _weighted(mask, filled_frames(soft_mask)) if is_found(soft_mask) else None


def kept_share(mask: Hidden, soft_mask: NDArray[np.float32]) -> float | None:
    """Return the share of all that is not a target that stays visible.

    It is None if the target was not found, and 0 if nothing but the target is in the clip.

    Args:
        mask: ``(1 or T, H, W)``, see `mask_effect`.
        soft_mask: ``(T, H, W)`` of the target, in [0, 1].

    Example:
        >>> target = np.array([[[1, 0, 0, 0, 0]]], np.float32)
        >>> kept_share(np.array([[[True, True, False, False, False]]]), target)
        0.75
    """
    if not is_found(soft_mask):
        return None
    others = 1 - filled_frames(soft_mask)
    return 1 - _weighted(mask, others) if others.any() else 0.0


def _weighted(mask: Hidden, weights: NDArray[np.float32]) -> float:
    """Return the share of weights ``(T, H, W)``, not all zero, that is hidden."""
    hidden = (mask * weights).sum(dtype=np.float64)
    return float(hidden) / float(weights.sum(dtype=np.float64))


def _black_share(frames: NDArray[np.uint8]) -> float:
    # Channel by channel: three times as fast as a maximum over the axis.
    brightest = np.maximum(np.maximum(frames[:, 0], frames[:, 1]), frames[:, 2])
    return float(np.count_nonzero(brightest <= BLACK_LEVEL)) / brightest.size


def _token_shares(mask: Hidden, patch: int) -> tuple[float, float]:
    """Return which share of the model's patches is hidden whole, and which in part.

    Pixels beyond the last whole patch are not counted: the model does not see them.
    """
    frames, height, width = mask.shape
    down, right = height // patch, width // patch
    if not down * right:  # a square smaller than a patch is one token
        down, right, patch = 1, 1, max(height, width)
    seen = mask[:, : down * patch, : right * patch]

    def tiles(pixels: NDArray[np.bool_], reduce: np.ufunc) -> int:
        rows = reduce.reduceat(pixels, range(0, pixels.shape[1], patch), axis=1)
        return int(reduce.reduceat(rows, range(0, pixels.shape[2], patch), axis=2).sum())

    whole = tiles(seen >= 1, np.logical_and)
    touched = tiles(seen > 0, np.logical_or)
    tokens = frames * down * right
    return whole / tokens, (touched - whole) / tokens


def _video_share(mask: Hidden, picture: "Placement") -> float:
    """Return the share of the video's frame that is not seen: cut off, or under the mask."""
    top, left = max(0, picture.top), max(0, picture.left)
    bottom, right = picture.top + picture.height, picture.left + picture.width
    inside = mask[:, top : max(bottom, 0), left : max(right, 0)]
    shown = inside.size - float(inside.sum(dtype=np.float64))
    return 1 - shown / (len(mask) * picture.height * picture.width)
