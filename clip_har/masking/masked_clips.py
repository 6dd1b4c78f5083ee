"""The clips of a cell as the model sees them: frames, regions and mask together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.core.progress import track
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import frame_order
from clip_har.masking.area import Canvas
from clip_har.masking.effect import MaskEffect, kept_share, mask_effect
from clip_har.masking.mask import Hidden, Mask, clip_mask
from clip_har.regions.source import PERSON, SUBJECT, RegionSource
from clip_har.regions.store import RegionMaps, open_regions

if TYPE_CHECKING:
    from torch import Tensor

    from clip_har.models.zero_shot import ZeroShot


@dataclass(frozen=True, eq=False)
class MaskedClip:
    """One clip under its mask.

    Attributes:
        id: of the clip.
        frames: ``(T, 3, S, S)`` uint8 as the model sees them; all of the below in the same order.
        whole: ``(T, 3, S, S)`` uint8 before the mask was painted.
        hidden: ``(1 or T, S, S)``: True where hidden, or how much of a pixel is covered.
        effect: what the mask did.
        subject: ``(T, S, S)`` where the subject is in these frames; None without a region source.
        paint: paints the same mask over other frames of the clip.
    """

    id: str
    frames: "Tensor"
    whole: "Tensor"
    hidden: Hidden
    effect: MaskEffect
    subject: NDArray[np.float32] | None
    paint: "Callable[[Tensor], Tensor]"

    @property
    def middle_hidden(self) -> float:
        """Share of the pixels of the middle frame, as shown, that is hidden."""
        hidden = self.hidden[len(self.frames) // 2 if len(self.hidden) > 1 else 0]
        return float(hidden.mean(dtype=np.float64))


@dataclass(frozen=True, eq=False)
class MaskedClips:
    """The clips of a cell under its mask; open them with `open_masked`.

    Attributes:
        masking: the cell's mask.
        seed: the root seed.
        frames: the clips' frames without the mask.
        subject: where the subject is; None without a region source.
        patch: side of the model's own patches, in pixels; None if it has none.
        feature: where the mask's target is; None if the mask is aimed at nothing.
        on_empty: what happens to clips in which that target is not found.
    """

    masking: Mask
    seed: int
    frames: FrameStore
    patch: int | None
    subject: RegionMaps | None = None
    feature: RegionMaps | None = None
    on_empty: str = "skip"

    @cached_property
    def empty(self) -> list[int]:
        """Decoded clips in which the mask's target was not found, ascending."""
        if self.feature is None:
            return []
        return [index for index in self.frames.ok if not self.feature.found[index]]

    def empty_message(self) -> str:
        """Return which target was not found, in how many clips and in which, for messages."""
        return f"no {self.masking.feature} was found in {self._listed(self.empty)}"

    @cached_property
    def covered(self) -> list[int]:
        """Decoded clips of which the mask would leave too little, ascending.

        In them the target was found, and less than `Mask.least_kept` of the rest stays visible.
        """
        least = self.masking.least_kept
        if not least or self.feature is None:
            return []
        found = [index for index in self.frames.ok if self.feature.found[index]]
        covered = []
        with track(len(found), "masks") as advance:
            for index in found:
                kept = kept_share(self._hidden(index), self.feature.soft_mask(index))
                if kept is not None and kept < least:
                    covered.append(index)
                advance(1)
        return covered

    def covered_message(self) -> str:
        """Return in how many clips and in which the mask leaves too little, for messages."""
        return (
            f"less than {100 * self.masking.least_kept:g} % (masking.min_kept) of what is not the"
            f" {self.masking.feature} stays visible in {self._listed(self.covered)}"
        )

    def _listed(self, indices: Sequence[int]) -> str:
        names = [self.frames.clip_set.clips[index].id for index in indices]
        listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        return f"{len(names)} of {len(self.frames.ok)} clips ({listed})"

    @cached_property
    def evaluated(self) -> list[int]:
        """The clips that are shown to the model, ascending."""
        left_out = {*self.covered, *(() if self.on_empty == "whole" else self.empty)}
        return [index for index in self.frames.ok if index not in left_out]

    @cached_property
    def evaluated_ids(self) -> tuple[str, ...]:
        """The ids of these clips."""
        return tuple(self.frames.clip_set.clips[index].id for index in self.evaluated)

    @cached_property
    def scenes(self) -> list[int]:
        """The clips whose background can be shown, ascending; empty unless the mask swaps scenes.

        Their subject was found, or the mask has inpainted frames of them.
        """
        if not self.masking.swaps_scene:
            return []
        clips, evaluated = self.frames.clip_set.clips, set(self.evaluated)
        return [
            index
            for index in self.frames.ok
            if self.masking.has_background(clips[index], found=index in evaluated)
        ]

    @cached_property
    def scene_clips(self) -> Mapping[int, int]:
        """For each evaluated clip the index of the clip whose background is shown.

        Empty unless the mask swaps scenes. The two clips are of different classes.
        """
        if not self.masking.swaps_scene:
            return {}
        clips = self.frames.clip_set.clips
        evaluated, scenes = (
            [clips[index] for index in indices] for indices in (self.evaluated, self.scenes)
        )
        picks = self.masking.pick_scenes(evaluated, scenes, seed=self.seed)
        return {index: self.scenes[pick] for index, pick in zip(self.evaluated, picks, strict=True)}

    def clip(self, index: int) -> MaskedClip:
        """Return a clip under the mask.

        Args:
            index: in the clip set; random numbers depend on the clip's id, not on the index.
        """
        import torch

        from clip_har.data.geometry import placement  # it imports torch

        view = self.frames.view(index)
        pixels, clip_id = view.pixels, view.clip.id
        count, _, _, width = pixels.shape
        subject = None if self.subject is None else self.subject.soft_mask(index)
        feature = self._feature(index)
        hidden = self._hidden(index)
        whole, scene = torch.from_numpy(pixels.copy()), self._scene(index, count)
        own = partial(self.masking.paint, seed=self.seed, clip_id=clip_id)
        painted = own(whole, hidden=hidden, scene=scene)
        # All of the above is in the order of the video: each frame is shown with its own mask.
        if self.masking.stands_still:
            places = np.full(count, self._still(index, count))
        else:
            order = self.frames.settings.order
            places = frame_order(order, count, seed=self.seed, clip_id=clip_id)
        one = self.masking.stands_still or self.frames.settings.order == "single"
        seen = slice(int(places[0]), int(places[0]) + 1) if one else slice(None)
        shared = hidden[seen] if len(hidden) > 1 else hidden
        effect = mask_effect(
            pixels[seen],
            shared,
            patch=self.patch,
            picture=placement(view.height, view.width, width, view.fit, view.edge),
            subject=None if subject is None else subject[seen],
            feature=None if feature is None else feature[seen],
            found=None if self.feature is None else self.feature.frames_found(index)[seen],
        )
        paint = partial(own, hidden=shared, scene=None if scene is None else scene[np.sort(places)])
        return MaskedClip(
            id=clip_id,
            frames=_shown(painted, places),
            whole=_shown(whole, places),
            hidden=shared if len(shared) == 1 else shared[places],
            effect=effect,
            subject=None if subject is None else subject[places],
            paint=partial(_paint_shown, paint=paint, places=places),
        )

    def _hidden(self, index: int) -> Hidden:
        """Return what the mask hides of a clip, in the order of the video."""
        pixels = self.frames.view(index).pixels
        canvas = Canvas(
            clip_id=self.frames.clip_set.clips[index].id,
            seed=self.seed,
            frames=len(pixels),
            height=pixels.shape[2],
            width=pixels.shape[3],
            feature=self._feature(index),
            subject=None if self.subject is None else self.subject.soft_mask(index),
        )
        return self.masking.soften(clip_mask(self.masking, canvas))  # (1 or T, S, S)

    def _still(self, index: int, count: int) -> int:
        """Return the frame that is shown alone: of those with the target, the middle one."""
        assert self.feature is not None, "only masks with a target stand still"  # noqa: S101
        found = np.flatnonzero(self.feature.frames_found(index))
        return int(min(found, key=lambda place: abs(place - count // 2), default=count // 2))

    def _feature(self, index: int) -> NDArray[np.float32] | None:
        if self.feature is None:
            return None
        soft_mask = self.feature.soft_mask(index)
        # A clip without the target is shown only with on_empty=whole.
        return soft_mask if self.feature.found[index] else np.ones_like(soft_mask)

    def _scene(self, index: int, count: int) -> "Tensor | None":
        """Return the background of another clip, ``(count, 3, S, S)``; None unless it is shown."""
        import torch

        if not self.masking.swaps_scene:
            return None
        other = self.scene_clips[index]
        view, soft_mask = self.frames.view(other), self._feature(other)
        assert soft_mask is not None, "a swap is aimed at a target"  # noqa: S101
        _, _, resample, _ = self.frames.settings.geometry()
        scene = self.masking.empty_scene(view, soft_mask, resample, seed=self.seed)
        # Clips may differ in length.
        return scene[torch.arange(count) * len(scene) // count]


def _shown(frames: "Tensor", places: NDArray[np.int64]) -> "Tensor":
    """Return frames ``(T, 3, S, S)`` in the order in which they are shown."""
    return frames if np.array_equal(places, np.arange(len(places))) else frames[places]


def _paint_shown(
    frames: "Tensor", *, paint: "Callable[[Tensor], Tensor]", places: NDArray[np.int64]
) -> "Tensor":
    """Paint over frames in the order in which they are shown; a mask's own is that of the video."""
    own = places.argsort(kind="stable")
    return _shown(paint(_shown(frames, own)), own.argsort())


def locate(
    masking: Mask,
    frames: FrameStore,
    region: RegionSource,
    *,
    subject: bool,
    patch: int | None,
    seed: int,
    zero_shot: "Callable[[], ZeroShot]",
    cache_dir: Path,
) -> MaskedClips:
    """Find where a mask's target is, and return the clips under the mask.

    Args:
        masking: the mask.
        frames: of the clips.
        region: finds the target, and says what happens to clips without it.
        subject: whether to find the subject, too.
        patch: side of the model's own patches, in pixels; None if it has none.
        seed: the root seed.
        zero_shot: returns the cell's model with its classes, for sources that need it.
        cache_dir: where region maps are kept.
    """
    aim = _aim(masking, region)
    maps = {
        target: open_regions(region, target, frames, zero_shot=zero_shot, cache_dir=cache_dir)
        for target in targets_of(masking, region, subject=subject)
    }
    return MaskedClips(
        masking=masking,
        seed=seed,
        frames=frames,
        patch=patch,
        subject=maps.get(SUBJECT),
        feature=maps.get(aim) if aim else None,
        on_empty=region.on_empty,
    )


def targets_of(masking: Mask, region: RegionSource, *, subject: bool) -> list[str]:
    """Return the targets that are looked for in the clips, each once.

    Args:
        masking: the mask.
        region: finds them.
        subject: whether the subject is looked for, whatever the mask is aimed at.
    """
    aim = _aim(masking, region)
    return list(dict.fromkeys(([aim] if aim else []) + ([SUBJECT] if subject else [])))


def _aim(masking: Mask, region: RegionSource) -> str | None:
    aim = masking.feature
    return SUBJECT if aim == PERSON and region.person_is_subject else aim
