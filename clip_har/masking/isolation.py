"""Isolation masking: keep a named target and hide the rest."""

import numpy as np
from numpy.typing import NDArray

from clip_har.masking.aimed import AimedMask
from clip_har.masking.area import Canvas, TieOrder
from clip_har.masking.mask import SceneRole
from clip_har.regions.source import BACKGROUND


class IsolationMask(AimedMask):
    """Keep a target and hide the rest; pixels with the lowest soft mask, or the farthest, first.

    With a ratio the area is exact: a small ratio leaves surroundings visible, a large one also
    hides some of the target. ``ratio=null`` keeps exactly the hole's shape, and hides the whole
    frame if the target is not in it.

    Attributes:
        hole: the shape of what is kept; None is ``exact``.

    Raises:
        ValueError: (by pydantic) on a box about the background.

    Example:
        >>> IsolationMask(ratio=None, hole="box").short_name
        'keep subject (box)'
    """

    @property
    def scene_role(self) -> SceneRole | None:
        """Its role in the scene measures: the subject alone; None for other targets."""
        return "person_only" if self.covers_target and self.aims_at_subject else None

    @property
    def keeps_silhouette(self) -> bool:
        """Whether what is kept has the subject's own outline, which may show the action."""
        return self.follows_outline and self.feature == BACKGROUND

    @property
    def short_name(self) -> str:
        """A few words for a figure's row."""
        return f"keep {self.feature} ({self.shape}{' static' if self.static else ''})"

    def field(self, canvas: Canvas) -> NDArray[np.float32]:
        """Return the field of what is kept, with the opposite sign, see `hole_field`.

        Args:
            canvas: the clip, with the soft mask of the target.

        Returns:
            ``(1 or T, H, W)``, negative where ``ratio=null`` hides.

        Raises:
            ClipHarError: when the canvas has no soft mask of the target.
        """
        return -self._hole(self._outlines(canvas))

    def ties(self, canvas: Canvas) -> TieOrder:
        """Return the order of pixels that are hidden at once: the farthest from the centre first.

        Args:
            canvas: the clip, with the soft mask of the target.
        """
        nearest_first = super().ties(canvas)
        return lambda frame, pixels: nearest_first(frame, pixels)[::-1]
