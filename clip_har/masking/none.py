"""No masking: the clean twin that every masked cell is compared with."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from clip_har.masking.area import Canvas
from clip_har.masking.mask import Mask, SceneRole


class NoMask(Mask):
    """Hide nothing. It has no ratio and no fill, so a sweep over these runs it once.

    Example:
        >>> canvas = Canvas(clip_id="clip 1", seed=0, frames=8, height=2, width=2)
        >>> NoMask().field(canvas).shape
        (1, 2, 2)
    """

    is_clean: ClassVar[bool] = True

    ratio: ClassVar[float] = 0.0
    fill: ClassVar[str] = "black"
    feature: ClassVar[str | None] = None
    short_name: ClassVar[str] = "none"

    @property
    def scene_role(self) -> SceneRole:
        """Its role in the scene measures: the clips as they are."""
        return "clean"

    def field(self, canvas: Canvas) -> NDArray[np.float32]:
        """Return a flat field, ``(1, H, W)``."""
        return np.zeros((1, canvas.height, canvas.width), np.float32)
