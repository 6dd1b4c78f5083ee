"""The learned noise of a cell's clips, with its controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.data.frames.store import FrameStore
from clip_har.heads.head import Head
from clip_har.models.zero_shot import Classifier, ZeroShot, of_frames
from clip_har.noise.contract import Noise
from clip_har.noise.learned.arms import in_order
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.baselines import fitted_heads
from clip_har.noise.learned.controls import named_on_empty, random_like
from clip_har.noise.learned.fits import Fits
from clip_har.noise.learned.fitted import FittedNoise, digest, read_or_learn
from clip_har.noise.learned.given import given_fits
from clip_har.noise.learned.held import HeldClips
from clip_har.noise.learned.identity import has_heads
from clip_har.noise.learned.lift import Answers
from clip_har.noise.learned.perturbation import NoPerturbation
from clip_har.noise.learned.protocols import derangement
from clip_har.noise.learned.training_clips import open_training
from clip_har.noise.learned.weigh import fitted_stacks
from clip_har.noise.settings import LearningCell, OpenFrames
from clip_har.noise.variants import (
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
        fits: the weights of the variants whose scores are weighed.
        heads: classifiers on frozen embeddings by name, as baselines.
    """

    settings: Learned
    by_name: Mapping[str, Noise]
    fitted: FittedNoise
    fits: Fits = field(default_factory=Fits)
    heads: Mapping[str, Head] = field(default_factory=dict)

    is_learned: ClassVar[bool] = True

    @property
    def headline(self) -> str:
        """The name of the variant that the cell's own numbers are computed from."""
        return self.settings.headline

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups whose labels were used: for the cell's own noise, and for the weights."""
        return tuple(sorted({*self.fitted.card["groups"], *self.fits.on.groups}))

    @property
    def needs_embeddings(self) -> bool:
        """Whether `variants` needs the clips' embeddings without noise."""
        return bool(self.heads)

    def columns_needed(self, labels: NDArray[np.int64]) -> ChooseColumns | None:
        """Return which columns clips must be shown under; None for all columns."""
        return self.settings.columns_needed(labels)

    def variants(
        self,
        scores: Mapping[str, Scores],
        labels: NDArray[np.int64],
        embeddings: NDArray[np.float32] | None = None,
    ) -> dict[str, Variant]:
        """Return every variant by name, from the same scores, in the order of `ARMS`."""
        clean = scores[NONE][:, 0]
        answers = Answers(
            scores,
            labels,
            derangement(clean.shape[1], seed=self.settings.seed),
            self.settings.used_parts,
            {}
            if embeddings is None
            else {n: one.logits(embeddings) for n, one in self.heads.items()},
        )
        # A classifier that could not be fitted has no variant.
        arms = [arm for arm in self.settings.arms if arm.name in self.fits.stacks]
        found = {
            NONE: first_column(clean, NONE),
            **self.settings.variants(clean, scores, labels),
            **self.fits.variants(arms, answers),
        }
        return {name: found[name] for name in in_order(found)}

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
    given = given_fits(noise, cell.masking, frames.clip_set)
    noises: dict[str, Noise] = {NONE: NoPerturbation(), LEARNED: fitted.perturbation}
    if needs_random(noise):
        noises[RANDOM] = random_like(fitted.perturbation, seed=noise.seed)
    if (under := fitted.perturbation.under()) is not None:
        noises[UNIVERSAL] = under
    for name, one in noise.beside().items():
        noises[name] = read_or_learn(one, cell, frames, zero_shot, training).perturbation
    if not noise.arms:
        return LearnedNoise(noise, noises, fitted)
    if given is not None:
        return LearnedNoise(noise, noises, fitted, given)
    held = HeldClips(noise, cell, zero_shot, training)
    heads = fitted_heads(held, names=frames.clip_set.class_names) if has_heads(noise) else {}
    fits = fitted_stacks(held, noises, heads)
    on = replace(fits.on, noise=digest(fitted.content()[0]))
    return LearnedNoise(noise, noises, fitted, replace(fits, on=on), heads)


def needs_random(noise: Learned) -> bool:
    """Return whether some variant needs random noise as strong as the learned noise."""
    named = any(name.startswith(RANDOM) for name in noise.plain_variants)
    return named or any(arm.noise == RANDOM for arm in noise.arms)
