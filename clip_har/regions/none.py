"""No region source: nothing is known about where the subject is."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from clip_har.data.store import ClipFrames
from clip_har.settings import Settings


class NoRegion(Settings):
    """Know no regions."""

    exact: ClassVar[bool] = False

    def relevance(self, frames: ClipFrames) -> NDArray[np.float32] | None:  # noqa: ARG002
        """Return None, whatever the frames."""
        return None
