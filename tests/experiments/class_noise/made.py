"""A made-up study: answers of learned noise that no model gave, with planted effects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from clip_har.core.tensor_file import write_tensors
from clip_har.noise.learned.arms import GATED, LIFT, STACKED
from clip_har.noise.learned.fitted import NOISE_FILE
from clip_har.noise.learned.learning import History
from clip_har.noise.variants import NONE, SHUFFLED
from clip_har.results.files import NOISE
from clip_har.results.result import Result
from clip_har.results.score_table import OWN_SCENE, ScoreTable
from clip_har.results.variant_scores import VariantScores
from experiments.class_noise.cells import SWAP, Fit, Grid
from experiments.class_noise.recipe import planned
from tests.report.made import table

CLASSES = tuple(f"class {number}" for number in range(20))
SUBJECTS, EACH = 32, 10
MASKS = ("none", "percent 0.3", "shape 0.3", SWAP)
FITS = tuple(Fit(f"model {n // 4}", n) for n in range(12))
BASE = {NONE: 0.5, STACKED: 0.56, SHUFFLED: 0.56, GATED: 0.53}


@dataclass(frozen=True, eq=False)
class MadeCell:
    """What the analysis reads of a cell.

    Attributes:
        variant_scores: headline, and scores by variant.
        cost: seconds by part.
        settings: flat.
        folder: of its files.
    """

    variant_scores: tuple[str, dict[str, VariantScores]]
    cost: Mapping[str, float]
    settings: Mapping[str, str]
    folder: Path = Path("nowhere")

    @property
    def table(self) -> ScoreTable:
        """The headline's table."""
        return self.variant_scores[1][self.variant_scores[0]].table


def with_cards(grid: Grid, folder: Path, *, kept: Sequence[int] = (100,)) -> Grid:
    """Return a grid whose cells have the card of their noise, as far as the study reads it.

    Args:
        grid: as made.
        folder: for the cells.
        kept: the steps that fits keep, in turn; learning stops 25 steps later, at most at 150.
    """
    cells = dict(grid.cells)
    for number, fit in enumerate(grid.fits):
        step = kept[number % len(kept)]
        made = {"kept_step": step, "steps": min(step + 25, 150)}
        place = folder / fit.model / str(fit.seed)
        (place / NOISE).mkdir(parents=True)
        settings = {"learning": {"steps": 150}, "base_steps": 500}
        card = {**made, "noise": settings, "base": {"kept_step": 475, "steps": 500}}
        texts = {"card": json.dumps(card), "history": History().to_json()}
        write_tensors(place / NOISE / NOISE_FILE, {"part.own": torch.zeros(1)}, texts)
        for mask in grid.masks:
            cells[mask, fit] = replace(cast("Any", cells[mask, fit]), folder=place)
    return replace(grid, cells=cells)


def clips() -> ScoreTable:
    """Return the clips of all cells: 32 subjects with ten clips each, of all classes."""
    found = table(1.0, names=CLASSES, clips=SUBJECTS * EACH, groups=SUBJECTS)
    return replace(found, labels=np.random.default_rng(0).permutation(found.labels))


CLIPS = clips()


def answers(
    accuracy: float,
    *,
    swapped: bool,
    to_scene: float,
    lots: NDArray[np.float64],
    random: np.random.Generator,
) -> VariantScores:
    """Return scores of which a share is right, and a share of the wrong ones names the scene.

    Args:
        accuracy: a clip is right if its lot is below it.
        swapped: whether clips are shown in front of another class's background.
        to_scene: share of the wrong answers that name the background's class.
        lots: ``(N,)`` in [0, 1).
        random: of all else.
    """
    labels, many = CLIPS.labels, len(CLASSES)
    scenes = (labels + 1 + np.arange(len(labels)) % 7) % many
    other = (labels + 9 + random.integers(0, 9, len(labels))) % many
    wrong = np.where(random.random(len(labels)) < to_scene, scenes, other)
    best = np.where(lots < accuracy, labels, wrong)
    scores = random.normal(size=(len(labels), many)).astype(np.float32)
    scores[np.arange(len(labels)), best] = scores.max(axis=1) + 1
    shown = scenes if swapped else np.full(len(labels), OWN_SCENE)
    return VariantScores(replace(CLIPS, scores=scores, scene_labels=shown))


def made_scores(
    mask: str,
    fit: Fit,
    accuracies: Mapping[str, float],
    to_scene: Mapping[str, float],
    *,
    jitter: float = 0.02,
) -> dict[str, VariantScores]:
    """Return the scores of one cell; the same clips are hard in all fits, as in a real study."""
    masked = sum(mask.encode())
    random = np.random.default_rng([fit.seed, masked])
    lots = np.random.default_rng(masked).permutation(SUBJECTS * EACH) / (SUBJECTS * EACH)
    return {
        arm: answers(
            value, swapped=mask == SWAP, to_scene=to_scene.get(arm, 0.2), random=random,
            lots=np.clip(lots + random.normal(0, jitter, len(lots)), 0, 0.9999),
        )
        for arm, value in accuracies.items()
    }  # fmt: skip


def made_grid(
    lift: Mapping[str, float] | float,
    *,
    to_scene: Mapping[str, float] | None = None,
    more: Mapping[str, float] | None = None,
    spread: float = 0.01,
    fits: Sequence[Fit] = FITS,
    masks: Sequence[str] = MASKS,
    dataset: str = "Synthetic",
) -> Grid:
    """Return the cells of a study in which lift is better than stacked universal as planted.

    Args:
        lift: accuracy of lift minus that of stacked universal, of each model or of all.
        to_scene: by arm, share of the errors on swapped clips that name the background.
        more: accuracies of further arms, which only the first fit of each model has.
        spread: standard deviation of the difference over fits.
        fits: the fits.
        masks: the masks.
        dataset: the kind of data that the cells name.
    """
    cells, first = {}, {fit.model: fit for fit in reversed(fits)}
    for fit in fits:
        gain = lift if isinstance(lift, float) else lift[fit.model]
        own = float(np.random.default_rng(fit.seed).normal(0, spread))
        accuracies = {**BASE, LIFT: BASE[STACKED] + gain + own}
        if first[fit.model] == fit:
            accuracies |= more or {}
        for mask in masks:
            scores = made_scores(mask, fit, accuracies, to_scene or {})
            cost = {"cost/noise_seconds": 1800.0, "cost/seconds": 1800.0}
            settings = {**planned().settings, "dataset": dataset, "noise.placebos": "[]"}
            cells[mask, fit] = cast("Result", MadeCell((LIFT, scores), cost, settings))
    return Grid(tuple(masks), tuple(fits), cells, CLIPS.clip_ids)
