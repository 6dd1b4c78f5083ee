"""Make score tables from the scores of a cell's clips."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clip_har.data.clips import Clip
from clip_har.engine.score_clips import ClipScores
from clip_har.masking.effect import MaskEffect
from clip_har.masking.masked_clips import MaskedClips
from clip_har.noise.variants import Variant
from clip_har.results.score_table import OWN_SCENE, ScoreTable


def table_of(
    variant: Variant,
    scored: ClipScores,
    masked: MaskedClips,
    *,
    pooling: str,
) -> ScoreTable:
    """Return a variant's score table, with the size of the noise that each clip was shown with.

    Args:
        variant: the scores.
        scored: all scores of the clips.
        masked: the clips.
        pooling: how frames become one clip; it determines the kind of the scores.
    """
    noise, without = scored.by_noise[variant.noise], next(iter(scored.by_noise.values()))
    at = (np.arange(len(variant.columns)), variant.columns)
    bare = variant.columns < 0
    return score_table(
        masked,
        scored.effects,
        variant.scores,
        pooling=pooling,
        noise_rms=np.where(bare, without.rms[:, 0], noise.rms[at]),
        noise_largest=np.where(bare, without.largest[:, 0], noise.largest[at]),
        drift=np.where(bare, without.drift[:, 0], noise.drift[at]),
        embeddings=scored.embeddings,
    )


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
    """Make the score table of the evaluated clips.

    Args:
        masked: the clips.
        effects: the effect of the mask on each evaluated clip.
        scores: ``(N, C)``.
        pooling: how frames become one clip; it determines the kind of the scores.
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
        background_kept=_numbers([effect.background_kept for effect in effects]),
        feature_hidden=_numbers([effect.feature_hidden for effect in effects]),
        feature_frames=_numbers([effect.feature_frames for effect in effects]),
        native_black=np.array([effect.native_black for effect in effects]),
        video_hidden=np.array([effect.video_hidden for effect in effects]),
        tokens_hidden=_numbers([effect.tokens_hidden for effect in effects]),
        tokens_partly=_numbers([effect.tokens_partly for effect in effects]),
        noise_rms=np.asarray(noise_rms, np.float64),
        noise_largest=np.asarray(noise_largest, np.float64),
        scene_labels=np.array(
            [OWN_SCENE if scene is None else every[scene].label for scene in scenes], np.int64
        ),
        empty=tuple(every[index].id for index in masked.empty),
        covered=tuple(every[index].id for index in masked.covered),
        kind="log_probabilities" if pooling == "mean_probability" else "logits",
        attributes=attributes(evaluated),
        drift=drift if np.isfinite(drift).any() else None,
        embeddings=embeddings,
        seconds=masked.frames.seconds[masked.evaluated],
    )


def attributes(clips: Sequence[Clip]) -> dict[str, tuple[str | None, ...]]:
    """Return the attributes of clips by name, None where a clip lacks one."""
    names = dict.fromkeys(name for clip in clips for name in clip.attributes)
    return {name: tuple(clip.attributes.get(name) for clip in clips) for name in names}


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)  # None becomes NaN
