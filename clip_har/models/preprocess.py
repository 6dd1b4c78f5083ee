"""From uint8 frames to a model's input, as batched tensors."""

from collections.abc import Sequence

import torch
from torch import Tensor


def normalise(
    frames: Tensor, *, mean: Sequence[float], std: Sequence[float], dtype: torch.dtype
) -> Tensor:
    """Scale grey levels to [0, 1] and normalise each channel.

    Args:
        frames: ``(M, 3, H, W)`` uint8, RGB.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        dtype: of the result; the arithmetic is done in float32.

    Returns:
        ``(M, 3, H, W)``: ``(frames / 255 - mean) / std``.
    """
    # (x / 255 - mean) / std as one multiply-add per channel: x * scale + shift.
    mean_, std_ = (torch.tensor(v, device=frames.device).view(1, 3, 1, 1) for v in (mean, std))
    return torch.addcmul(-mean_ / std_, frames.float(), 1 / (255 * std_)).to(dtype)
