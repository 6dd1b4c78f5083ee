"""Score tables with every column, at random."""

from dataclasses import replace
from typing import Any

import numpy as np

from clip_har.results.score_table import ScoreTable
from clip_har.results.variant_scores import VariantScores
from tests.noise.made import ORACLE
from tests.tables import made_table


def random_table(seed: int, *, noise: float = 0.0) -> ScoreTable:
    """Return 1 to 60 clips of 2 to 12 classes, of which some may have no clip.

    Args:
        seed: decides the clips and what the model makes of them.
        noise: of the scores; tables of one seed show the same clips.
    """
    draws = np.random.default_rng(seed)
    clips, classes = int(draws.integers(1, 61)), int(draws.integers(2, 13))
    labels = draws.choice(classes, clips, p=draws.dirichlet(np.full(classes, 0.5)))
    scores = draws.normal(size=(clips, classes)) + 1.5 * np.eye(classes)[labels]
    found = draws.random(clips) < 0.8
    known = np.where(found, draws.random((7, clips)), np.nan)
    whole = draws.random((4, clips))
    views = draws.integers(3, size=clips)
    scores += noise * draws.normal(size=scores.shape)
    return ScoreTable(
        class_names=tuple(f"class {number}" for number in range(classes)),
        clip_ids=tuple(f"clip {number}" for number in range(clips)),
        groups=tuple(f"group {number // 3}" for number in range(clips)),
        labels=labels,
        scores=scores.astype(np.float32),
        mask_ratio=whole[0],
        subject_hidden=known[0],
        subject_found=found.astype(np.float64),
        background_kept=known[0] / 3,
        native_black=whole[1],
        video_hidden=whole[3],
        tokens_hidden=whole[0] / 2,
        tokens_partly=whole[1] / 2,
        feature_hidden=known[1],
        feature_frames=known[2],
        noise_rms=whole[2],
        noise_largest=3 * whole[2],
        scene_labels=draws.integers(classes, size=clips),
        covered=("covered", "covered, too"),
        empty=("left out", *(f"clip {number}" for number in np.flatnonzero(~found))),
        attributes={"view": tuple((None, "front", "back")[view] for view in views)},
        drift=known[3],
    )


def answers(right: list[int], **changes: Any) -> VariantScores:
    table = made_table(labels=[0, 1, 2, 0, 1, 2], classes=3, right=right)
    return VariantScores(replace(table, **changes))


SOME = {
    "none": answers([1, 0, 0, 1, 0, 1]),
    "candidate": answers([1, 1, 0, 1, 1, 1]),
    ORACLE: answers([1, 1, 1, 1, 1, 1]),
    "random": answers([0, 0, 0, 1, 0, 1]),
    "universal": answers([1, 1, 1, 1, 1, 0]),
}
"""Scores of six clips by variant of learned noise."""

MEASURED = [
    *("top1", "true_class_confidence", "ece"),
    *("bias/skew_kl", "bias/recall_sd", "bias/worst10"),
]
"""What effects are measured on."""
