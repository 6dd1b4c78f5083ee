"""From uint8 frames to a model's input, as batched tensors."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from clip_har.models.processor import PixelScale

_AT_ONCE = 4  # frames that a CPU normalises at once, so that they stay in its cache


def normalise(
    frames: Tensor | Sequence[Tensor], scale: PixelScale, *, dtype: torch.dtype
) -> Tensor:
    """Rescale grey levels and normalise each channel, as the model's image processor does.

    Args:
        frames: ``(M, 3, H, W)`` RGB in 0 … 255, uint8 or float32, or parts of it one after the
            other; with one tensor of float32 gradients flow.
        scale: of the model.
        dtype: of the result; the arithmetic is done in float32.

    Returns:
        ``(M, 3, H, W)``: ``(frames / levels - mean) / std``.
    """
    parts = [frames] if isinstance(frames, Tensor) else frames
    device = parts[0].device
    factor, shift = _factor_and_shift(scale, device)
    if isinstance(frames, Tensor) and frames.is_floating_point():  # learned noise
        return torch.addcmul(shift, frames, factor).to(dtype)
    if device.type != "cpu" and len(parts) > 1:
        parts = [torch.cat(list(parts))]  # a few operations, not a few for each clip
    lengths = [len(part) for part in parts]
    pixels = torch.empty((sum(lengths), *parts[0].shape[1:]), device=device)
    at_once = _AT_ONCE if device.type == "cpu" else len(pixels)
    for part, place in zip(parts, torch.split(pixels, lengths), strict=True):
        pairs = (torch.split(frames_, at_once) for frames_ in (part, place))
        for some, there in zip(*pairs, strict=True):
            there.copy_(some).mul_(factor).add_(shift)
    return pixels.to(dtype)


@cache
def _factor_and_shift(scale: PixelScale, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return ``(x / levels - mean) / std`` as a factor and a sum, ``(1, 3, 1, 1)`` each.

    They are sent to a device once: sending waits until it has done all its work.
    """
    with torch.inference_mode(mode=False):  # gradients may flow through what they are used for
        mean, std = (
            torch.tensor(values, device=device).view(1, 3, 1, 1)
            for values in (scale.mean, scale.std)
        )
        return 1 / (scale.levels * std), -mean / std
