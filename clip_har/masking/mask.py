"""The base class of the options of ``conf/masking``, and the pixels that they hide."""

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from clip_har.core.settings import Settings
from clip_har.masking.area import Canvas, Hidden, TieOrder, lowest
from clip_har.masking.fill import is_made, paint_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clip_har.data.clips import Clip, ClipSet
    from clip_har.data.frames.store import ClipFrames
    from clip_har.data.sampling import Resample
    from clip_har.regions.source import RegionSource

SceneRole = Literal[
    "clean", "background_only", "background_hidden", "person_only", "swap", "frozen"
]
"""The role of a mask in the scene measures, see `clip_har.metrics.scene`."""


class Mask(Settings):
    """A mask; the defaults are those of a mask that is aimed at nothing.

    An option defines `field`, ``ratio``, ``fill``, ``feature`` and ``short_name``, as fields, class
    variables or properties. Each option declares all of its settings, also those that others have,
    so that its YAML file has exactly the keys of its class.
    """

    is_clean: ClassVar[bool] = False
    """Whether it hides nothing."""

    swaps_scene: ClassVar[bool] = False
    """Whether it shows the background of another clip."""

    if TYPE_CHECKING:  # pydantic refuses a field with the name of an attribute of the base

        @property
        def ratio(self) -> float | None:
            """Share of each frame's pixels that is hidden, in [0, 1].

            None hides the pixels where the field is negative, whatever their number.
            """

        @property
        def fill(self) -> str:
            """What is painted over the hidden pixels, see `clip_har.masking.fill`."""

        @property
        def feature(self) -> str | None:
            """The target that it is aimed at, see `clip_har.regions.source`."""

        @property
        def short_name(self) -> str:
            """A few words for a figure's row, without ratio and fill."""

    def field(self, canvas: Canvas) -> NDArray[np.float32]:
        """Return ``(1 or T, H, W)``: the lowest pixels are hidden first; 1: all frames are equal.

        Args:
            canvas: the clip.
        """
        raise NotImplementedError

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets whose place decides what is hidden."""
        return (self.feature,) if self.feature else ()

    @property
    def least_kept(self) -> float:
        """Share of what is not the target that must stay visible; clips with less are left out."""
        return 0.0

    @property
    def keeps_silhouette(self) -> bool:
        """Whether an edge of the mask is the subject's own outline, which may show the action."""
        return False

    @property
    def scene_role(self) -> SceneRole | None:
        """Its role in the scene measures; None if it has none."""
        return None

    @property
    def label(self) -> str:
        """A few words for a gallery's row, with the fill if it is not black."""
        return self.short_name + ("" if self.fill == "black" else f" {self.fill}")

    def identity(self, clips: "ClipSet") -> str:  # noqa: ARG002
        """Return what decides the mask besides its settings, such as a digest of files.

        Args:
            clips: of the cell.
        """
        return ""

    def has_background(self, clip: "Clip", *, found: bool) -> bool:
        """Return whether a swap can show the background of a clip.

        Args:
            clip: the clip.
            found: whether its target was found.
        """
        raise NotImplementedError

    def pick_scenes(
        self, clips: "Sequence[Clip]", scenes: "Sequence[Clip]", *, seed: int
    ) -> list[int]:
        """Return for each clip of a swap which of the scenes is shown behind it.

        Args:
            clips: N clips.
            scenes: the clips whose backgrounds can be shown.
            seed: the root seed.
        """
        raise NotImplementedError

    def empty_scene(
        self, view: "ClipFrames", soft_mask: NDArray[np.float32], resample: "Resample", *, seed: int
    ) -> NDArray[np.uint8]:
        """Return another clip's background without that clip's own target, for a swap.

        Args:
            view: the other clip.
            soft_mask: ``(T, H, W)`` of its target, in [0, 1].
            resample: how its frames were fitted.
            seed: the root seed.

        Returns:
            ``(T, 3, H, W)`` uint8.
        """
        raise NotImplementedError

    def check(self, region: "RegionSource", *, sharded: bool) -> None:  # noqa: ARG002
        """Check that the rest of the cell provides what the mask needs.

        Args:
            region: the cell's region source.
            sharded: whether only a shard of the clips is evaluated.

        Raises:
            ClipHarError: when the region source cannot find a target.
        """
        for target in self.targets:
            region.check(target)

    def ties(self, canvas: Canvas) -> TieOrder | None:  # noqa: ARG002
        """Return the order in which pixels of equal field value are hidden; None for raster order.

        Args:
            canvas: the clip.
        """
        return None

    def hidden(self, canvas: Canvas) -> NDArray[np.bool_]:
        """Return the hidden pixels of one clip, before a soft edge: where the field is lowest.

        An option may define it, too, if it knows a faster way to the same pixels.

        Args:
            canvas: the clip.

        Returns:
            ``(1 or T, H, W)`` bool, True where hidden; 1: the same in all frames.

        Raises:
            ClipHarError: when the mask needs a target and the canvas has no soft mask of it.
        """
        field = self.field(canvas)
        return field < 0 if self.ratio is None else lowest(field, self.ratio, self.ties(canvas))

    def soften(self, hidden: NDArray[np.bool_]) -> Hidden:
        """Return the mask with its soft edge, if it has one.

        Args:
            hidden: ``(1 or T, H, W)``.
        """
        return hidden

    @property
    def stands_still(self) -> bool:
        """Whether one frame is shown, repeated, whatever the order of the frames.

        It is the middle one, or of those in which the target was found the nearest to it.
        """
        return False

    @property
    def paint_is_made(self) -> bool:
        """Whether what is painted depends on the frames that it is painted over."""
        return is_made(self.fill)

    def paint(
        self,
        frames: NDArray[np.uint8],
        hidden: Hidden,
        *,
        scene: NDArray[np.uint8] | None,  # noqa: ARG002
        seed: int,
        clip_id: str,
    ) -> NDArray[np.uint8]:
        """Return what is painted over the hidden pixels of a clip.

        Args:
            frames: ``(T, 3, H, W)`` uint8.
            hidden: ``(1 or T, H, W)``.
            scene: ``(T, 3, H, W)`` uint8, another clip's background, for a mask that swaps scenes.
            seed: the root seed.
            clip_id: selects the clip's own random numbers.

        Returns:
            ``(1 or T, 3, 1 or H, 1 or W)`` uint8.
        """
        return paint_of(frames, hidden, self.fill, seed=seed, clip_id=clip_id)


def clip_mask(mask: Mask, canvas: Canvas) -> NDArray[np.bool_]:
    """Return the hidden pixels of one clip, see `Mask.hidden`.

    Args:
        mask: any option of ``conf/masking``.
        canvas: the clip.

    Example:
        >>> from clip_har.masking.shape import ShapeMask
        >>> canvas = Canvas(clip_id="clip 1", seed=0, frames=8, height=4, width=4)
        >>> clip_mask(ShapeMask(ratio=0.25, shape="square"), canvas).astype(int)
        array([[[0, 0, 0, 0],
                [0, 1, 1, 0],
                [0, 1, 1, 0],
                [0, 0, 0, 0]]])
    """
    return mask.hidden(canvas)
