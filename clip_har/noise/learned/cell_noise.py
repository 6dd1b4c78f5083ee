"""The learned noise of a cell's clips, with its controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.data.frames.store import FrameStore
from clip_har.models.zero_shot import Classifier, ZeroShot, of_frames
from clip_har.noise.contract import Noise
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.controls import Calibration, named_on_empty, random_like
from clip_har.noise.learned.fitted import FittedNoise, fitted_calibration, read_or_learn
from clip_har.noise.learned.identity import described_calibration
from clip_har.noise.learned.perturbation import NoPerturbation
from clip_har.noise.learned.training_clips import open_training
from clip_har.noise.settings import LearningCell, OpenFrames
from clip_har.noise.variants import (
    CALIBRATION,
    LEARNED,
    NONE,
    RANDOM,
    UNIVERSAL,
    ChooseColumns,
    Scores,
    Variant,
    first_column,
)


@dataclass(frozen=True, eq=False)
class LearnedNoise:
    """Learned noise with its controls; see `clip_har.noise.contract.CellNoise`.

    Attributes:
        settings: of the noise.
        by_name: each noise by its name; the first one is no noise.
        fitted: the cell's own noise.
        calibration: a control that needs no forward pass; None without controls.
    """

    settings: Learned
    by_name: Mapping[str, Noise]
    fitted: FittedNoise
    calibration: Calibration | None = None

    is_learned: ClassVar[bool] = True

    @property
    def headline(self) -> str:
        """The name of the variant that the cell's own numbers are computed from."""
        return self.settings.headline

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that the cell's own noise was learned from."""
        return tuple(self.fitted.card["groups"])

    def columns_needed(self, labels: NDArray[np.int64]) -> ChooseColumns | None:
        """Return which columns clips must be shown under; None for all columns."""
        return self.settings.columns_needed(labels)

    def variants(
        self, scores: Mapping[str, Scores], labels: NDArray[np.int64]
    ) -> dict[str, Variant]:
        """Return every variant by name, from the same scores."""
        clean = scores[NONE][:, 0]
        found = {NONE: first_column(clean, NONE)}
        found |= self.settings.variants(clean, scores, labels)
        if self.calibration is not None:
            found[CALIBRATION] = first_column(self.calibration.apply(clean), NONE)
        return found

    def inspected_variants(
        self, scores: Mapping[str, Scores], labels: NDArray[np.int64]
    ) -> dict[str, Variant]:
        """Return the variants whose clips are shown again: none, the headline and ``universal``."""
        headline = scores[self.headline]
        columns = self.settings.used_columns(scores[NONE], headline, labels)
        found = {NONE: first_column(scores[NONE], NONE)}
        found[self.headline] = Variant(headline, LEARNED, columns)
        if UNIVERSAL in scores:
            found[UNIVERSAL] = first_column(scores[UNIVERSAL], UNIVERSAL)
        return found

    def class_sizes(self, zero_shot: ZeroShot, names: Sequence[str]) -> pd.DataFrame:
        """Return a row per column of noise: its size, and how often it alone predicts its class."""
        noise, perturbation = self.settings, self.fitted.perturbation
        rows = names if noise.per_class else (LEARNED,)
        table = pd.DataFrame({"class": rows})
        sizes = [perturbation.strength(column) for column in range(len(rows))]
        table["rms"], table["largest"] = zip(*sizes, strict=True)
        if noise.per_class and noise.controls:
            table["named_on_empty"] = named_on_empty(perturbation, zero_shot)
        return table


def open_learned(
    noise: Learned,
    cell: LearningCell,
    frames: FrameStore,
    classifier: Classifier,
    open_frames: OpenFrames,
) -> LearnedNoise:
    """Return a cell's learned noise with its controls; learn them first if not done yet.

    Args:
        noise: the cell's.
        cell: the checked settings.
        frames: the decoded frames of the cell's clips.
        classifier: its model with its classes.
        open_frames: opens the frames of the training clips.

    Raises:
        ClipHarError: when there are fewer than two classes; and as `read_or_learn`.
    """
    zero_shot = of_frames(classifier)
    if len(zero_shot.class_embeddings) < 2:
        raise ClipHarError("learned noise separates classes: expected at least 2 classes, got 1")
    # The training clips are opened once, or not at all.
    training = cache(partial(open_training, noise, cell, zero_shot, open_frames))
    fitted = read_or_learn(noise, cell, frames, zero_shot, training)
    noises: dict[str, Noise] = {NONE: NoPerturbation(), LEARNED: fitted.perturbation}
    if not noise.controls:
        return LearnedNoise(noise, noises, fitted)
    noises[RANDOM] = random_like(fitted.perturbation, seed=noise.seed)
    calibration = fitted_calibration(
        noise,
        zero_shot,
        training,
        described=described_calibration(noise, cell),
        cache_dir=cell.cache_dir,
    )
    if (twin := noise.twin()) is not None:
        noises[UNIVERSAL] = read_or_learn(twin, cell, frames, zero_shot, training).perturbation
    return LearnedNoise(noise, noises, fitted, calibration)
