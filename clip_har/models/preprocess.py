"""From uint8 frames to a model's input, as batched tensors."""

from collections.abc import Sequence

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
    # (x / levels - mean) / std as one multiplication and one addition per channel.
    mean, std = (
        torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (scale.mean, scale.std)
    )
    factor, shift = 1 / (scale.levels * std), -mean / std
    if isinstance(frames, Tensor) and frames.is_floating_point():  # learned noise
        return torch.addcmul(shift, frames, factor).to(dtype)
    lengths = [len(part) for part in parts]
    pixels = torch.empty((sum(lengths), *parts[0].shape[1:]), device=device)
    at_once = _AT_ONCE if device.type == "cpu" else len(pixels)
    for part, place in zip(parts, torch.split(pixels, lengths), strict=True):
        pairs = (torch.split(frames_, at_once) for frames_ in (part, place))
        for some, there in zip(*pairs, strict=True):
            there.copy_(some).mul_(factor).add_(shift)
    return pixels.to(dtype)
