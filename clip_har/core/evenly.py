"""Choose a few of many items, evenly spread."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def evenly(items: Sequence[int] | NDArray[np.int64], limit: int) -> list[int]:
    """Return at most ``most`` items, evenly spread, with the first and the last.

    Example:
        >>> evenly([3, 4, 5, 6, 7], 3)
        [3, 5, 7]
    """
    places = np.linspace(0, len(items) - 1, min(limit, len(items))).round().astype(int)
    return [int(items[place]) for place in places]
