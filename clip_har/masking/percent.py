"""Percentage masking: random patches all over the frame."""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.seeding import generator
from clip_har.masking.area import Canvas, hidden_count
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
        sizes, orders = self._patches(canvas)
        whole = np.empty((len(orders), canvas.height, canvas.width), np.float32)
        for frame, (heights, widths), order in zip(whole, sizes, orders, strict=True):
            places = order.argsort().reshape(len(heights), len(widths))
            frame[...] = places.repeat(widths, axis=1).repeat(heights, axis=0)
        return whole

    def hidden(self, canvas: Canvas) -> NDArray[np.bool_]:
        """Return the lowest pixels of the field; whole patches are counted, not pixels.

        Args:
            canvas: the clip.
        """
        count = hidden_count(self.ratio, canvas.height, canvas.width)
        sizes, orders = self._patches(canvas)
        mask = np.empty((len(orders), canvas.height, canvas.width), np.bool_)
        for frame, (heights, widths), order in zip(mask, sizes, orders, strict=True):
            reached = (heights[:, None] * widths).ravel()[order].cumsum()
            full = int(np.searchsorted(reached, count, side="right"))  # patches hidden whole
            patches = np.zeros((len(heights), len(widths)), np.bool_)
            patches.ravel()[order[:full]] = True
            frame[...] = patches.repeat(widths, axis=1).repeat(heights, axis=0)
            left = count - (int(reached[full - 1]) if full else 0)
            if left:  # of the next patch, from its top row down
                row, column = divmod(int(order[full]), len(widths))
                top, begin = int(heights[:row].sum()), int(widths[:column].sum())
                width = int(widths[column])
                rows, pixels = divmod(left, width)
                frame[top : top + rows, begin : begin + width] = True
                frame[top + rows, begin : begin + pixels] = True
        return mask

    def _patches(
        self, canvas: Canvas
    ) -> tuple[list[tuple[NDArray[np.int64], NDArray[np.int64]]], NDArray[np.int64]]:
        """Return the heights and widths of the patches of each frame, and their random order.

        Returns:
            A pair for each of 1 or T frames, ``(rows,)`` and ``(columns,)`` in pixels, 0 outside of
            the frame; and ``(1 or T, rows * columns)``, numbers of patches, the first one first.
        """
        frames = 1 if self.static else canvas.frames
        # How much of the first row and column of patches lies outside of the frame, in pixels.
        cut = (grid_phase(self.phase, canvas, frames=frames) * self.patch).astype(np.int64)
        most = 0 if self.phase == "aligned" else self.patch - 1
        rows = -(-(canvas.height + most) // self.patch)
        columns = -(-(canvas.width + most) // self.patch)
        draws = generator(canvas.seed, "mask/percent", canvas.clip_id)
        # An order instead of the random values, which may be equal as float32.
        orders = np.argsort(draws.random((frames, rows * columns)), axis=1, kind="stable")

        heights, widths = (
            np.diff(np.clip(np.arange(count + 1) * self.patch - before[:, None], 0, side))
            for count, side, before in (
                (rows, canvas.height, cut[:, 0]),
                (columns, canvas.width, cut[:, 1]),
            )
        )
        return list(zip(heights, widths, strict=True)), orders
