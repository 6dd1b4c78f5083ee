"""Score tables made by hand."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from clip_har.engine.score_clips import score_clips
from clip_har.engine.score_table import table_of
from clip_har.masking.masked_clips import MaskedClips
from clip_har.models.zero_shot import Classifier
from clip_har.noise.contract import Noise
from clip_har.noise.none import NoNoise
from clip_har.noise.variants import Variant
from clip_har.results.score_table import OWN_SCENE, ScoreTable


def made_table(
    *,
    labels: Sequence[int],
    classes: int,
    right: Sequence[int],
    subject_hidden: Sequence[float] | None = None,
) -> ScoreTable:
    """Return a table whose best class is the label where ``right`` is 1, else the next class."""
    label, hit = np.array(labels), np.array(right, bool)
    best = np.where(hit, label, (label + 1) % classes)
    scores = np.full((len(label), classes), -1, np.float32)
    scores[np.arange(len(label)), label] = 0  # the label comes second where it is not first
    scores[np.arange(len(label)), best] = 2
    return ScoreTable(
        class_names=tuple(f"class {index}" for index in range(classes)),
        clip_ids=tuple(f"clip {index}" for index in range(len(label))),
        groups=tuple(f"group {index // 2}" for index in range(len(label))),
        labels=label,
        scores=scores,
        mask_ratio=np.linspace(0.1, 0.3, len(label)),
        subject_hidden=np.array(
            [np.nan] * len(label) if subject_hidden is None else subject_hidden, np.float64
        ),
        subject_found=np.full(len(label), np.nan)
        if subject_hidden is None
        else np.isfinite(np.array(subject_hidden)).astype(np.float64),
        background_kept=np.full(len(label), np.nan),
        native_black=np.zeros(len(label)),
        video_hidden=np.zeros(len(label)),
        tokens_hidden=np.zeros(len(label)),
        tokens_partly=np.zeros(len(label)),
        feature_hidden=np.full(len(label), np.nan),
        feature_frames=np.full(len(label), np.nan),
        noise_rms=np.zeros(len(label)),
        noise_largest=np.zeros(len(label)),
        scene_labels=np.full(len(label), OWN_SCENE),
    )


def array_columns(table: ScoreTable) -> list[str]:
    """Return the names of the columns that are arrays."""
    return [one.name for one in fields(table) if isinstance(getattr(table, one.name), np.ndarray)]


def rows_of(table: ScoreTable, rows: Iterable[int]) -> ScoreTable:
    """Return some rows of a table in any order; a row may be repeated."""
    picked = list(rows)
    columns = array_columns(table)
    return replace(
        table,
        clip_ids=tuple(table.clip_ids[row] for row in picked),
        groups=tuple(table.groups[row] for row in picked),
        **{name: getattr(table, name)[picked] for name in columns},
    )


def scored_table(
    masked: MaskedClips, classifier: Classifier, noise: Noise | None = None, **more: Any
) -> ScoreTable:
    """Return the score table of clips, see `clip_har.engine.score_clips.score_clips`."""
    scored = score_clips(masked, classifier, {"own": noise or NoNoise()}, **more)
    columns = np.zeros(len(masked.evaluated), np.int64)
    variant = Variant(scored.by_noise["own"].scores[:, 0], "own", columns)
    return table_of(variant, scored, masked, pooling=classifier.pooling)
