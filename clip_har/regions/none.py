"""No region source: nothing is known about where the subject is."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from clip_har.settings import Settings


class NoRegion(Settings):
    """Know no regions.

    Example:
        >>> NoRegion().relevance(np.zeros((8, 3, 4, 4), np.uint8)) is None
        True
    """

    exact: ClassVar[bool] = False

    def relevance(self, frames: NDArray[np.uint8]) -> NDArray[np.float32] | None:  # noqa: ARG002
        """Return None, whatever the frames."""
        return None
