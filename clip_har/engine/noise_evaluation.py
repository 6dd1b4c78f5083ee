"""Judge learned noise: every protocol and every control, on the same clips."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from clip_har.config.cell import Cell
from clip_har.core.errors import ClipHarError
from clip_har.core.evenly import evenly
from clip_har.data.frames.store import FrameStore
from clip_har.engine.attribution import attribution_maps, mass_inside, rows_with_subject
from clip_har.engine.drift import Embedded
from clip_har.engine.noisy_answers import ClassSelector, NoisyAnswers, noisy_answers, with_noise
from clip_har.engine.score import score_table
from clip_har.engine.training import open_training
from clip_har.masking.effect import MaskEffect
from clip_har.masking.masked_clips import MaskedClips, ShownClip
from clip_har.metrics.noise_effect import effect_table, noise_metrics
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.controls import Calibration, derangement, named_on_empty, random_like
from clip_har.noise.learned.fit import FittedNoise, fitted_calibration, learned_noise, load_noise
from clip_har.noise.learned.identity import (
    described_calibration,
    described_fit,
    described_use,
    has_universal_twin,
    universal_twin,
)
from clip_har.noise.learned.perturbation import Perturbation, PixelNoise
from clip_har.noise.learned.protocols import LEAKS, PROTOCOLS, apply_protocol, needed, shown_name
from clip_har.noise.learned.settings import (
    ClassSpecificNoise,
    EmbeddingNoise,
    Learned,
    LearnedPixels,
)
from clip_har.noise.learned.training_clips import TrainingClips
from clip_har.noise.learned.variants import (
    CALIBRATION,
    LEARNED,
    NONE,
    RANDOM,
    SHUFFLED,
    UNIVERSAL,
)
from clip_har.noise.where import Where
from clip_har.results.noise_answers import Answers
from clip_har.results.score_table import ScoreTable

_SHOWN = 4  # examples


@dataclass(frozen=True, eq=False)
class NoiseResult:
    """What learned noise did to a cell's clips.

    Attributes:
        fitted: the noise.
        headline: name of the variant that the cell's own numbers are of.
        answers: by variant: without noise (``none``), each protocol, each control.
        effects: columns of `paired_effect` with ``variant`` and ``against`` before them.
        classes: per class: how often its noise alone names it on an empty frame, and the noise's
            size.
        examples: some clips without and with the headline's noise, for pictures.
    """

    fitted: FittedNoise
    headline: str
    answers: Mapping[str, Answers]
    effects: pd.DataFrame
    classes: pd.DataFrame
    examples: tuple["Example", ...]

    def metrics(self) -> dict[str, float]:
        """Return the numbers under their MLflow names."""
        found = {
            "noise/steps": float(self.fitted.history.steps),
            "noise/kept_step": float(self.fitted.history.kept),
        }
        if "named_on_empty" in self.classes:
            found["noise/named_on_empty"] = float(self.classes["named_on_empty"].mean())
        known = {name: value for name, value in found.items() if np.isfinite(value)}
        return known | noise_metrics(self.effects)


@dataclass(frozen=True, eq=False)
class Example:
    """One clip, without and with noise.

    Attributes:
        label: the true class.
        clip: under its mask.
        noisy: ``(T, 3, S, S)`` uint8.
        before: class answered without noise.
        after: class answered with noise.
        attribution_before: ``(T, g, g)`` for the class answered; None where it was not measured.
        attribution_after: the same with noise.
    """

    label: int
    clip: ShownClip
    noisy: Tensor
    before: int
    after: int
    attribution_before: Tensor | None
    attribution_after: Tensor | None


@dataclass(frozen=True, eq=False)
class _Variant:
    scores: NDArray[np.float32]  # (N, C)
    used: NDArray[np.int64]  # (N,) whose noise each clip's answer was given under
    noise: Perturbation | None  # None where no pixel is changed


@dataclass(frozen=True, eq=False)
class _Noises:
    """The noise that clips are seen with: the cell's own, and its controls."""

    fitted: FittedNoise
    by_name: Mapping[str, Perturbation]
    calibration: Calibration | None
    where: Where


Known = tuple[Mapping[str, NoisyAnswers], Sequence[MaskEffect]]
"""What `answer_with_noise` found, one row per evaluated clip."""


def answer_with_noise(
    cell: Cell, masked: MaskedClips, zero_shot: ZeroShot, *, clean: Embedded | None = None
) -> Known:
    """Learn the cell's noise where that was not done yet, and show clips with it; judge nothing.

    Args and errors are those of `evaluate_noise`, which takes what is returned.
    """
    return _answers(cell, masked, zero_shot, _learn(cell, masked, zero_shot), clean)


