"""Scene swap: the subject of a clip before the background of another class's clip."""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.settings import Settings
from clip_har.masking.area import Canvas, known_feature
from clip_har.masking.fill import Fill
from clip_har.masking.holes import filled_frames, hole_field


class SwapMask(Settings):
    """Keep the subject, hide the rest, and show another clip's background there.

    The mixing of HAT (Chung et al. 2022) and SCUBA (Li et al. 2023). Which clip's background is
    shown is drawn by `clip_har.masking.pairs`. The other clip's own subject is painted over with
    ``fill``, in a grown outline, so that its silhouette does not shine through.

    Attributes:
        fill: what is painted over the other clip's own subject.
        feature: what is kept; it is also what is painted over in the other clip.
        grow: pixels by which the kept outline reaches beyond the target.
        soft: pixels over which the background fades into what is kept, which it covers in part.
        frozen: show the middle frame only, repeated: the same picture without its motion (SCUFO).
    """

    fill: Fill = "surround"
    feature: Annotated[str, Field(min_length=1)] = "subject"
    grow: Annotated[int, Field(ge=0, le=512)] = 0
    soft: Annotated[int, Field(ge=0, le=512)] = 0
    frozen: bool = False

    ratio: ClassVar[None] = None

    @property
    def short_name(self) -> str:
        """A few words for a figure's row."""
        return f"swap scene of {self.feature}" + (" frozen" if self.frozen else "")

    def field(self, canvas: Canvas) -> NDArray[np.float32]:
        """Return ``(T, H, W)``, negative where the other background is shown."""
        return -hole_field(known_feature(canvas), "grown", grow=self.grow)

    def own_scene_hole(self, soft_mask: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return where a clip's own subject is painted over before its background is shown.

        Args:
            soft_mask: ``(T, H, W)`` of the other clip's subject, in [0, 1].

        Returns:
            ``(T, H, W)``.
        """
        # An estimate may miss the subject in a frame: there the clip's union is painted over.
        return hole_field(filled_frames(soft_mask), "grown") < 0
