"""Show clips to a model, and put its answers into a score table."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.core.progress import track
from clip_har.core.work_ahead import work_ahead
from clip_har.engine.drift import CleanEmbeddings, Embedded
from clip_har.masking.effect import MaskEffect
from clip_har.masking.masked_clips import MaskedClips, ShownClip
from clip_har.models.zero_shot import Classifier
from clip_har.noise.random import Corruption, corrupted
from clip_har.results.costs import Cost
from clip_har.results.score_table import OWN_SCENE, ScoreTable

if TYPE_CHECKING:
    from torch import Tensor

_BATCHES = 8  # forward passes whose frames are in memory at once


def score_clips(
    masked: MaskedClips,
    classifier: Classifier,
    corruption: Corruption | None = None,
    *,
    clean: Embedded | None = None,
    keep_embeddings: bool = False,
    cost: Cost | None = None,
    threads: int = 0,
) -> ScoreTable:
    """Show masked clips to a model.

    Args:
        masked: the clips.
        classifier: the cell's model with its classes, or anything else that scores clips.
        corruption: noise that is drawn for each clip; None for none.
        clean: of the clean twin; None where the clips are not compared with it.
        keep_embeddings: put the clips' embeddings into the table.
        cost: counts the time.
        threads: that hide parts of the next clips while the model is at work on these; 0 where it
            works on the same processor anyway.

    Returns:
        One row per evaluated clip, in the clip set's order.
    """
    cost = cost or Cost()
    twins = CleanEmbeddings(clean)
    scores: list[NDArray[np.float32]] = []
    embeddings: list[NDArray[np.float32]] = []
    drifts: list[NDArray[np.float64]] = []
    ids = masked.evaluated_ids
    shown: list[MaskEffect] = []
    rms: list[float] = []
    largest: list[float] = []
    # Several batches at once: only the last one of them is not full where clips differ in length.
    # With threads one batch each: the device must not wait for the first of many.
    at_once = classifier.batch_size * (1 if threads else _BATCHES)
    batches = masked.frames.batches(masked.evaluated, at_once)
    show = partial(_shown, masked, corruption)
    with (
        closing(work_ahead(show, batches, threads=threads, most=max(2 * threads, 1))) as coming,
        track(len(masked.evaluated), "evaluating") as advance,
    ):
        while True:
            with cost.of("mask"):
                batch = next(coming, None)
            if batch is None:
                break
            with cost.of("model"):
                answered, embedded = classifier.answers(batch.frames)
            scores.append(answered.numpy())  # (B, C)
            done = len(shown)
            shown += batch.effects
            rms += batch.rms
            largest += batch.largest
            drifts.append(twins.drift(ids[done : len(shown)], embedded))
            if keep_embeddings:
                embeddings.append(embedded.numpy())  # (B, D)
            advance(len(batch.effects))
    return score_table(
        masked,
        shown,
        np.concatenate(scores),
        pooling=classifier.pooling,
        noise_rms=np.array(rms),
        noise_largest=np.array(largest),
        drift=np.concatenate(drifts),
        embeddings=np.concatenate(embeddings) if keep_embeddings else None,
    )


@dataclass(frozen=True, eq=False)
class _Batch:
    """Some clips as they are shown: their frames, and per clip what mask and noise did."""

    frames: list["Tensor"]
    effects: list[MaskEffect]
    rms: list[float]
    largest: list[float]


def _shown(masked: MaskedClips, corruption: Corruption | None, indices: Sequence[int]) -> _Batch:
    clips = [masked.clip(index) for index in indices]
    frames = [clip.frames for clip in clips]
    added = [(0.0, 0.0)] * len(clips)
    if corruption is not None:
        frames = [corrupted(clip, corruption) for clip in clips]
        added = [realised(clip, seen) for clip, seen in zip(clips, frames, strict=True)]
    rms, largest = zip(*added, strict=True)
    return _Batch(frames, [clip.effect for clip in clips], list(rms), list(largest))


def realised(clip: ShownClip, noisy: "Tensor") -> tuple[float, float]:
    """Return what was really added to a clip, grey levels: root mean square and largest change.

    Clipping to valid pixels takes some of the noise away.
    """
    change = noisy.float() - clip.frames.float()
    return float(change.square().mean().sqrt()), float(change.abs().max())


def score_table(
    masked: MaskedClips,
    effects: Sequence[MaskEffect],
    scores: NDArray[np.float32],
    *,
    pooling: str,
    noise_rms: NDArray[np.floating],
    noise_largest: NDArray[np.floating],
    drift: NDArray[np.float64],
    embeddings: NDArray[np.float32] | None = None,
) -> ScoreTable:
    """Put answers to the evaluated clips into a score table.

    Args:
        masked: the clips.
        effects: of the mask, one per evaluated clip.
        scores: ``(N, C)``.
        pooling: over the frames, which says what kind of scores these are.
        noise_rms: ``(N,)``, see `ScoreTable`.
        noise_largest: ``(N,)``, see `ScoreTable`.
        drift: ``(N,)``, see `ScoreTable`.
        embeddings: ``(N, D)``, see `ScoreTable`.
    """
    every = masked.frames.clip_set.clips
    evaluated = [every[index] for index in masked.evaluated]
    scenes = [masked.scene_clips.get(index) for index in masked.evaluated]
    return ScoreTable(
        class_names=masked.frames.clip_set.class_names,
        clip_ids=tuple(clip.id for clip in evaluated),
        groups=tuple(clip.group for clip in evaluated),
        labels=np.array([clip.label for clip in evaluated], dtype=np.int64),
        scores=scores,
        mask_ratio=np.array([effect.realised_ratio for effect in effects]),
        subject_found=_numbers([effect.subject_found for effect in effects]),
        subject_hidden=_numbers([effect.subject_hidden for effect in effects]),
        feature_hidden=_numbers([effect.feature_hidden for effect in effects]),
        feature_frames=_numbers([effect.feature_frames for effect in effects]),
        native_black=np.array([effect.native_black for effect in effects]),
        noise_rms=np.asarray(noise_rms, np.float64),
        noise_largest=np.asarray(noise_largest, np.float64),
        scene_labels=np.array(
            [OWN_SCENE if scene is None else every[scene].label for scene in scenes], np.int64
        ),
        empty=tuple(every[index].id for index in masked.empty),
        kind="log_probabilities" if pooling == "mean_probability" else "logits",
        attributes={
            name: tuple(clip.attributes.get(name) for clip in evaluated)
            for name in dict.fromkeys(name for clip in evaluated for name in clip.attributes)
        },
        drift=drift if np.isfinite(drift).any() else None,
        embeddings=embeddings,
    )


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)  # None becomes NaN
