"""A made-up study: cells of learned noise that no model ran for, with planted effects."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_har.results.score_table import OWN_SCENE, ScoreTable
from clip_har.results.variant_scores import VariantScores, write_variant_scores
from experiments.class_noise.arms import GATED, LIFT, NONE, SHUFFLED, STACKED
from tests.report.made import made_cell, made_sweep, table

CLASSES = tuple(f"class {number}" for number in range(20))
SUBJECTS, EACH = 32, 10
MASKS = ("none", "percent r=0.3", "swap")
FITS = {"tiny": (0, 1, 2, 3), "one": (4, 5, 6, 7), "two": (8, 9, 10, 11)}
BASE = {NONE: 0.5, STACKED: 0.56, SHUFFLED: 0.56, GATED: 0.53}


def clips() -> ScoreTable:
    """Return the clips of all cells: 32 subjects, each with ten clips."""
    found = table(1.0, names=CLASSES, clips=SUBJECTS * EACH, groups=SUBJECTS)
    labels = np.random.default_rng(0).permutation(found.labels)
    return replace(found, labels=labels)


def answers(
    accuracy: float,
    *,
    swapped: bool,
    to_scene: float = 0.2,
    lots: NDArray[np.float64],
    random: np.random.Generator,
) -> VariantScores:
    """Return scores of which a share is right, and a share of the wrong ones names the scene."""
    base = clips()
    labels, many = base.labels, len(CLASSES)
    scenes = (labels + 1 + np.arange(len(labels)) % 7) % many
    other = (labels + 9 + random.integers(0, 9, len(labels))) % many
    wrong = np.where(random.random(len(labels)) < to_scene, scenes, other)
    best = np.where(lots < accuracy, labels, wrong)
    scores = random.normal(size=(len(labels), many)).astype(np.float32)
    scores[np.arange(len(labels)), best] = scores.max(axis=1) + 1
    shown = scenes if swapped else np.full(len(labels), OWN_SCENE)
    return VariantScores(replace(base, scores=scores, scene_labels=shown))


def made_study(
    results: Path,
    *,
    lift: Mapping[str, float],
    to_scene: Mapping[str, float] | None = None,
    masks: tuple[str, ...] = MASKS,
    fits: Mapping[str, tuple[int, ...]] = FITS,
    noise: float = 0.01,
    more: Mapping[str, float] | None = None,
) -> Path:
    """Write a sweep in which lift is better than stacked universal by what is planted.

    Args:
        results: the results folder.
        lift: by model, accuracy of lift minus that of stacked universal, in expectation.
        to_scene: by arm, share of the errors on swapped clips that name the scene.
        masks: names of cells.
        fits: noise seeds by model.
        noise: standard deviation of the planted difference over fits.
        more: accuracies of further arms, which only the first fit of each model has.
    """
    cells: dict[str, Path | str] = {}
    named: dict[str, dict[str, Any]] = {}
    for mask in masks:
        for model, seeds in fits.items():
            for seed in seeds:
                random = np.random.default_rng([seed, masks.index(mask)])
                # The same clips are hard in all fits, as in a real study.
                lots = np.random.default_rng(masks.index(mask)).random(SUBJECTS * EACH)
                own = np.random.default_rng(seed).normal(0, noise)
                accuracy = {**BASE, LIFT: BASE[STACKED] + lift[model] + own}
                if seed == seeds[0]:
                    accuracy |= more or {}
                shares = to_scene or {}
                scores = {
                    arm: answers(
                        value, swapped=mask == "swap", to_scene=shares.get(arm, 0.2),
                        lots=(lots + random.normal(0, 0.02, len(lots))) % 1, random=random,
                    )
                    for arm, value in accuracy.items()
                }  # fmt: skip
                name = f"{mask} model.checkpoint={model} noise_seed={seed}"
                kind, _, ratio = mask.partition(" r=")
                chosen = [f"masking={kind}", *([f"ratio={ratio}"] if ratio else [])]
                folder = made_cell(
                    results, name, scores[LIFT].table, *chosen, "noise=residual",
                    "region=annotation", f"model.checkpoint={model}", f"noise_seed={seed}",
                )  # fmt: skip
                (folder / "noise").mkdir()
                write_variant_scores(folder / "noise", LIFT, scores)
                cells[name] = folder
                named[name] = {"masking": kind, "model.checkpoint": model, "noise_seed": seed}
                if ratio:
                    named[name]["ratio"] = float(ratio)
    return made_sweep(results, cells, named=named)
