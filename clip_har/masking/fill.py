"""What is painted over the hidden pixels."""

from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor
from pydantic import AfterValidator

from clip_har.core.seeding import generator
from clip_har.masking.area import Hidden
from clip_har.masking.blend import blend
from clip_har.masking.distance import distance_to_others
from clip_har.masking.inpaint import background, inpaint, mean_colour, surround
from clip_har.regions.gaussian import gaussian_blur

if TYPE_CHECKING:
    import torch

BLUR_SHARE = 0.05
"""Standard deviation of the blur over the frame's short side: 11 pixels of 224, where Fong and
Vedaldi (2017, Interpretable Explanations of Black Boxes) find an image significantly blurred
at 10."""

_FROM_VISIBLE = {"surround": surround, "inpaint": inpaint, "background": background}
_MADE = ("mean", "noise", "blur", *_FROM_VISIBLE)


def checked_fill(text: str) -> str:
    """Return the name of a fill unchanged if it is valid.

    Args:
        text: ``mean`` (the mean colour of the clip), ``noise`` (uniform random pixels), ``blur``
            (the frame itself, see `BLUR_SHARE`); what is visible, so that nothing of the hidden
            pixels remains, see `clip_har.masking.inpaint`: ``surround`` (continued smoothly),
            ``inpaint`` (continued along its edges), ``background`` (other frames of the clip where
            they show the place, else inpainted); or a colour by name or code as in
            ``PIL.ImageColor``, such as ``black``, ``grey`` or ``#808080``.

    Raises:
        ValueError: when it is none of these, or a partly transparent colour.

    Example:
        >>> checked_fill("#808080")
        '#808080'
        >>> checked_fill("grellow")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        ValueError: expected mean, noise, blur, surround, inpaint, background or a colour ...
    """
    if text not in _MADE:
        _colour(text)
    return text


Fill = Annotated[str, AfterValidator(checked_fill)]
"""The type of a mask's ``fill``: a string that `checked_fill` accepts."""


def is_made(fill: str) -> bool:
    """Return whether a fill is made from the clip's frames, or for their number: no one colour."""
    return fill in _MADE


def apply_mask(
    frames: "torch.Tensor",
    mask: "Hidden | torch.Tensor",
    fill: str,
    *,
    seed: int,
    clip_id: str,
) -> "torch.Tensor":
    """Return the frames of one clip with the hidden pixels painted over.

    Args:
        frames: ``(T, 3, H, W)`` uint8 RGB; not changed.
        mask: ``(1 or T, H, W)``: bool, True where hidden, or float32 in [0, 1], how much of a
            pixel is covered (see `feather`).
        fill: see `checked_fill`; ``mean`` is over all pixels of the unmasked clip, and ``noise``
            is different in each frame and does not depend on the mask.
        seed: the root seed of the run.
        clip_id: selects the clip's own noise.

    Returns:
        ``(T, 3, H, W)`` uint8 on the device of ``frames``; visible pixels are equal to the bit.

    Raises:
        ValueError: on another dtype or shape, or an unknown fill.

    Example:
        >>> import torch
        >>> frames = torch.full((2, 3, 1, 2), 9, dtype=torch.uint8)
        >>> mask = np.array([[[True, False]]])
        >>> apply_mask(frames, mask, "white", seed=0, clip_id="clip 1")[0, 0].tolist()
        [[255, 9]]
    """
    array = mask.cpu().numpy() if hasattr(mask, "cpu") else mask
    _check(frames.shape, str(frames.dtype), array)
    pixels = frames.cpu().numpy() if is_made(fill) else np.empty(0, np.uint8)
    return blend(frames, paint_of(pixels, array, fill, seed=seed, clip_id=clip_id), array)


def paint_of(
    frames: NDArray[np.uint8], mask: Hidden, fill: str, *, seed: int, clip_id: str
) -> NDArray[np.uint8]:
    """Return what is painted over the hidden pixels of one clip.

    Args:
        frames: ``(T, 3, H, W)``; not used by a fill of one colour.
        mask: ``(1 or T, H, W)``, see `apply_mask`.
        fill: see `checked_fill`.
        seed: the root seed of the run.
        clip_id: selects the clip's own noise.

    Returns:
        ``(1 or T, 3, 1 or H, 1 or W)``.
    """
    if not is_made(fill):
        return np.array(_colour(fill), np.uint8).reshape(1, 3, 1, 1)
    hidden: NDArray[np.bool_] = mask > 0
    return _made(frames, hidden, fill, seed=seed, clip_id=clip_id)


def feather(mask: NDArray[np.bool_], width: int) -> NDArray[np.float32]:
    """Add a soft edge outside of the hidden pixels.

    Args:
        mask: ``(F, H, W)``, True where hidden; these pixels stay fully hidden.
        width: distance in pixels over which the coverage falls linearly from 1 to 0.

    Returns:
        ``(F, H, W)`` coverage in [0, 1].

    Example:
        >>> feather(np.array([[[True, False, False]]]), 1).tolist()
        [[[1.0, 0.5, 0.0]]]
    """
    coverage = np.zeros(mask.shape, np.float32)
    for faded, hidden in zip(coverage, mask, strict=True):
        if hidden.any():
            faded[...] = np.clip(1 - distance_to_others(~hidden) / (width + 1), 0, 1)
    return coverage


def _made(
    frames: NDArray[np.uint8], mask: NDArray[np.bool_], fill: str, *, seed: int, clip_id: str
) -> NDArray[np.uint8]:
    """Return paint ``(1 or T, 3, 1 or H, 1 or W)`` uint8 that is computed from the clip."""
    if fill == "noise":
        draws = generator(seed, "mask/fill", clip_id)
        return draws.integers(0, 256, frames.shape, np.uint8)
    if fill in _FROM_VISIBLE:
        return _FROM_VISIBLE[fill](frames, mask)
    if fill == "mean":
        paint = mean_colour(frames)
    else:
        paint = gaussian_blur(frames, BLUR_SHARE * min(frames.shape[2:]))
    levels: NDArray[np.uint8] = np.rint(paint).astype(np.uint8)
    return levels


def _colour(text: str) -> tuple[int, int, int]:
    expected = f"expected {', '.join(_MADE)} or a colour (black, #808080), got {text!r}"
    try:
        channels = ImageColor.getrgb(text)
    except ValueError:
        raise ValueError(expected) from None
    if len(channels) != 3:
        raise ValueError(f"{expected}, which is partly transparent: give red, green and blue only")
    red, green, blue = channels
    return red, green, blue


def _check(frames: tuple[int, ...], frames_type: str, mask: Hidden) -> None:
    if len(frames) != 4 or frames[1] != 3 or frames_type != "torch.uint8":
        raise ValueError(f"expected uint8 frames (T, 3, H, W), got {frames_type} {tuple(frames)}")
    if mask.dtype not in (np.bool_, np.float32) or mask.shape not in (
        (1, *frames[2:]),
        (frames[0], *frames[2:]),
    ):
        raise ValueError(
            f"expected a bool or float32 mask (1 or T, H, W) for frames {tuple(frames)},"
            f" got {mask.dtype} {mask.shape}"
        )
