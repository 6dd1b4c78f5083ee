"""Pick a few of many."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def evenly(items: Sequence[int] | NDArray[np.int64], most: int) -> list[int]:
    """Return at most so many of the items, evenly spread over them, the first and last included.

    Example:
        >>> evenly([3, 4, 5, 6, 7], 3)
        [3, 5, 7]
    """
    places = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [int(items[place]) for place in places]