def evaluate_noise(
    cell: Cell,
    masked: MaskedClips,
    zero_shot: ZeroShot,
    *,
    clean: Embedded | None = None,
    known: Known | None = None,
) -> tuple[ScoreTable, NoiseResult]:
    """Learn the cell's noise where that was not done yet, and judge it.

    Args:
        cell: with learned noise.
        masked: its clips under its mask.
        zero_shot: its model with its classes.
        clean: of the clean twin; None where there is none.
        known: the answers to these clips; None to ask the model.

    Returns:
        The score table of the headline, and everything that stands beside it.

    Raises:
        ClipHarError: when there are fewer than two classes; and as `fit`.
    """
    noise: Learned = cell.noise
    learned = _learn(cell, masked, zero_shot)
    fitted, noises, where = learned.fitted, learned.by_name, learned.where
    answers, effects = known or _answers(cell, masked, zero_shot, learned, clean)
    headline, variants = _variants(noise, noises, answers, learned.calibration, masked)

    tables = {
        name: _table(masked, zero_shot, effects, noises, answers, variant)
        for name, variant in variants.items()
    }
    measured = cell.model.gives_attribution and not isinstance(noise, EmbeddingNoise)
    most = noise.attention_clips if measured else 0
    looked_at = rows_with_subject(masked, most)
    compared = {name: variants[name] for name in (NONE, headline, UNIVERSAL) if name in variants}
    attention = _attention(masked, zero_shot, compared, looked_at, where=where)
    message = {name: Answers(table, attention.get(name)) for name, table in tables.items()}
    result = NoiseResult(
        fitted=fitted,
        headline=headline,
        answers=message,
        effects=effect_table(message, headline),
        classes=_classes(noise, fitted.perturbation, zero_shot, masked),
        examples=tuple(_examples(masked, zero_shot, variants, headline, looked_at, where=where)),
    )
    return tables[headline], result


def _learn(cell: Cell, masked: MaskedClips, zero_shot: ZeroShot) -> _Noises:
    noise: Learned = cell.noise
    if len(zero_shot.classifier) < 2:
        raise ClipHarError("learned noise helps to tell classes apart: expected at least 2, got 1")
    training = cache(partial(open_training, cell, zero_shot))  # opened once, or not at all
    fitted = fit(noise, cell, masked.frames, zero_shot, training)
    noises = {LEARNED: fitted.perturbation}
    calibration = None
    if noise.controls:
        noises[RANDOM] = random_like(fitted.perturbation, seed=noise.seed)
        calibration = fitted_calibration(
            noise,
            zero_shot,
            training,
            described=described_calibration(noise, cell),
            cache_dir=cell.cache_dir,
        )
    if noise.controls and has_universal_twin(noise):
        twin = universal_twin(noise)
        noises[UNIVERSAL] = fit(twin, cell, masked.frames, zero_shot, training).perturbation
    where = noise.where if isinstance(noise, LearnedPixels) else "everywhere"
    return _Noises(fitted, noises, calibration, where)


def _answers(
    cell: Cell,
    masked: MaskedClips,
    zero_shot: ZeroShot,
    learned: _Noises,
    clean: Embedded | None,
) -> Known:
    return noisy_answers(
        masked,
        zero_shot,
        learned.by_name,
        where=learned.where,
        clean=clean,
        whose=_whose(cell.noise, masked),
    )


def fit(
    noise: Learned,
    cell: Cell,
    frames: FrameStore,
    zero_shot: ZeroShot,
    training: Callable[[], TrainingClips],
) -> FittedNoise:
    """Return a cell's noise, or a control's: read, or learned where that was not done yet.

    Args:
        noise: the settings.
        cell: whose clips, model and prompts shape it.
        frames: that it will be added to.
        zero_shot: the model with its classes.
        training: gives the training clips.
    """
    if noise.file is not None:
        return load_noise(
            noise.file.expanduser(),
            noise,
            zero_shot,
            clips=frames.clip_set,
            described=described_use(noise, cell),
            frames=int(frames.lengths.max()),
        )
    return learned_noise(
        noise,
        zero_shot,
        training,
        described=described_fit(noise, cell),
        frames=int(frames.lengths.max()),
        cache_dir=cell.cache_dir,
    )


def _whose(noise: Learned, masked: MaskedClips) -> ClassSelector | None:
    """Return which classes' noise clips must be seen under; None for all, which controls need."""
    if noise.controls or not isinstance(noise, ClassSpecificNoise | EmbeddingNoise):
        return None
    labels = masked.frames.clip_set.labels[masked.evaluated]

    def whose(clean: NDArray[np.float32], rows: slice) -> NDArray[np.int64]:
        return needed(noise.protocol, clean, labels=labels[rows], top_k=noise.top_k)

    return whose


