"""Isolation masking: keep a named target and hide the rest."""

import numpy as np
from numpy.typing import NDArray

from clip_har.masking.aimed import AimedMask
from clip_har.masking.area import Canvas
from clip_har.masking.mask import SceneRole
from clip_har.regions.source import BACKGROUND


class IsolationMask(AimedMask):
    """Hide what is not a target, the least relevant or farthest pixels first.

    With a ratio the area is exact: a small one leaves surroundings visible, a large one bites into
    the target. ``ratio=null`` keeps exactly the region, and hides all of a frame without it.

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
        """What it shows in the scene measures: the subject alone, or nothing of theirs."""
        return "person_only" if self.covers_target and self.aims_at_subject else None

    @property
    def keeps_silhouette(self) -> bool:
        """Whether the subject is cut out along its own outline, which may tell the action."""
        return self.follows_outline and self.feature == BACKGROUND

    @property
    def short_name(self) -> str:
        """A few words for a figure's row."""
        return f"keep {self.feature} ({self.shape})"

    def field(self, canvas: Canvas) -> NDArray[np.float32]:
        """Return the field of what is kept with its sign turned round, see `hole_field`.

        Args:
            canvas: the clip, which must say where the target is.

        Returns:
            ``(1 or T, H, W)``, negative where ``ratio=null`` hides.

        Raises:
            ClipHarError: when the canvas does not say where the target is.
        """
        return -self._hole(self._outlines(canvas))
