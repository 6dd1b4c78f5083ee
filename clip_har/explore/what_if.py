"""One clip in one cell, before and as the model saw it: frames, probabilities, attribution."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_har.config.cell import Cell
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.shards import find_whole
from clip_har.engine.answers import frames_of_answer, noise_without_controls
from clip_har.engine.attribution import attribution_maps, covered
from clip_har.engine.clips import frame_settings, open_frames, open_masked
from clip_har.engine.load_model import load_classifier
from clip_har.engine.score_variants import score_variants
from clip_har.masking.masked_clips import MaskedClips
from clip_har.metrics.attention import mass
from clip_har.models.source import NO_ATTRIBUTION
from clip_har.models.zero_shot import Classifier, of_frames
from clip_har.regions.source import source_name
from clip_har.results.costs import Cost
from clip_har.results.score_table import ScoreTable

_MOST = 500  # clips of a swap, whose targets are all looked for first


@dataclass(frozen=True, eq=False)
class View:
    """One clip in one cell, as the model saw it and answered.

    Attributes:
        table: its row of the cell's score table.
        frames: ``(T, 3, S, S)`` uint8, with mask and noise.
        attribution: ``(T, g, g)`` for the predicted class; None if it is not known.
        subject: ``(T, g, g)``, the share of each patch that the subject covers; None if it was not
            looked for or not found.
        target: the target of the mask and the source that finds it; empty without a target.
        notes: what must be known to read it.
    """

    table: ScoreTable
    frames: NDArray[np.uint8]
    attribution: NDArray[np.float32] | None
    subject: NDArray[np.float32] | None
    target: str
    notes: tuple[str, ...]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """``(C,)``, the class distribution."""
        row: NDArray[np.float64] = self.table.probabilities()[0]
        return row

    @property
    def predicted(self) -> int:
        """The predicted class."""
        return int(self.table.predictions()[0])


def view_of(cell: Cell, clips: ClipSet, clip: Clip) -> View:
    """Show one clip of a cell to its model, as a run of the whole cell does.

    What is random in a mask or noise depends on the clip's id alone, so the other clips are not
    needed, unless their backgrounds are shown.

    Args:
        cell: the checked settings.
        clips: the cell's clips.
        clip: one of them.

    Raises:
        ClipHarError: when the clip cannot be decoded, the mask's target is not found in it, the
            noise is not learned yet, or something that the cell needs is missing.
    """
    classifier = load_classifier(cell, clips)
    frames, index = _frames(cell, clips, clip)
    masked = open_masked(cell, frames, zero_shot=lambda: of_frames(classifier))
    if index not in masked.evaluated:
        said = masked.covered_message() if index in masked.covered else masked.empty_message()
        raise ClipHarError(f"{clip.id} is left out: {said}")
    alone = _Alone(**_fields(masked), every=masked, index=index)
    noise = noise_without_controls(cell, frames, classifier)
    tables = score_variants(cell, alone, classifier, noise, clean=None, cost=Cost())
    table = tables[noise.headline]
    shown = alone.clip(index)
    seen = frames_of_answer(shown, 0, noise, tables, classifier)
    attribution, note = _attribution(cell, classifier, seen, int(table.predictions()[0]))
    subject = None
    # The evaluated model's own attribution cannot serve as the ground truth.
    if attribution is not None and shown.subject is not None and not cell.region.asks_model:
        subject = covered(shown.subject, attribution.shape[-1])
    aim = cell.masking.feature
    how = "exact" if cell.region.exact else "estimated"
    target = f"{aim}, found by {source_name(cell.region)} ({how})" if aim else ""
    notes = (*cell.notes(), *([note] if note else []))
    return View(table, seen, attribution, subject, target, notes)


def on_subject(
    attribution: NDArray[np.float32] | None, subject: NDArray[np.float32] | None
) -> float | None:
    """Return the share of the attribution on the subject, in [0, 1]; None if it is not known.

    Args:
        attribution: ``(T, g, g)`` at least 0.
        subject: ``(T, g, g)``, the share of each patch that the subject covers.
    """
    known = attribution is not None and subject is not None and attribution.shape == subject.shape
    if not known or not subject.any() or not attribution.any():  # type: ignore[union-attr]
        return None
    return mass(attribution, subject)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Alone(MaskedClips):
    """Masked clips of which one is evaluated; the others lend their backgrounds.

    Attributes:
        every: the same with all clips.
        index: of the one.
    """

    every: MaskedClips
    index: int

    @cached_property
    def evaluated(self) -> list[int]:
        """The one clip."""
        return [self.index]

    @cached_property
    def scene_clips(self) -> Mapping[int, int]:
        """The clip whose background is shown."""
        return self.every.scene_clips


def _fields(masked: MaskedClips) -> dict[str, Any]:
    return {name: getattr(masked, name) for name in MaskedClips.__dataclass_fields__}


def _frames(cell: Cell, clips: ClipSet, clip: Clip) -> tuple[FrameStore, int]:
    """Return the decoded frames of the clips that are needed, and the index of the one."""
    if not cell.masking.swaps_scene:
        only = replace(clips, clips=(clip,), whole=clips.whole or len(clips.clips))
        try:
            return open_frames(cell, only), 0
        except ClipHarError:
            store = find_whole(only, frame_settings(cell), cache_dir=cell.cache_dir)
            if store is None or not store.failures:
                raise
            reason = store.failures[0].reason
        raise ClipHarError(f"{clip.id} cannot be decoded: {reason}")
    if len(clips.clips) > _MOST:
        raise ClipHarError(
            f"a swap shows the background of another clip, so the subject is looked for in all"
            f" {len(clips.clips):,} clips first: start the page with limit={_MOST} or less"
        )
    return open_frames(cell, clips), clips.clips.index(clip)


def _attribution(
    cell: Cell, classifier: Classifier, seen: NDArray[np.uint8], label: int
) -> tuple[NDArray[np.float32] | None, str]:
    """Return the attribution of frames for a class, or None and why it is not known."""
    import torch

    if not cell.model.gives_attribution:
        return None, f"no attribution: {NO_ATTRIBUTION}"
    if cell.noise.is_learned and cell.noise.own_attention_clips == 0:
        return None, "no attribution: the noise is in feature space, or noise.attention_clips is 0"
    maps = attribution_maps(of_frames(classifier), torch.from_numpy(seen), label)
    return maps.numpy(), ""
