"""Scene swap: the subject of a clip in front of the background of another class's clip."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role
from clip_har.core.tensors import shared
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.sources.files import existing_file
from clip_har.masking.area import Canvas, Hidden, known_feature
from clip_har.masking.backgrounds import backgrounds_digest, find_background, read_background
from clip_har.masking.fill import Fill, apply_mask, feather
from clip_har.masking.holes import filled_frames, hole_field
from clip_har.masking.mask import Mask, SceneRole
from clip_har.masking.pairs import listed_scene_clips, read_pairs, sample_scene_clips

if TYPE_CHECKING:
    from clip_har.data.frames.store import ClipFrames
    from clip_har.data.sampling import Resample
    from clip_har.regions.source import RegionSource


class SwapMask(Mask):
    """Keep the subject, hide the rest, and show another clip's background there.

    As in HAT (Chung et al. 2022) and SCUBA (Li et al. 2023). `clip_har.masking.pairs`
    chooses the other clip at random, unless ``pairs`` names it. The other clip's own subject is
    painted over with ``fill``, in a grown outline, so that its silhouette is not visible; with
    ``backgrounds`` its inpainted frames are shown instead. In HAT the subject is moved to where
    the other clip's subject was; here it stays in its place.

    Attributes:
        fill: what is painted over the other clip's own subject.
        feature: the target that is kept; in the other clip it is painted over.
        grow: pixels by which the kept outline reaches beyond the target.
        soft: width in pixels of the soft edge, inside of what is kept.
        frozen: show one frame only, repeated: the same scene without motion (SCUFO). It is the
            frame nearest to the middle in which the target was found.
        backgrounds: folder of one folder of inpainted frames per clip, laid out like the clips,
            such as ``inp`` of HAT; see `clip_har.regions.frame_images`. A clip without one is not
            used as a scene. None paints over the subject.
        pairs: table of ``clip,scene``, see `clip_har.masking.pairs.read_pairs`; None samples.
    """

    fill: Fill = "surround"
    feature: Annotated[str, Field(min_length=1)] = "subject"
    grow: Annotated[int, Field(ge=0, le=512)] = 0
    soft: Annotated[int, Field(ge=0, le=512)] = 0
    frozen: bool = False
    backgrounds: Annotated[Path | None, Role.CONTENT] = None
    pairs: Annotated[Path | None, Role.CONTENT] = None

    swaps_scene: ClassVar[bool] = True
    ratio: ClassVar[None] = None

    @property
    def short_name(self) -> str:
        """A few words for a figure's row."""
        sources = [path.stem for path in (self.backgrounds, self.pairs) if path is not None]
        added = f" ({', '.join(sources)})" if sources else ""
        return f"swap scene of {self.feature}" + (" frozen" if self.frozen else "") + added

    @property
    def label(self) -> str:
        """A few words for a gallery's row, without the fill, which is only in the other clip."""
        return self.short_name

    @property
    def scene_role(self) -> SceneRole:
        """Its role in the scene measures: another scene, moving or frozen."""
        return "frozen" if self.frozen else "swap"

    def check(self, region: "RegionSource", *, sharded: bool) -> None:
        """Refuse shards, a target that cannot be found, and clips without the target.

        Args:
            region: the cell's region source.
            sharded: whether only a shard of the clips is evaluated.

        Raises:
            ClipHarError: for each of these.
        """
        if sharded:
            raise ClipHarError(
                "masking=swap shows a clip in front of the scene of any other clip, which may be in"
                " another shard: run it without shard"
            )
        super().check(region, sharded=sharded)
        if region.on_empty == "whole":
            raise ClipHarError(
                "masking=swap needs a subject to put in front of another scene: with"
                " region.on_empty=whole a clip without one would stay as it is; use"
                " region.on_empty=skip or error"
            )

    def identity(self, clips: ClipSet) -> str:
        """Return a digest of the inpainted backgrounds and of the list of pairs.

        Args:
            clips: of the cell.

        Raises:
            ClipHarError: when one of them is missing or has other content.
        """
        parts = []
        if self.backgrounds is not None:
            parts.append(backgrounds_digest(self.backgrounds, clips))
        if self.pairs is not None:
            read_pairs(self.pairs)
            file = existing_file(self.pairs, expected="a table", setting="masking.pairs")
            parts.append(hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest())
        return " ".join(parts)

    def has_background(self, clip: Clip, *, found: bool) -> bool:
        """Return whether the background of a clip can be shown behind others.

        Args:
            clip: the clip.
            found: whether its subject was found, so that it can be painted over.
        """
        if self.backgrounds is None:
            return found
        return find_background(self.backgrounds, clip) is not None

    def pick_scenes(self, clips: Sequence[Clip], scenes: Sequence[Clip], *, seed: int) -> list[int]:
        """Return for each clip the position in ``scenes`` of the one that is shown behind it.

        Args:
            clips: N clips.
            scenes: the clips whose backgrounds can be shown.
            seed: the root seed.

        Raises:
            ClipHarError: when a clip has no scene of another class.
        """
        if self.pairs is None:
            return sample_scene_clips(clips, scenes, seed=seed)
        return listed_scene_clips(clips, scenes, self.pairs)

    def field(self, canvas: Canvas) -> NDArray[np.float32]:
        """Return ``(T, H, W)``, negative where the other background is shown.

        Args:
            canvas: the clip, with the soft mask of the target.

        Raises:
            ClipHarError: when the canvas has no soft mask of the target.
        """
        return -hole_field(known_feature(canvas), "grown", grow=self.grow)

    def soften(self, hidden: NDArray[np.bool_]) -> Hidden:
        """Return the mask with its soft edge, if it has one.

        Args:
            hidden: ``(T, H, W)``.
        """
        return feather(hidden, self.soft) if self.soft else hidden

    @property
    def stands_still(self) -> bool:
        """Whether one frame is shown, repeated."""
        return self.frozen

    @property
    def paint_is_made(self) -> bool:
        """Return False: the scene is that of another clip."""
        return False

    def empty_scene(
        self, view: "ClipFrames", soft_mask: NDArray[np.float32], resample: "Resample", *, seed: int
    ) -> NDArray[np.uint8]:
        """Return another clip's background: inpainted, or with the clip's target painted over.

        Args:
            view: the other clip.
            soft_mask: ``(T, H, W)`` of its target, in [0, 1].
            resample: how its frames were fitted.
            seed: the root seed.

        Returns:
            ``(T, 3, H, W)`` uint8.
        """
        if self.backgrounds is not None:
            path = find_background(self.backgrounds, view.clip)
            assert path is not None, "only clips with a background are scenes"  # noqa: S101
            inpainted: NDArray[np.uint8] = read_background(path, view, resample).numpy()
            return inpainted
        # The region source may miss the target in a frame: there it is where it is in the nearest.
        own = hole_field(filled_frames(soft_mask), "grown") < 0
        frames = shared(view.pixels)
        painted = apply_mask(frames, own, self.fill, seed=seed, clip_id=view.clip.id)
        found: NDArray[np.uint8] = painted.numpy()
        return found

    def paint(
        self,
        frames: NDArray[np.uint8],  # noqa: ARG002
        hidden: Hidden,  # noqa: ARG002
        *,
        scene: NDArray[np.uint8] | None,
        seed: int,  # noqa: ARG002
        clip_id: str,  # noqa: ARG002
    ) -> NDArray[np.uint8]:
        """Return the other scene, which is shown in place of the hidden pixels.

        Args:
            frames: not used.
            hidden: not used.
            scene: ``(T, 3, H, W)`` uint8, see `empty_scene`.
            seed: not used: nothing is random.
            clip_id: not used.
        """
        assert scene is not None, "a swap shows the scene of another clip"  # noqa: S101
        return scene
