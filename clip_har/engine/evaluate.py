"""One cell of a study, from clips to a folder of results; it reads like the flow of the data."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from clip_har.config.cell import Cell
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.data.shards import Shard
from clip_har.engine.attribution import attention_of_answers, rows_with_subject
from clip_har.engine.clips import open_frames, open_masked
from clip_har.engine.drift import Embedded
from clip_har.engine.noise_evaluation import NoiseResult, answer_with_noise, evaluate_noise
from clip_har.engine.score import score_clips
from clip_har.engine.shards import PartAnswers, join_parts
from clip_har.masking.masked_clips import MaskedClips, ShownClip
from clip_har.models.device import Precision, pick_device
from clip_har.models.encoder import Encoder
from clip_har.models.source import NO_ATTRIBUTION, ModelSource
from clip_har.models.zero_shot import Classifier, ZeroShot
from clip_har.noise.learned.settings import Learned
from clip_har.noise.none import NoNoise
from clip_har.noise.random import Corruption, corrupted
from clip_har.results.costs import Cost
from clip_har.results.score_table import ScoreTable

log = logging.getLogger(__name__)

THREADS = 4
"""Hide parts of the coming clips while an accelerator is at work on these."""


def load_model(cell: Cell) -> Encoder:
    """Load the cell's model, or return it when the cell before had the same."""
    return _load_model(cell.model, cell.device, cell.precision)


def load_classifier(cell: Cell, clips: ClipSet) -> Classifier:
    """Load the cell's model and embed the classes of its clips."""
    return cell.model.classifier(
        load_model(cell),
        cell.prompts.texts(clips.class_names),
        batch_size=cell.batch_size,
        cache_dir=cell.cache_dir,
    )


def load_zero_shot(cell: Cell, clips: ClipSet) -> ZeroShot:
    """Return `load_classifier` for what needs a model of single frames, or no more than its device.

    `clip_har.config` refuses other models where single frames are needed.
    """
    return _of_frames(load_classifier(cell, clips))


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was found out about a cell.

    Attributes:
        masked: the clips as they were shown, before noise.
        table: one row per evaluated clip, in the clip set's order.
        noise: what learned noise did; None without it.
        attention: of `clip_har.engine.attribution.MEASURES` ``(N,)``; empty where it was not
        measured.
    """

    masked: MaskedClips
    table: ScoreTable
    noise: NoiseResult | None = None
    attention: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


def evaluate(
    cell: Cell,
    clips: ClipSet,
    *,
    clean: Embedded | None = None,
    cost: Cost | None = None,
    parts: Sequence[PartAnswers] = (),
) -> Evaluation:
    """Score every class for every clip that decodes, under the cell's mask and noise.

    Args:
        cell: the checked settings.
        clips: what is evaluated.
        clean: of the clean twin, for the drift from there; None where there is none.
        cost: counts the time.
        parts: answers to all of these clips, part by part; empty to ask the model.
    """
    cost = cost or Cost()
    classifier, masked = _open(cell, clips, cost)
    known = join_parts(parts, masked.evaluated_ids) if parts else None
    if known is not None:
        if clean is not None and not known.compared:
            raise ClipHarError(
                "the shards were answered with clean_twin=false, and the whole cell is compared"
                " with its clean twin: set clean_twin=false here, too, or run the shards again"
                " without it and with overwrite=always"
            )
        cost.add(known.seconds)
    if isinstance(cell.noise, Learned):
        with cost.of("noise"):
            table, result = evaluate_noise(
                cell,
                masked,
                _of_frames(classifier),
                clean=clean,
                known=None if known is None else known.noisy,
            )
        return Evaluation(masked, table, result)
    if known is not None:
        table = known.table(masked, classifier)
    else:
        table = _score(cell, masked, classifier, clean=clean, cost=cost)
    # The judged model's own attribution is no truth to hold it against.
    most = 0 if cell.region.asks_model else cell.attention_clips
    if not (rows := rows_with_subject(masked, most)):
        return Evaluation(masked, table)
    if not cell.model.gives_attribution:
        log.warning("attention is not measured: %s", NO_ATTRIBUTION)
        return Evaluation(masked, table)
    corruption = _corruption(cell)

    def seen(clip: ShownClip) -> Tensor:
        return clip.frames if corruption is None else corrupted(clip, corruption)

    with cost.of("attention"):
        attention = attention_of_answers(
            masked, _of_frames(classifier), table.predictions(), rows, seen
        )
    return Evaluation(masked, table, attention=attention)


def answer_part(cell: Cell, clips: ClipSet, *, clean: Embedded | None = None) -> PartAnswers:
    """Show the model the cell's shard of the clips alone; judge nothing.

    Args:
        cell: with a shard.
        clips: all of them.
        clean: of the same shard of the clean twin, for the drift from there; None for none.
    """
    cost = Cost()
    classifier, masked = _open(cell, clips, cost, shard=cell.shard)
    if isinstance(cell.noise, Learned):
        with cost.of("noise"):
            answers, effects = answer_with_noise(cell, masked, _of_frames(classifier), clean=clean)
        part = PartAnswers.of_noise(masked, answers, effects)
    else:
        part = PartAnswers.of_table(_score(cell, masked, classifier, clean=clean, cost=cost))
    return replace(part, seconds=cost.seconds, compared=clean is not None)


def _open(
    cell: Cell, clips: ClipSet, cost: Cost, shard: Shard | None = None
) -> tuple[Classifier, MaskedClips]:
    with cost.of("load"):
        classifier = load_classifier(
            cell, clips
        )  # before hours of decoding: it may not be loadable
    with cost.of("decode"):
        frames = open_frames(cell, clips, shard)
    with cost.of("regions"):
        masked = open_masked(cell, frames, zero_shot=lambda: _of_frames(classifier))
    if masked.empty:
        skipped = masked.on_empty == "skip"
        done = "left out" if skipped else "their whole frames are taken for it"
        log.warning("%s: %s", masked.empty_message(), done)
    return classifier, masked


def _of_frames(classifier: Classifier) -> ZeroShot:
    # Of the region sources only `relevance` asks for more than a device; it, and learned noise, are
    # refused with the configuration for a model of whole clips.
    return cast(ZeroShot, classifier)


def _score(
    cell: Cell,
    masked: MaskedClips,
    classifier: Classifier,
    *,
    clean: Embedded | None,
    cost: Cost,
) -> ScoreTable:
    corruption = _corruption(cell)
    return score_clips(
        masked,
        classifier,
        corruption,
        clean=clean,
        keep_embeddings=corruption is None and cell.masking.is_clean,
        cost=cost,
        threads=0 if load_model(cell).device.type == "cpu" else THREADS,
    )


def _corruption(cell: Cell) -> Corruption | None:
    return None if isinstance(cell.noise, NoNoise) else cell.noise


@lru_cache(maxsize=1)
def _load_model(source: ModelSource, device: str, precision: Precision) -> Encoder:
    # The cells of a sweep that run in one process share the model.
    return source.load(device=pick_device(device), precision=precision)
