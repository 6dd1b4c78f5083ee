"""The distance of pixels to each other, the same on every machine."""

import numpy as np
from numpy.typing import NDArray


def distance_to_others(pixels: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the Euclidean distance of each True pixel to the nearest False one, between centres.

    OpenCV rounds the last bit of a distance in two ways, depending on the processor and on where in
    memory a pixel lies, so that pixels at equal distances had an order by chance. The square of a
    distance is a whole number, and the square root of that is the same everywhere.

    Args:
        pixels: ``(H, W)`` with at least one False; H and W at most 1,000.

    Returns:
        ``(H, W)`` float32, 0 where the pixel is False.

    Example:
        >>> distance_to_others(np.array([[True, True, False, True]])).tolist()
        [[2.0, 1.0, 0.0, 1.0]]
    """
    import cv2

    found = cv2.distanceTransform(pixels.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    squares: NDArray[np.float32] = np.rint(np.square(found, dtype=np.float32))
    return np.sqrt(squares)
