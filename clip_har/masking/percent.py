"""Percentage masking: random patches all over the frame."""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.seeding import generator
from clip_har.masking.area import Canvas
from clip_har.masking.fill import Fill
from clip_har.masking.mask import Mask
from clip_har.masking.phase import Phase, grid_phase


class PercentMask(Mask):
    """Hide square patches in random order, one after the other.

    The static form is the tube masking of VideoMAE (Tong et al. 2022), with an exact area.

    Attributes:
        ratio: share of each frame's pixels that is hidden, in [0, 1].
        fill: what is painted over them.
        patch: side of a patch in pixels; patches at the frame's border may be cut.
        phase: where the grid of patches begins: ``random`` at a place of its own in each clip,
            ``aligned`` in the frame's corner, as the model's own patches do.
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
    phase: Phase = "random"
    static: bool = True

    feature: ClassVar[str | None] = None

    @property
    def short_name(self) -> str:
        """A few words for a figure's row."""
        aligned = " aligned" if self.phase == "aligned" else ""
        return f"percent {self.patch} px{aligned}" + ("" if self.static else " fresh")

    def field(self, canvas: Canvas) -> NDArray[np.float32]:
        """Return each pixel's place in its frame's random order of patches.

        Args:
            canvas: the clip.

        Returns:
            ``(1 or T, H, W)`` whole numbers, different for each patch of a frame. So at most one
            patch is partly hidden, from its top row down.
        """
        frames = 1 if self.static else canvas.frames
        # How much of the first row and column of patches lies outside of the frame, in pixels.
        cut = (grid_phase(self.phase, canvas, frames=frames) * self.patch).astype(np.int64)
        most = 0 if self.phase == "aligned" else self.patch - 1
        rows = -(-(canvas.height + most) // self.patch)
        columns = -(-(canvas.width + most) // self.patch)
        draws = generator(canvas.seed, "mask/percent", canvas.clip_id)
        # Ranks instead of the random values, which may be equal as float32.
        order = np.argsort(draws.random((frames, rows * columns)), axis=1, kind="stable")
        ranks = np.empty((frames, rows * columns), np.float32)
        np.put_along_axis(ranks, order, np.arange(rows * columns, dtype=np.float32)[None], axis=1)
        patches = ranks.reshape(frames, rows, columns)
        whole = patches.repeat(self.patch, axis=1).repeat(self.patch, axis=2)
        return np.stack(
            [
                frame[top : top + canvas.height, left : left + canvas.width]
                for frame, (top, left) in zip(whole, cut, strict=True)
            ]
        )
