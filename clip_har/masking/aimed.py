"""What masks that are aimed at a target have in common."""

from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from clip_har.masking.area import Canvas, Hidden, TieOrder, from_centre, known_feature
from clip_har.masking.fill import Fill, feather
from clip_har.masking.holes import Hole, bounding_box, filled_frames, hole_field
from clip_har.masking.mask import Mask
from clip_har.regions.source import BACKGROUND, INSIDE, PERSON, SUBJECT


class AimedMask(Mask):
    """A mask around a target.

    Attributes:
        ratio: share of each frame's pixels that is hidden, in [0, 1]; None hides the whole hole,
            whatever its size.
        fill: what is painted over them.
        feature: the target, see `clip_har.regions.source`.
        hole: the shape about the target, see `clip_har.masking.holes`; None for the mask's default.
        grow: pixels by which the shape reaches beyond the target, or stays within it when
            negative; None for 0, and for 8 % of the frame's short side with ``hole=grown``.
        soft: width in pixels of the soft edge, outside of the hole; 0 for a hard edge.
        static: one outline for the whole clip (the target's union over time), or one per frame.

    Raises:
        ValueError: (by pydantic) on a value out of range, an exact hole with ``grow``, or a box
            about the background.
    """

    ratio: Annotated[float, Field(ge=0, le=1)] | None
    fill: Fill = "black"
    feature: Annotated[str, Field(min_length=1)] = "subject"
    hole: Hole | None = None
    grow: Annotated[int, Field(ge=-512, le=512)] | None = None
    soft: Annotated[int, Field(ge=0, le=512)] = 0
    static: bool = False

    @property
    def shape(self) -> Hole:
        """The hole's shape, with the mask's default resolved."""
        return self.hole or "exact"

    @property
    def follows_outline(self) -> bool:
        """Whether the hole may have the target's own outline.

        A ``grown`` hole has it if it does not grow. With a ratio every hole may have it: the target
        is hidden first, and the ratio may be exactly its size.
        """
        if self.ratio is not None:
            return True
        if self.shape == "grown":
            return self.grow is not None and self.grow <= 0
        return self.shape == "exact"

    @property
    def aims_at_subject(self) -> bool:
        """Whether the target is the subject, also if it is named as the person."""
        return self.feature in (SUBJECT, PERSON)

    @property
    def covers_target(self) -> bool:
        """Whether the hole covers the whole target: no ratio cuts it, and it does not shrink."""
        return self.ratio is None and (self.grow or 0) >= 0

    @model_validator(mode="after")
    def _background_has_no_box(self) -> Self:
        if self.feature == BACKGROUND and self.shape in ("box", "ellipse"):
            raise ValueError(
                f"masking.hole={self.hole} about the background is the whole frame: aim at the"
                " subject, whose box masking=feature hides and masking=isolation keeps"
            )
        return self

    @model_validator(mode="after")
    def _exact_does_not_grow(self) -> Self:
        if self.shape == "exact" and self.grow:
            raise ValueError(
                f"masking.hole=exact with masking.grow={self.grow}: an exact hole has the target's"
                " own outline; use masking.hole=grown"
            )
        return self

    def ties(self, canvas: Canvas) -> TieOrder:
        """Return the order of pixels that the hole reaches at once: from its box's centre on.

        Args:
            canvas: the clip, with the soft mask of the target.
        """
        outlines = self._outlines(canvas)

        def order(frame: int, pixels: NDArray[np.int64]) -> NDArray[np.int64]:
            inside = outlines[frame % len(outlines)] >= INSIDE
            top, left, bottom, right = bounding_box(inside if inside.any() else ~inside)
            rows, columns = np.divmod(pixels, canvas.width)
            down, across = rows + 0.5 - (top + bottom) / 2, columns + 0.5 - (left + right) / 2
            return pixels[from_centre(across, down)]

        return order

    def soften(self, hidden: NDArray[np.bool_]) -> Hidden:
        """Return the mask with its soft edge, if it has one.

        Args:
            hidden: ``(1 or T, H, W)``.
        """
        return feather(hidden, self.soft) if self.soft else hidden

    def _outlines(self, canvas: Canvas) -> NDArray[np.float32]:
        """Return the soft mask that holes are made about, ``(1 or T, H, W)``."""
        soft_mask = known_feature(canvas)
        if self.static:
            union: NDArray[np.float32] = soft_mask.max(axis=0, keepdims=True)
            return union
        return soft_mask if self.ratio is None else filled_frames(soft_mask)

    def _hole(self, outlines: NDArray[np.float32]) -> NDArray[np.float32]:
        return hole_field(outlines, self.shape, grow=self.grow, ranked=self.ratio is not None)
