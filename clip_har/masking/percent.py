"""Percentage masking: random patches all over the frame."""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.seeding import generator
from clip_har.masking.area import Canvas
from clip_har.masking.fill import Fill
from clip_har.masking.mask import Mask


class PercentMask(Mask):
    """Hide square patches in random order, one after the other.

    The static form is the tube masking of VideoMAE (Tong et al. 2022), with an exact area.

    Attributes:
        ratio: share of each frame's pixels that is hidden, in [0, 1].
        fill: what is painted over them.
        patch: side of a patch in pixels; patches at the right and lower border may be cut.
        static: the same patches in all frames (a tube), or new ones in each frame.

    Example:
        >>> canvas = Canvas(clip_id="clip 1", seed=0, frames=8, height=32, width=48)
        >>> PercentMask(ratio=0.3).field(canvas).shape
        (1, 32, 48)
        >>> PercentMask(ratio=0.3, static=False).field(canvas).shape
        (8, 32, 48)
    """

    ratio: Annotated[float, Field(ge=0, le=1)]
    fill: Fill = "black"
    patch: Annotated[int, Field(ge=1, le=64)] = 16
    static: bool = True

    feature: ClassVar[str | None] = None

    @property
    def short_name(self) -> str:
        """A few words for a figure's row."""
        return f"percent {self.patch} px" + ("" if self.static else " fresh")

    def field(self, canvas: Canvas) -> NDArray[np.float32]:
        """Return each pixel's place in its frame's random order of patches.

        Args:
            canvas: the clip.

        Returns:
            ``(1 or T, H, W)`` whole numbers, different for each patch of a frame. So at most one
            patch is partly hidden, from its top row down.
        """
        rows = -(-canvas.height // self.patch)
        columns = -(-canvas.width // self.patch)
        frames = 1 if self.static else canvas.frames
        draws = generator(canvas.seed, "mask/percent", canvas.clip_id)
        # Ranks instead of the random values, which may be equal as float32.
        order = np.argsort(draws.random((frames, rows * columns)), axis=1, kind="stable")
        ranks = np.empty((frames, rows * columns), np.float32)
        np.put_along_axis(ranks, order, np.arange(rows * columns, dtype=np.float32)[None], axis=1)
        patches = ranks.reshape(frames, rows, columns)
        whole = patches.repeat(self.patch, axis=1).repeat(self.patch, axis=2)
        return whole[:, : canvas.height, : canvas.width]
