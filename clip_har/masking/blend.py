"""Paint over the hidden pixels of frames, on the device where they are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.core.tensors import sent, shared
from clip_har.masking.area import Hidden

if TYPE_CHECKING:
    import torch

_FRAMES = 4  # that are blended at once on a CPU


def blend(
    frames: "torch.Tensor",
    paint: NDArray[np.uint8],
    mask: Hidden,
    *,
    out: "torch.Tensor | None" = None,
) -> "torch.Tensor":
    """Paint over the frames of a clip, on the device where they are.

    Args:
        frames: ``(T, 3, H, W)`` uint8; not changed.
        paint: uint8 of a shape that broadcasts to it.
        mask: ``(1 or T, H, W)``, bool, True where hidden, or float32 in [0, 1], how much of a
            pixel is covered.
        out: where the result is written to; None for a new tensor.

    Returns:
        ``(T, 3, H, W)`` uint8; equal to ``frames`` to the bit where nothing is covered.
    """
    import torch

    device = frames.device
    cover = cover_of(mask, device)[:, None]
    over = sent(shared(paint), device)
    if mask.dtype == np.bool_:
        # All bits of a byte or none: thirty times as fast as torch.where with broadcasting.
        visible = cover - 1  # uint8: 0 where hidden, 255 elsewhere
        painted = torch.bitwise_and(frames, visible, out=out)
        return painted if not paint.any() else painted.bitwise_or_(over & ~visible)
    painted = torch.empty(frames.shape, dtype=frames.dtype, device=device) if out is None else out
    # A few frames at a time: what lies in between stays in the processor's cache.
    step = _FRAMES if device.type == "cpu" else len(frames)
    for begin in range(0, len(frames), step):
        rows = slice(begin, begin + step)
        share, colour = (part[rows] if len(part) > 1 else part for part in (cover, over))
        mixed = (frames[rows].float() * (1 - share)).add_(colour.float() * share)
        painted[rows] = mixed.round_()
    return painted


def blend_clips(
    whole: "Sequence[torch.Tensor]",
    paints: Sequence[NDArray[np.uint8]],
    covers: "torch.Tensor",
    *,
    out: "torch.Tensor | None" = None,
) -> "list[torch.Tensor]":
    """Paint over the frames of several clips at once, as `blend` does clip by clip.

    A device needs about as long to begin an operation as to do it, and it is begun by the thread
    that also begins the model's operations. So there are as few for a batch as for a clip, unless
    the paint is a picture.

    Args:
        whole: of each of B clips ``(T, 3, H, W)`` uint8 on one device; not changed.
        paints: of each ``(1 or T, 3, 1 or H, 1 or W)`` uint8.
        covers: ``(M, 1, H, W)`` the masks of all frames on the device, see `covers_from_bits`.
        out: ``(M, 3, H, W)`` for the frames of all clips in a row; None for new memory.

    Returns:
        Of each clip ``(T, 3, H, W)``, parts of ``out``.
    """
    import torch

    device, lengths = covers.device, [len(frames) for frames in whole]
    visible = covers - 1  # uint8: 0 where hidden, 255 elsewhere
    painted = torch.cat(list(whole), out=out).bitwise_and_(visible)
    clips = torch.split(painted, lengths)
    if all(paint.shape[2:] == (1, 1) for paint in paints):
        colours = np.concatenate(
            [
                paint.repeat(length // len(paint), axis=0)
                for paint, length in zip(paints, lengths, strict=True)
            ]
        )
        if colours.any():
            painted.bitwise_or_(sent(shared(colours), device) & ~visible)
        return list(clips)
    for frames, paint, seen in zip(clips, paints, torch.split(visible, lengths), strict=True):
        frames.bitwise_or_(sent(shared(paint), device) & ~seen)
    return list(clips)


def cover_of(mask: Hidden, device: "torch.device") -> "torch.Tensor":
    """Return a mask on a device; a bool one travels as bits.

    Args:
        mask: ``(F, H, W)``, see `blend`.
        device: of the frames.

    Returns:
        ``(F, H, W)``: uint8 0 or 1 for bool, else float32.
    """
    if mask.dtype != np.bool_:
        return sent(shared(mask), device)
    if device.type == "cpu":
        return shared(mask.view(np.uint8))
    bits = packed(np.asarray(mask, np.bool_))
    return unpacked(sent(shared(bits), device), mask.shape[-1])


def covers_from_bits(
    bits: Sequence[NDArray[np.uint8]], lengths: Sequence[int], width: int, device: "torch.device"
) -> "torch.Tensor":
    """Return the masks of all frames of several clips on a device.

    Args:
        bits: the bool mask of each of B clips, see `packed`.
        lengths: frames of each clip, M in all.
        width: of a mask, pixels.
        device: of the frames.

    Returns:
        ``(M, 1, H, W)`` uint8 0 or 1; a still mask is that of each frame of its clip.
    """
    import torch

    covers = unpacked(sent(shared(np.concatenate(bits)), device), width)[:, None]
    if len(covers) == sum(lengths):
        return covers
    masks = np.array([len(own) for own in bits])
    rows = np.arange(len(covers)).repeat((np.array(lengths) // masks).repeat(masks))
    return covers[sent(torch.from_numpy(rows), device)]


def packed(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return a mask ``(F, H, W)`` as the bits in which it travels, ``(F, H, W / 8 rounded up)``."""
    return np.packbits(mask, axis=-1)


def unpacked(bits: "torch.Tensor", width: int) -> "torch.Tensor":
    """Return the bits of a mask, see `packed`, as uint8 0 or 1 ``(F, H, W)``, on their device.

    Example:
        >>> import torch
        >>> unpacked(torch.from_numpy(packed(np.array([[[True, False, True]]]))), 3).tolist()
        [[[1, 0, 1]]]
    """
    import torch

    places = torch.arange(7, -1, -1, device=bits.device, dtype=torch.uint8)
    return (bits[..., None] >> places & 1).flatten(-2)[..., :width]
