"""What a mask did to one clip, in numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.masking.area import Hidden
from clip_har.masking.holes import bounding_box, filled_frames
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
    black: NDArray[np.int64] | None = None,
) -> MaskEffect:
    """Measure what a mask did to one clip.

    Shares are counts of pixels and sums of soft masks, which are exact in any order, over the
    number or the sum of all.

    Args:
        frames: ``(T, 3, H, W)`` RGB in 0 … 255, as they were before masking.
        mask: ``(1 or T, H, W)``: True where hidden, or how much of a pixel is covered, in [0, 1].
        patch: side of the model's own patches, in pixels; None if it has none.
        picture: where the video's whole frame lies in the square that the model sees.
        subject: ``(T, H, W)`` soft mask in [0, 1]; None without a region source.
        feature: ``(T, H, W)`` soft mask of the mask's target; None if it is aimed at nothing.
        found: ``(T,)``: the frames in which this target was found, not taken from another frame.
        black: ``(T,)``, see `black_pixels`; None to count them.

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
    of_subject = None if subject is None else _Target(subject)
    of_feature = None if feature is None else of_subject
    if feature is not None and feature is not subject:
        of_feature = _Target(feature)
    subject_hidden = None if of_subject is None else of_subject.hidden_share(mask)
    feature_hidden = subject_hidden
    if of_feature is not of_subject:
        feature_hidden = None if of_feature is None else of_feature.hidden_share(mask)
    return MaskEffect(
        realised_ratio=_hidden_pixels(mask) / mask.size,
        subject_hidden=subject_hidden,
        subject_found=None if of_subject is None else of_subject.is_found,
        background_kept=None if of_subject is None else of_subject.kept_share(mask),
        native_black=int((black_pixels(frames) if black is None else black).sum())
        / (len(frames) * frames.shape[2] * frames.shape[3]),
        video_hidden=_video_share(mask, picture),
        tokens_hidden=whole,
        tokens_partly=partly,
        feature_hidden=feature_hidden,
        feature_frames=None if found is None else float(found.mean()),
    )


class _Target:
    """The soft mask of a target in a clip, and the box outside of which it is 0 in all frames."""

    def __init__(self, soft_mask: NDArray[np.float32]) -> None:
        self.is_found = is_found(soft_mask)
        if not self.is_found:
            return
        filled = filled_frames(soft_mask)
        self.frames, self.pixels = len(filled), filled.size
        anywhere = filled.max(axis=0) > 0
        self.soft_mask = filled
        self.box = (slice(None), *_bounds(anywhere))
        self.inside = filled[self.box]

    def hidden_share(self, mask: Hidden) -> float | None:
        """Return the share of the target that is hidden; None if it was not found."""
        if not self.is_found:
            return None
        if mask.dtype != np.bool_:
            return _weighted(mask, self.soft_mask)
        return _weighted(mask[self.box], self.inside)

    def kept_share(self, mask: Hidden) -> float | None:
        """Return the share of all that is not the target that stays visible."""
        if not self.is_found:
            return None
        if mask.dtype != np.bool_:
            others = 1 - self.soft_mask
            return 1 - _weighted(mask, others) if others.any() else 0.0
        others, within = 1 - self.inside, mask[self.box]
        # Outside of the box every pixel counts as one.
        beyond = self.pixels - others.size
        beyond_hidden = (self.frames // len(mask)) * (_hidden_pixels(mask) - _hidden_pixels(within))
        total = beyond + float(others.sum(dtype=np.float64))
        if not total:
            return 0.0
        return 1 - (beyond_hidden + float((within * others).sum(dtype=np.float64))) / total


def hidden_share(mask: Hidden, soft_mask: NDArray[np.float32]) -> float | None:
    """Return the share of a target that is hidden; None if it was not found.

    Args:
        mask: ``(1 or T, H, W)``, see `mask_effect`.
        soft_mask: ``(T, H, W)`` of the target, in [0, 1].
    """
    return _Target(soft_mask).hidden_share(mask)


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
    return _Target(soft_mask).kept_share(mask)


def _weighted(mask: Hidden, weights: NDArray[np.float32]) -> float:
    """Return the share of weights ``(T, H, W)``, not all zero, that is hidden."""
    hidden = (mask * weights).sum(dtype=np.float64)
    return float(hidden) / float(weights.sum(dtype=np.float64))


def black_pixels(frames: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the number of black pixels of each frame, ``(T,)``, see `BLACK_LEVEL`.

    Args:
        frames: ``(T, 3, H, W)`` RGB in 0 … 255.
    """
    counts = np.empty(len(frames), np.int64)
    brightest = np.empty(frames.shape[2:], np.uint8)
    for number, (red, green, blue) in enumerate(frames):  # a frame fits into the processor's cache
        np.maximum(np.maximum(red, green, out=brightest), blue, out=brightest)
        counts[number] = np.count_nonzero(brightest <= BLACK_LEVEL)
    return counts


def _hidden_pixels(mask: Hidden) -> float:
    """Return the sum of a mask: of a bool one, a whole number."""
    if mask.dtype == np.bool_:
        return int(np.count_nonzero(mask))
    return float(mask.sum(dtype=np.float64))


def _bounds(pixels: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the rows and columns between the True pixels, ``(H, W)`` with at least one."""
    top, left, bottom, right = bounding_box(pixels)
    return slice(top, bottom), slice(left, right)


def _token_shares(mask: Hidden, patch: int) -> tuple[float, float]:
    """Return which share of the model's patches is hidden whole, and which in part.

    Pixels beyond the last whole patch are not counted: the model does not see them.
    """
    frames, height, width = mask.shape
    down, right = height // patch, width // patch
    if not down * right:  # a square smaller than a patch is one token
        down, right, rows, columns = 1, 1, height, width
    else:
        rows = columns = patch
    seen = mask[:, : down * rows, : right * columns]
    # Bytes are added many at a time; comparing bool with a number would make eight bytes of each.
    is_bool = seen.dtype == np.bool_
    full = _by_column(np.asarray(seen, np.bool_) if is_bool else seen >= 1, rows, columns)
    some = full if is_bool else _by_column(seen > 0, rows, columns)
    whole = int(np.count_nonzero(full.min(axis=0) == rows))
    touched = int(np.count_nonzero(some.max(axis=0)))
    tokens = frames * down * right
    return whole / tokens, (touched - whole) / tokens


def _by_column(pixels: NDArray[np.bool_], rows: int, columns: int) -> NDArray[np.integer]:
    """Return how many pixels are True in each column of each patch, ``(columns, patches)``.

    Args:
        pixels: ``(F, H, W)``, a whole number of patches.
        rows: of a patch.
        columns: of a patch.
    """
    lines = pixels.view(np.uint8).reshape(-1, rows, pixels.shape[2])
    small = np.uint8 if rows <= np.iinfo(np.uint8).max else np.int64
    counts = np.add.reduce(lines, axis=1, dtype=small)
    return np.ascontiguousarray(counts.reshape(-1, columns).T)


def _video_share(mask: Hidden, picture: "Placement") -> float:
    """Return the share of the video's frame that is not seen: cut off, or under the mask."""
    top, left = max(0, picture.top), max(0, picture.left)
    bottom, right = picture.top + picture.height, picture.left + picture.width
    inside = mask[:, top : max(bottom, 0), left : max(right, 0)]
    shown = inside.size - _hidden_pixels(inside)
    return 1 - shown / (len(mask) * picture.height * picture.width)
