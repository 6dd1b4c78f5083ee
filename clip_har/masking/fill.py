"""What is painted over the hidden pixels."""

from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor
from pydantic import AfterValidator

from clip_har.regions.gaussian import gaussian_blur
from clip_har.seeding import generator

if TYPE_CHECKING:
    import torch

BLUR_SHARE = 0.05
"""Standard deviation of the blur over the frame's short side: 11 pixels of 224, where Fong and
Vedaldi (2017, Interpretable Explanations of Black Boxes) find an image significantly blurred
at 10."""

_MADE = ("mean", "noise", "blur")


def checked_fill(text: str) -> str:
    """Return the name of a fill as it came, or say what a fill can be.

    Args:
        text: ``mean`` (the mean colour of the clip), ``noise`` (uniform random pixels), ``blur``
            (the frame itself, see `BLUR_SHARE`), or a colour by name or code as in
            ``PIL.ImageColor``, such as ``black``, ``grey`` or ``#808080``.

    Raises:
        ValueError: when it is none of these, or a colour that lets the frame shine through.

    Example:
        >>> checked_fill("#808080")
        '#808080'
        >>> checked_fill("grellow")
        Traceback (most recent call last):
            ...
        ValueError: expected mean, noise, blur or a colour (black, grey, #808080), got 'grellow'
    """
    if text not in _MADE:
        _colour(text)
    return text


Fill = Annotated[str, AfterValidator(checked_fill)]
"""The fill of a strategy's settings: a string that `checked_fill` accepts."""


def apply_mask(
    frames: "torch.Tensor",
    mask: "NDArray[np.bool_] | torch.Tensor",
    fill: str,
    *,
    seed: int,
    clip_id: str,
) -> "torch.Tensor":
    """Return the frames of one clip with the hidden pixels painted over.

    Args:
        frames: ``(T, 3, H, W)`` uint8 RGB; stays as it is.
        mask: ``(1 or T, H, W)`` bool, True where hidden.
        fill: see `checked_fill`; ``mean`` is over all pixels of the clip as it came, masked or
            not, and ``noise`` is fresh in each frame and does not depend on the mask.
        seed: the root seed of the run.
        clip_id: names the clip's own noise.

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
    import torch  # here, so that the settings above load without it

    # Copied: torch warns when it is to share the memory of a read-only array.
    hidden = mask if isinstance(mask, torch.Tensor) else torch.tensor(mask)
    hidden = hidden.to(frames.device)
    _check(frames.shape, str(frames.dtype), hidden.shape, str(hidden.dtype))
    if fill in _MADE:
        paint = _made(frames.cpu().numpy(), fill, seed=seed, clip_id=clip_id)
    else:
        paint = np.array(_colour(fill), np.uint8).reshape(1, 3, 1, 1)
    return torch.where(hidden[:, None], torch.from_numpy(paint).to(frames.device), frames)


def _made(frames: NDArray[np.uint8], fill: str, *, seed: int, clip_id: str) -> NDArray[np.uint8]:
    """Return paint ``(1 or T, 3, 1 or H, 1 or W)`` uint8 that is made from the clip."""
    if fill == "noise":
        draws = generator(seed, "mask/fill", clip_id)
        return draws.integers(0, 256, frames.shape, np.uint8)
    if fill == "mean":
        sums = frames.sum(axis=(0, 2, 3), keepdims=True, dtype=np.int64)
        paint = sums / (frames.size // 3)
    else:
        paint = gaussian_blur(frames, BLUR_SHARE * min(frames.shape[2:]))
    levels: NDArray[np.uint8] = np.rint(paint).astype(np.uint8)
    return levels


def _colour(text: str) -> tuple[int, int, int]:
    expected = f"expected {', '.join(_MADE)} or a colour (black, grey, #808080), got {text!r}"
    try:
        channels = ImageColor.getrgb(text)
    except ValueError:
        raise ValueError(expected) from None
    if len(channels) != 3:
        raise ValueError(f"{expected}, which is partly transparent: give red, green and blue only")
    red, green, blue = channels
    return red, green, blue


def _check(
    frames: tuple[int, ...], frames_type: str, mask: tuple[int, ...], mask_type: str
) -> None:
    if len(frames) != 4 or frames[1] != 3 or frames_type != "torch.uint8":
        raise ValueError(f"expected uint8 frames (T, 3, H, W), got {frames_type} {tuple(frames)}")
    if mask_type != "torch.bool" or mask not in ((1, *frames[2:]), (frames[0], *frames[2:])):
        raise ValueError(
            f"expected a bool mask (1 or T, H, W) for frames {tuple(frames)},"
            f" got {mask_type} {tuple(mask)}"
        )
