"""One cell of a study, from clips to a folder of results; it reads like the flow of the data."""

import logging
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clip_har.config import Cell
from clip_har.data.clips import ClipSet
from clip_har.data.store import FrameStore
from clip_har.masked_clips import MaskedClips, open_masked
from clip_har.masking.effect import MaskEffect
from clip_har.models.dual_encoder import DualEncoder, ModelSource, Precision, pick_device
from clip_har.models.zero_shot import Judge, ZeroShot
from clip_har.progress import track
from clip_har.scores import OWN_SCENE, ScoreTable

log = logging.getLogger(__name__)


def open_frames(cell: Cell, clips: ClipSet) -> FrameStore:
    """Decode the clips at the model's input size, or find them decoded."""
    settings = cell.frames.model_copy(update={"size": cell.model.image_size()})
    return FrameStore.open(clips, settings, cache_dir=cell.cache_dir)


def load_model(cell: Cell) -> DualEncoder:
    """Load the cell's model, or return it when the cell before had the same."""
    return _load_model(cell.model, cell.device, cell.precision)


def load_zero_shot(cell: Cell, clips: ClipSet) -> ZeroShot:
    """Load the cell's model and embed the classes of its clips."""
    return ZeroShot.build(
        load_model(cell),
        cell.prompts.texts(clips.class_names),
        pooling=cell.model.pooling,
        batch_size=cell.batch_size,
        cache_dir=cell.cache_dir,
    )


def evaluate(cell: Cell, clips: ClipSet) -> tuple[MaskedClips, ScoreTable]:
    """Score every class for every clip that decodes, under the cell's mask.

    Args:
        cell: the checked settings.
        clips: what is evaluated.

    Returns:
        The clips as they were shown, and one row per judged clip in the clip set's order.
    """
    zero_shot = load_zero_shot(cell, clips)  # before hours of decoding: it may not be loadable
    frames = open_frames(cell, clips)
    masked = open_masked(cell, frames, zero_shot=lambda: zero_shot)
    if masked.empty:
        skipped = masked.on_empty == "skip"
        done = "left out" if skipped else "their whole frames are taken for it"
        log.warning("%s: %s", masked.told_empty(), done)
    return masked, score_clips(masked, zero_shot)


def score_clips(masked: MaskedClips, judge: Judge) -> ScoreTable:
    """Show masked clips to a model.

    Args:
        masked: the clips.
        judge: the cell's model with its classes, or anything else that scores clips.

    Returns:
        One row per judged clip, in the clip set's order.
    """
    scores: list[NDArray[np.float32]] = []
    effects: list[MaskEffect] = []
    with track(len(masked.judged), "evaluating") as advance:
        for batch in masked.frames.batches(masked.judged, judge.batch_size):
            shown = []
            for index in batch:
                clip, effect = masked.clip(index)
                shown.append(clip)
                effects.append(effect)
            scores.append(judge.scores(shown).numpy())  # (B, C)
            advance(len(batch))

    every = masked.frames.clip_set.clips
    judged = [every[index] for index in masked.judged]
    scenes = [masked.scene_clips.get(index) for index in masked.judged]
    return ScoreTable(
        class_names=masked.frames.clip_set.class_names,
        clip_ids=tuple(clip.id for clip in judged),
        groups=tuple(clip.group for clip in judged),
        labels=np.array([clip.label for clip in judged], dtype=np.int64),
        scores=np.concatenate(scores),
        mask_ratio=np.array([effect.realised_ratio for effect in effects]),
        subject_found=_numbers([effect.subject_found for effect in effects]),
        subject_hidden=_numbers([effect.subject_hidden for effect in effects]),
        feature_hidden=_numbers([effect.feature_hidden for effect in effects]),
        feature_frames=_numbers([effect.feature_frames for effect in effects]),
        native_black=np.array([effect.native_black for effect in effects]),
        scene_labels=np.array(
            [OWN_SCENE if scene is None else every[scene].label for scene in scenes], np.int64
        ),
        empty=tuple(every[index].id for index in masked.empty),
        kind="log_probabilities" if judge.pooling == "mean_probability" else "logits",
    )


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)  # None becomes NaN


@lru_cache(maxsize=1)
def _load_model(source: ModelSource, device: str, precision: Precision) -> DualEncoder:
    # The cells of a sweep that run in one process share the model.
    return source.load(device=pick_device(device), precision=precision)
