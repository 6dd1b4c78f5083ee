"""One cell of a study, from clips to a folder of results; it reads like the flow of the data."""

import logging
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.config import Cell
from clip_har.data.clips import ClipSet
from clip_har.data.store import ClipFrames, FrameStore
from clip_har.masking.area import Canvas, clip_mask
from clip_har.masking.effect import MaskEffect, mask_effect
from clip_har.masking.fill import apply_mask
from clip_har.models.classifier import zero_shot_classifier
from clip_har.models.dual_encoder import DualEncoder, ModelSource, Precision, pick_device
from clip_har.models.pooling import clip_scores
from clip_har.progress import track
from clip_har.scores import ScoreTable

log = logging.getLogger(__name__)


def open_frames(cell: Cell, clips: ClipSet) -> FrameStore:
    """Decode the clips at the model's input size, or find them decoded."""
    settings = cell.frames.model_copy(update={"size": cell.model.image_size()})
    return FrameStore.open(clips, settings, cache_dir=cell.cache_dir)


def load_model(cell: Cell) -> DualEncoder:
    """Load the cell's model, or return it when the cell before had the same."""
    return _load_model(cell.model, cell.device, cell.precision)


@torch.inference_mode()
def evaluate(cell: Cell, model: DualEncoder, clips: ClipSet, frames: FrameStore) -> ScoreTable:
    """Score every class for every clip that decodes, under the cell's mask.

    Args:
        cell: the checked settings.
        model: the cell's model.
        clips: what is evaluated.
        frames: the clips' decoded frames.

    Returns:
        One row per decoded clip, in the clip set's order.
    """
    classifier = zero_shot_classifier(
        model, cell.prompts.texts(clips.class_names), cache_dir=cell.cache_dir
    ).to(model.device)

    scores: list[NDArray[np.float32]] = []
    effects: list[MaskEffect] = []
    with track(len(frames.ok), "evaluating") as advance:
        for batch in _batches(frames.ok, frames.lengths, cell.batch_size):
            masked = []
            for index in batch:
                shown, effect = mask_clip(cell, frames.view(index))
                masked.append(shown)
                effects.append(effect)
            embeddings = _encode(model, torch.cat(masked), cell.batch_size)  # (M, D)
            batch_scores = clip_scores(
                embeddings,
                [len(clip) for clip in masked],
                classifier,
                logit_scale=model.logit_scale,
                pooling=cell.model.pooling,
            )  # (B, C)
            scores.append(batch_scores.cpu().numpy())
            advance(len(batch))

    decoded = [clips.clips[index] for index in frames.ok]
    return ScoreTable(
        class_names=clips.class_names,
        clip_ids=tuple(clip.id for clip in decoded),
        groups=tuple(clip.group for clip in decoded),
        labels=np.array([clip.label for clip in decoded], dtype=np.int64),
        scores=np.concatenate(scores),
        mask_ratio=np.array([effect.realised_ratio for effect in effects]),
        subject_found=np.array([effect.subject_found for effect in effects], dtype=np.float64),
        subject_hidden=np.array(
            [effect.subject_hidden for effect in effects], dtype=np.float64
        ),  # None becomes NaN
        native_black=np.array([effect.native_black for effect in effects]),
        kind="log_probabilities" if cell.model.pooling == "mean_probability" else "logits",
    )


def mask_clip(cell: Cell, frames: ClipFrames) -> tuple[Tensor, MaskEffect]:
    """Hide a part of one clip's frames.

    Args:
        cell: which mask, region source and seed.
        frames: of the clip, whose id alone decides what is random.

    Returns:
        The masked frames, of the same shape, and what the mask did.
    """
    subject = cell.region.relevance(frames)  # (T, S, S), or None without a region source
    pixels, clip_id = frames.pixels, frames.clip.id
    count, _, height, width = pixels.shape
    canvas = Canvas(
        clip_id=clip_id, seed=cell.seed, frames=count, height=height, width=width, subject=subject
    )
    hidden = clip_mask(cell.masking, canvas)  # (1 or T, S, S)
    shown = apply_mask(
        torch.from_numpy(pixels.copy()), hidden, cell.masking.fill, seed=cell.seed, clip_id=clip_id
    )
    return shown, mask_effect(pixels, hidden, subject)


@lru_cache(maxsize=1)
def _load_model(source: ModelSource, device: str, precision: Precision) -> DualEncoder:
    # The cells of a sweep that run in one process share the model.
    return source.load(device=pick_device(device), precision=precision)


def _batches(
    indices: Sequence[int], lengths: NDArray[np.int64], frames: int
) -> Iterator[list[int]]:
    """Group whole clips into batches of at most ``frames`` frames (a longer clip goes alone)."""
    batch: list[int] = []
    filled = 0
    for index in indices:
        if batch and filled + lengths[index] > frames:
            yield batch
            batch, filled = [], 0
        batch.append(index)
        filled += lengths[index]
    if batch:
        yield batch


def _encode(model: DualEncoder, frames: Tensor, batch_size: int) -> Tensor:
    return torch.cat([model.encode_frames(part) for part in torch.split(frames, batch_size)])
