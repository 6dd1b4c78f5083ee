"""Gaussian smoothing whose result is the same on every machine."""

import math

import numpy as np
from numpy.typing import NDArray

_ONE = 1 << 16  # the weights of a row are whole numbers with this sum
_REACH = 3  # in standard deviations: beyond it lie 0.3 % of the bell


def gaussian_blur(planes: NDArray[np.integer], sigma: float) -> NDArray[np.float64]:
    """Smooth planes of whole numbers with a Gaussian; border pixels repeat outwards.

    The weights are rounded to 1/65536 and the sums are taken over whole numbers in float64, where
    they are exact in any order: no BLAS, thread count or vector width changes a bit of the result.

    Args:
        planes: ``(..., H, W)`` whole numbers below 2**20 in size.
        sigma: standard deviation in pixels, more than 0.

    Returns:
        ``(..., H, W)`` float64 in the range of the input; a constant plane is not changed.

    Raises:
        ValueError: when ``planes`` are not whole numbers.

    Example:
        >>> gaussian_blur(np.array([[0, 0, 8, 0, 0]]), sigma=0.5).round(2)
        array([[0.  , 0.85, 6.29, 0.85, 0.  ]])
    """
    if not np.issubdtype(planes.dtype, np.integer):
        raise ValueError(f"expected planes of whole numbers, got {planes.dtype}")
    height, width = planes.shape[-2:]
    rows = _weights(height, sigma)
    columns = _weights(width, sigma)
    sums: NDArray[np.float64] = rows @ planes.astype(np.float64) @ columns.T
    return sums / _ONE**2


def _weights(length: int, sigma: float) -> NDArray[np.float64]:
    """Return ``(length, length)``: row i holds the whole-number weights of pixel i."""
    reach = math.ceil(_REACH * sigma)
    bell = [math.exp(-0.5 * (step / sigma) ** 2) for step in range(-reach, reach + 1)]
    taps = [round(_ONE * value / math.fsum(bell)) for value in bell]
    taps[reach] += _ONE - sum(taps)
    weights = np.zeros((length, length))
    pixels = np.arange(length)
    for step, tap in zip(range(-reach, reach + 1), taps, strict=True):
        weights[pixels, np.clip(pixels + step, 0, length - 1)] += tap
    return weights
