"""The variants of a cell: protocols and controls, all computed from one set of scores.

A cell without learned noise has one variant. With learned noise, each protocol and each control is
a variant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from clip_har.engine.score_table import score_table
from clip_har.engine.show import Answers, ChooseColumns, Shown
from clip_har.masking.masked_clips import MaskedClips
from clip_har.noise.learned.controls import Calibration, derangement
from clip_har.noise.learned.protocols import (
    LEAKS,
    PROTOCOLS,
    apply_protocol,
    needed,
    shown_name,
    used,
)
from clip_har.noise.learned.settings import PerClass, is_learned
from clip_har.noise.learned.variants import (
    CALIBRATION,
    LEARNED,
    NONE,
    RANDOM,
    SHUFFLED,
    UNIVERSAL,
)
from clip_har.noise.settings import NoiseSettings
from clip_har.results.score_table import ScoreTable


@dataclass(frozen=True, eq=False)
class Variant:
    """One way to score N clips.

    Attributes:
        scores: ``(N, C)``.
        noise: name of the noise that is added to the clips.
        columns: ``(N,)``, the column of the noise that gave each clip's predicted class.
    """

    scores: NDArray[np.float32]
    noise: str
    columns: NDArray[np.int64]


def variants_of(
    noise: NoiseSettings,
    answers: Mapping[str, Answers],
    calibration: Calibration | None,
    labels: NDArray[np.int64],
) -> dict[str, Variant]:
    """Return every variant by name, from the same scores.

    Args:
        noise: the settings.
        answers: scores by noise, one row per clip.
        calibration: the control that changes scores only; None without controls.
        labels: ``(N,)``, the true classes.
    """
    if not is_learned(noise):
        ((name, alone),) = answers.items()
        return {name: Variant(alone.scores[:, 0], name, np.zeros(len(labels), np.int64))}
    clean, own = answers[NONE].scores[:, 0], answers[LEARNED].scores
    first = np.zeros(len(labels), np.int64)  # the only column
    found = {NONE: Variant(clean, NONE, first)}
    if isinstance(noise, PerClass):
        use = partial(apply_protocol, clean=clean, labels=labels, top_k=noise.top_k)
        # Without controls, only the scores that the cell's own protocol needs were computed.
        for protocol in PROTOCOLS if noise.controls else (noise.protocol,):
            scores, columns = use(protocol, noisy=own)
            found[shown_name(protocol)] = Variant(scores, LEARNED, columns)
        if noise.controls:
            leak = LEAKS if noise.uses_label else ""
            scores, columns = use(noise.protocol, noisy=answers[RANDOM].scores)
            found[RANDOM + leak] = Variant(scores, RANDOM, columns)
            partner = derangement(own.shape[1], seed=noise.seed)
            scores, columns = use(noise.protocol, noisy=own[:, partner])
            found[SHUFFLED + leak] = Variant(scores, LEARNED, partner[columns])
            found[UNIVERSAL] = Variant(answers[UNIVERSAL].scores[:, 0], UNIVERSAL, first)
    else:
        found[LEARNED] = Variant(own[:, 0], LEARNED, first)
        if noise.controls:
            found[RANDOM] = Variant(answers[RANDOM].scores[:, 0], RANDOM, first)
    if calibration is not None:
        found[CALIBRATION] = Variant(calibration.apply(clean), NONE, first)
    return found


def headline_of(noise: NoiseSettings) -> str:
    """Return the name of the variant that a cell's own numbers are computed from."""
    if isinstance(noise, PerClass):
        return shown_name(noise.protocol)
    if noise.is_learned:
        return LEARNED
    return NONE if noise.is_clean else RANDOM


def columns_needed(noise: NoiseSettings, labels: NDArray[np.int64]) -> ChooseColumns | None:
    """Return which columns clips must be shown under; None for all columns, as controls need.

    Args:
        noise: the settings.
        labels: ``(N,)``, the true classes of the evaluated clips; only ``oracle`` uses them.
    """
    if not isinstance(noise, PerClass) or noise.controls:
        return None

    def choose(clean: NDArray[np.float32], rows: slice) -> NDArray[np.int64]:
        return needed(noise.protocol, clean, labels=labels[rows], top_k=noise.top_k)

    return choose


def shown_variants(noise: NoiseSettings, tables: Mapping[str, ScoreTable]) -> dict[str, Variant]:
    """Return the variants whose clips are shown again: the headline, none and ``universal``.

    The score tables are enough to make them, so merged shards can be used, too.

    Args:
        noise: the settings.
        tables: the score tables of all variants.
    """
    headline = headline_of(noise)
    table = tables[headline]
    first = columns = np.zeros(len(table.clip_ids), np.int64)
    if isinstance(noise, PerClass):
        clean = tables[NONE].scores
        columns = used(noise.protocol, clean, table.scores, labels=table.labels)
    own = LEARNED if noise.is_learned else headline
    places = {NONE: (NONE, first), headline: (own, columns), UNIVERSAL: (UNIVERSAL, first)}
    return {
        name: Variant(tables[name].scores, *place)
        for name, place in places.items()
        if name in tables
    }


def table_of(variant: Variant, shown: Shown, masked: MaskedClips, *, pooling: str) -> ScoreTable:
    """Return a variant's score table, with the size of the noise that each clip was shown with.

    Args:
        variant: the scores.
        shown: all scores of the clips.
        masked: the clips.
        pooling: how frames become one clip; it determines the kind of the scores.
    """
    answers = shown.answers[variant.noise]
    at = (np.arange(len(variant.columns)), variant.columns)
    return score_table(
        masked,
        shown.effects,
        variant.scores,
        pooling=pooling,
        noise_rms=answers.rms[at],
        noise_largest=answers.largest[at],
        drift=answers.drift[at],
        embeddings=shown.embeddings,
    )