def _variants(
    noise: Learned,
    noises: Mapping[str, Perturbation],
    answers: Mapping[str, NoisyAnswers],
    calibration: Calibration | None,
    masked: MaskedClips,
) -> tuple[str, dict[str, _Variant]]:
    """Return the name of the headline, and every protocol and control from the same answers."""
    labels = masked.frames.clip_set.labels[masked.evaluated]
    clean, own = answers[NONE].scores[:, 0], answers[LEARNED].scores
    first = np.zeros(len(labels), np.int64)  # the only noise that there is
    found = {NONE: _Variant(clean, first, None)}
    if isinstance(noise, ClassSpecificNoise | EmbeddingNoise):
        use = partial(apply_protocol, clean=clean, labels=labels, top_k=noise.top_k)
        # Without controls only what the cell's own protocol needs was computed.
        for protocol in PROTOCOLS if noise.controls else (noise.protocol,):
            scores, used = use(protocol, noisy=own)
            found[shown_name(protocol)] = _Variant(scores, used, noises[LEARNED])
        headline, leak = shown_name(noise.protocol), LEAKS if noise.uses_label else ""
        if noise.controls:
            scores, used = use(noise.protocol, noisy=answers[RANDOM].scores)
            found[RANDOM + leak] = _Variant(scores, used, noises[RANDOM])
            partner = derangement(own.shape[1], seed=noise.seed)
            scores, used = use(noise.protocol, noisy=own[:, partner])
            found[SHUFFLED + leak] = _Variant(scores, partner[used], noises[LEARNED])
            universal = answers[UNIVERSAL].scores[:, 0]
            found[UNIVERSAL] = _Variant(universal, first, noises[UNIVERSAL])
    else:
        headline = LEARNED
        found[LEARNED] = _Variant(own[:, 0], first, noises[LEARNED])
        if noise.controls:
            found[RANDOM] = _Variant(answers[RANDOM].scores[:, 0], first, noises[RANDOM])
    if calibration is not None:
        found[CALIBRATION] = _Variant(calibration.apply(clean), first, None)
    return headline, found


def _table(
    masked: MaskedClips,
    zero_shot: ZeroShot,
    effects: Sequence[MaskEffect],
    noises: Mapping[str, Perturbation],
    answers: Mapping[str, NoisyAnswers],
    variant: _Variant,
) -> ScoreTable:
    """Return a variant's scores, and the size of the noise that each answer was given under."""
    added = answers[next((name for name in noises if noises[name] is variant.noise), NONE)]
    rows = np.arange(len(variant.used))
    return score_table(
        masked,
        effects,
        variant.scores,
        pooling=zero_shot.pooling,
        noise_rms=added.rms[rows, variant.used],
        noise_largest=added.largest[rows, variant.used],
        drift=added.drift[rows, variant.used],
    )


def _seen(clip: ShownClip, variant: _Variant, row: int, *, where: Where) -> Tensor:
    """Return the frames that a variant's answer was given to."""
    if not isinstance(variant.noise, PixelNoise):
        return clip.frames
    return with_noise(clip, variant.noise, int(variant.used[row]), where=where)


def _attention(
    masked: MaskedClips,
    zero_shot: ZeroShot,
    variants: Mapping[str, _Variant],
    rows: list[int],
    *,
    where: Where,
) -> dict[str, NDArray[np.float64]]:
    """Return by variant ``(N,)`` shares of the attribution for its answer inside the subject.

    NaN where it was not measured; nothing where it was measured on no clip.
    """
    if not rows:
        return {}
    found = {name: np.full(len(masked.evaluated), np.nan) for name in variants}
    for row in rows:
        clip = masked.clip(masked.evaluated[row])
        assert clip.subject is not None  # noqa: S101, otherwise there are no rows
        for name, variant in variants.items():
            frames = _seen(clip, variant, row, where=where)
            answer = int(variant.scores[row].argmax())
            found[name][row] = mass_inside(
                attribution_maps(zero_shot, frames, answer), clip.subject
            )
    return found


def _examples(
    masked: MaskedClips,
    zero_shot: ZeroShot,
    variants: Mapping[str, _Variant],
    headline: str,
    looked_at: list[int],
    *,
    where: Where,
) -> list[Example]:
    """Return a few clips: those whose answer the noise changed first, then others."""
    before = variants[NONE].scores.argmax(axis=1)
    after = variants[headline].scores.argmax(axis=1)
    rows = looked_at or list(range(len(masked.evaluated)))
    changed = [row for row in rows if before[row] != after[row]]
    others = [row for row in rows if before[row] == after[row]]
    chosen = evenly(changed, _SHOWN - 1) if changed else []
    chosen += evenly(others, _SHOWN - len(chosen)) if others else []
    labels = masked.frames.clip_set.labels.tolist()
    examples = []
    for row in chosen:
        index = masked.evaluated[row]
        clip = masked.clip(index)
        noisy = _seen(clip, variants[headline], row, where=where)
        maps = [
            attribution_maps(zero_shot, frames, int(answered[row])) if looked_at else None
            for frames, answered in ((clip.frames, before), (noisy, after))
        ]
        answers = int(before[row]), int(after[row])
        examples.append(Example(labels[index], clip, noisy, *answers, *maps))
    return examples


def _classes(
    noise: Learned, perturbation: Perturbation, zero_shot: ZeroShot, masked: MaskedClips
) -> pd.DataFrame:
    """Return a row per kind of noise: its size, and whether it names its class by itself."""
    names = masked.frames.clip_set.class_names if noise.per_class else (LEARNED,)
    table = pd.DataFrame({"class": names})
    sizes = [perturbation.strength(column) for column in range(len(names))]
    table["rms"], table["largest"] = zip(*sizes, strict=True)
    if noise.per_class and noise.controls:
        table["named_on_empty"] = named_on_empty(perturbation, zero_shot)
    return table
