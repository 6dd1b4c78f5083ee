"""From uint8 frames to a model's input, as batched tensors."""

import torch
from torch import Tensor

from clip_har.models.processor import PixelScale


def normalise(frames: Tensor, scale: PixelScale, *, dtype: torch.dtype) -> Tensor:
    """Rescale grey levels and normalise each channel, as the model's image processor does.

    Args:
        frames: ``(M, 3, H, W)`` RGB in 0 … 255, uint8 or float32; with float32 gradients flow.
        scale: of the model.
        dtype: of the result; the arithmetic is done in float32.

    Returns:
        ``(M, 3, H, W)``: ``(frames / levels - mean) / std``.
    """
    # (x / levels - mean) / std as one multiplication and one addition per channel.
    mean, std = (
        torch.tensor(values, device=frames.device).view(1, 3, 1, 1)
        for values in (scale.mean, scale.std)
    )
    factor, shift = 1 / (scale.levels * std), -mean / std
    if frames.is_floating_point():  # learned noise: a gradient flows through
        return torch.addcmul(shift, frames, factor).to(dtype)
    # In place in the copy that the conversion makes, to save memory.
    return frames.float().mul_(factor).add_(shift).to(dtype)
