"""Feature-specific masking: hide a named target."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from clip_har.core.errors import ClipHarError
from clip_har.masking.aimed import AimedMask
from clip_har.masking.area import Canvas
from clip_har.masking.away import moved_away
from clip_har.masking.holes import Hole
from clip_har.masking.mask import SceneRole, clip_mask
from clip_har.regions.source import BACKGROUND, SUBJECT

if TYPE_CHECKING:
    from clip_har.regions.source import RegionSource


class FeatureMask(AimedMask):
    """Hide a target; the pixels with the highest soft mask come first.

    With a ratio the area is exact, as with every mask: if the target is smaller, all of it is
    hidden, and the hole grows beyond it; if it is larger, only some of it is hidden, and nothing
    else. ``ratio=null`` hides the whole hole.

    A hole that follows the subject shows its motion, and the hole's size shows the pose: a box
    shows less than an outline, and ``static`` shows least.

    Attributes:
        hole: None is ``box``, which does not show the outline; for the background, whose box is
            the whole frame, None is ``exact``.
        place: ``feature``, or ``away``: the same hole away from target and subject, the control
            for the effect of hiding anything at all. In each frame it has the area of the hole on
            the target, and it moves and flickers as that one does, see `moved_away`. With
            ``static`` both stand still.
        min_kept: share of what is not the target that must stay visible, in [0, 1]; a clip of
            which the mask leaves less is left out and counted. 0 leaves out none.

    Raises:
        ValueError: (by pydantic) on another place for the background, or as `AimedMask`.

    Example:
        >>> FeatureMask(ratio=None).short_name
        'hide subject (box)'
    """

    place: Literal["feature", "away"] = "feature"
    min_kept: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _background_has_no_elsewhere(self) -> Self:
        if self.feature == BACKGROUND and self.place == "away":
            raise ValueError("masking.place=away: nothing is away from the background")
        return self

    @property
    def shape(self) -> Hole:
        """The hole's shape, the default resolved."""
        return self.hole or ("exact" if self.feature == BACKGROUND else "box")

    def check(self, region: "RegionSource", *, sharded: bool) -> None:
        """Refuse a target that cannot be found, and clips without it if some must stay visible.

        Args:
            region: the cell's region source.
            sharded: whether only a shard of the clips is evaluated.

        Raises:
            ClipHarError: for each of these.
        """
        super().check(region, sharded=sharded)
        if self.min_kept and region.on_empty == "whole":
            raise ClipHarError(
                f"masking.min_kept={self.min_kept:g} with region.on_empty=whole: nothing stays"
                " visible of a clip whose whole frame is the target; use region.on_empty=skip"
            )

    @property
    def least_kept(self) -> float:
        """Share of what is not the target that must stay visible."""
        return self.min_kept

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets whose place decides what is hidden: ``away`` also avoids the subject."""
        return (self.feature, SUBJECT) if self.place == "away" else (self.feature,)

    @property
    def scene_role(self) -> SceneRole | None:
        """Its role in the scene measures: subject or background hidden; None for other targets."""
        if self.place == "away" or not self.covers_target:
            return None
        if self.aims_at_subject:
            return "background_only"
        return "background_hidden" if self.feature == BACKGROUND else None

    @property
    def keeps_silhouette(self) -> bool:
        """Whether the hole has the subject's own outline, which may show the action."""
        on_it = self.feature != BACKGROUND and self.place == "feature"
        return on_it and self.follows_outline

    @property
    def short_name(self) -> str:
        """A few words for a figure's row."""
        away = " away" if self.place == "away" else ""
        return f"hide {self.feature} ({self.shape}{away}{' static' if self.static else ''})"

    def field(self, canvas: Canvas) -> NDArray[np.float32]:
        """Return the field of the hole about the target, see `hole_field`.

        Away from the target it is -1 inside the moved hole and 1 outside.

        Args:
            canvas: the clip, with the soft mask of the target.

        Returns:
            ``(1 or T, H, W)``, negative where ``ratio=null`` hides.

        Raises:
            ClipHarError: when the canvas has no soft mask of the target.
        """
        outlines = self._outlines(canvas)
        if self.place == "feature":
            return self._hole(outlines)
        on_target = clip_mask(self.model_copy(update={"place": "feature"}), canvas)
        occupied = outlines if canvas.subject is None else outlines + canvas.subject
        moved = moved_away(on_target, occupied, seed=canvas.seed, clip_id=canvas.clip_id)
        return np.where(moved, np.float32(-1), np.float32(1))
