"""From uint8 frames to a model's input, as batched tensors."""

from collections.abc import Sequence

import torch
from torch import Tensor


def normalise(
    frames: Tensor, *, mean: Sequence[float], std: Sequence[float], dtype: torch.dtype
) -> Tensor:
    """Scale grey levels to [0, 1] and normalise each channel.

    Args:
        frames: ``(M, 3, H, W)`` RGB in 0 … 255, uint8 or float32; with float32 gradients flow.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        dtype: of the result; the arithmetic is done in float32.

    Returns:
        ``(M, 3, H, W)``: ``(frames / 255 - mean) / std``.
    """
    # (x / 255 - mean) / std as one multiplication and one addition per channel.
    mean_, std_ = (torch.tensor(v, device=frames.device).view(1, 3, 1, 1) for v in (mean, std))
    scale, shift = 1 / (255 * std_), -mean_ / std_
    if frames.is_floating_point():  # learned noise: a gradient flows through
        return torch.addcmul(shift, frames, scale).to(dtype)
    # In place in the copy that the conversion makes, to save memory.
    return frames.float().mul_(scale).add_(shift).to(dtype)
