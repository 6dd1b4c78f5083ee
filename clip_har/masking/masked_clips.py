"""The clips of a cell as the model sees them: frames, regions and mask together."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clip_har.core.progress import track
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import frame_order
from clip_har.masking.area import Canvas, Hidden
from clip_har.masking.effect import MaskEffect, black_pixels, kept_share, mask_effect
from clip_har.masking.kept import kept, kept_mask
from clip_har.masking.mask import Mask
from clip_har.masking.masked_clip import MaskedClip
from clip_har.regions.source import PERSON, SUBJECT, RegionSource
from clip_har.regions.store import RegionMaps, open_regions

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot


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
        source: what found subject and target; None if nothing was looked for.
    """

    masking: Mask
    seed: int
    frames: FrameStore
    patch: int | None
    subject: RegionMaps | None = None
    feature: RegionMaps | None = None
    on_empty: str = "skip"
    source: RegionSource | None = None

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
                share = self._kept_share(index)
                if share is not None and share < least:
                    covered.append(index)
                advance(1)
        return covered

    def _kept_share(self, index: int) -> float | None:
        """Return the share of what is not the target that stays visible."""

        def measure() -> float | None:
            soft_masks = self._soft_masks(index)
            assert soft_masks.feature is not None  # noqa: S101
            return kept_share(self._hidden(index, lambda: soft_masks), soft_masks.feature)

        return kept(("kept share", self._mask_key(index)), measure)

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
        from clip_har.data.geometry import placement  # it imports torch

        view = self.frames.view(index)
        pixels, clip_id = view.pixels, view.clip.id
        count, _, _, width = pixels.shape
        soft_masks = cache(lambda: self._soft_masks(index))
        hidden = self._hidden(index, soft_masks)
        # All of the above is in the order of the video: each frame is shown with its own mask.
        if self.masking.stands_still:
            places = np.full(count, self._still(index, count))
        else:
            order = self.frames.settings.order
            places = frame_order(order, count, seed=self.seed, clip_id=clip_id)
        one = self.masking.stands_still or self.frames.settings.order == "single"
        seen = slice(int(places[0]), int(places[0]) + 1) if one else slice(None)
        shared_mask = hidden[seen] if len(hidden) > 1 else hidden
        own = partial(self.masking.paint, seed=self.seed, clip_id=clip_id)

        def make_paint() -> NDArray[np.uint8]:
            paint = own(pixels, hidden, scene=self._scene(index, count))
            return paint if len(paint) == 1 else _in_order(paint, places)

        def find_subject() -> NDArray[np.float32] | None:
            subject = soft_masks().subject
            return None if subject is None else _in_order(subject, places)

        def measure() -> MaskEffect:
            subject, feature = soft_masks()
            return mask_effect(
                pixels[seen],
                shared_mask,
                patch=self.patch,
                picture=placement(view.height, view.width, width, view.fit, view.edge),
                subject=None if subject is None else subject[seen],
                feature=None if feature is None else feature[seen],
                found=None if self.feature is None else self.feature.frames_found(index)[seen],
                black=_black_pixels(pixels, self.frames.entries[index].checksum)[seen],
            )

        return MaskedClip(
            id=clip_id,
            index=index,
            pixels=pixels,
            places=places,
            hidden=shared_mask if len(shared_mask) == 1 else _in_order(shared_mask, places),
            find_subject=find_subject,
            make_paint=cache(make_paint),
            paint_over=partial(own, hidden=shared_mask, scene=None)
            if self.masking.paint_is_made
            else None,
            measure=cache(
                measure
                if self.subject is self.feature is None
                else partial(kept, self._effect_key(index, seen), measure)
            ),
        )

    def _soft_masks(self, index: int) -> "_SoftMasks":
        """Return where the subject and the mask's target are."""
        subject = None if self.subject is None else self.subject.soft_mask(index)
        if self.feature is None:
            return _SoftMasks(subject, None)
        feature = subject if self.feature is self.subject else self.feature.soft_mask(index)
        assert feature is not None  # noqa: S101
        # A clip without the target is shown only with on_empty=whole.
        shown = feature if self.feature.found[index] else np.ones_like(feature)
        return _SoftMasks(subject, shown)

    def _hidden(self, index: int, soft_masks: "Callable[[], _SoftMasks]") -> Hidden:
        """Return what the mask hides of a clip, in the order of the video."""

        def make() -> Hidden:
            size, found = self.frames.size, soft_masks()
            canvas = Canvas(
                clip_id=self.frames.clip_set.clips[index].id,
                seed=self.seed,
                frames=int(self.frames.lengths[index]),
                height=size,
                width=size,
                feature=found.feature,
                subject=found.subject,
            )
            return self.masking.soften(self.masking.hidden(canvas))  # (1 or T, S, S)

        # Any other mask is made in less time than it takes to find it again.
        return kept_mask(self._mask_key(index), make) if self.masking.targets else make()

    @cached_property
    def _shape(self) -> Mask:
        """The mask without its fill, which does not decide what is hidden."""
        has_fill = "fill" in type(self.masking).model_fields
        return self.masking.model_copy(update={"fill": "black"}) if has_fill else self.masking

    def _mask_key(self, index: int) -> Hashable:
        """Return all that decides what the mask hides of a clip, in the order of the video."""
        entry, size = self.frames.entries[index], self.frames.size
        maps = tuple(
            None if one is None else (one.path, bool(one.found[index]))
            for one in (self.subject, self.feature)
        )
        return (self._shape, self.seed, entry.clip_id, entry.checksum, size, self.source, maps)

    def _effect_key(self, index: int, seen: slice) -> Hashable:
        """Return all that decides what the mask does to some frames of a clip."""
        view = self.frames.view(index)
        fitted = (view.height, view.width, view.fit, view.edge, self.patch)
        return ("effect", seen.start, *fitted, self._mask_key(index))

    def _still(self, index: int, count: int) -> int:
        """Return the frame that is shown alone: of those with the target, the middle one."""
        assert self.feature is not None, "only masks with a target stand still"  # noqa: S101
        found = np.flatnonzero(self.feature.frames_found(index))
        return int(min(found, key=lambda place: abs(place - count // 2), default=count // 2))

    def _scene(self, index: int, count: int) -> NDArray[np.uint8] | None:
        """Return the background of another clip, ``(count, 3, S, S)``; None unless it is shown."""
        if not self.masking.swaps_scene:
            return None
        other = self.scene_clips[index]
        view, soft_mask = self.frames.view(other), self._soft_masks(other).feature
        assert soft_mask is not None, "a swap is aimed at a target"  # noqa: S101
        _, _, resample, _ = self.frames.settings.geometry()
        scene = self.masking.empty_scene(view, soft_mask, resample, seed=self.seed)
        # Clips may differ in length.
        return scene[np.arange(count) * len(scene) // count]


class _SoftMasks(NamedTuple):
    """Where the subject and the mask's target are, ``(T, S, S)``; None if it is not asked for."""

    subject: NDArray[np.float32] | None
    feature: NDArray[np.float32] | None


_black: dict[str, NDArray[np.int64]] = {}
"""By the checksum of a clip's frames, see `black_pixels`: the same under every mask."""


def _black_pixels(pixels: NDArray[np.uint8], checksum: str) -> NDArray[np.int64]:
    if checksum not in _black:
        _black[checksum] = black_pixels(pixels)
    return _black[checksum]


def _in_order(rows: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    """Return rows ``(T, …)`` of a clip in the order in which its frames are shown."""
    return rows if np.array_equal(places, np.arange(len(places))) else rows[places]


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
        source=region,
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
