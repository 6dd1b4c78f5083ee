"""Look at some clips more closely: measure attention, and make examples of learned noise."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from clip_har.engine.attribution import attention_of, rows_with_subject
from clip_har.engine.examples import Example, examples_of
from clip_har.engine.score_clips import seen_frames
from clip_har.masking.masked_clip import MaskedClip
from clip_har.masking.masked_clips import MaskedClips
from clip_har.models.source import NO_ATTRIBUTION
from clip_har.models.zero_shot import Classifier, of_frames
from clip_har.noise.contract import CellNoise
from clip_har.noise.variants import NONE
from clip_har.results.costs import Cost
from clip_har.results.score_table import ScoreTable

if TYPE_CHECKING:
    from clip_har.config.cell import Cell

log = logging.getLogger(__name__)

Attention = Mapping[str, NDArray[np.float64]]
"""By name of `clip_har.engine.attribution.MEASURES`: ``(N,)``, NaN for clips not measured."""


@dataclass(frozen=True, eq=False)
class Inspection:
    """Attention and examples of some clips of a cell.

    Attributes:
        attention: by variant; empty if it was not measured.
        examples: some clips without and with learned noise, for pictures.
        classes: the size of each class's learned noise, and how often it alone predicts its class.
    """

    attention: Mapping[str, Attention] = field(default_factory=dict)
    examples: Sequence[Example] = ()
    classes: pd.DataFrame = field(default_factory=pd.DataFrame)


def inspect_clips(
    cell: "Cell",
    masked: MaskedClips,
    classifier: Classifier,
    noise: CellNoise,
    tables: Mapping[str, ScoreTable],
    *,
    cost: Cost,
) -> Inspection:
    """Measure attention on some clips of a cell, and choose examples of learned noise.

    Args:
        cell: the checked settings.
        masked: its clips under its mask.
        classifier: its model with its classes.
        noise: what was added to the clips.
        tables: the score tables by variant.
        cost: counts the time.
    """
    rows = _attention_rows(cell, masked)
    if not rows and not noise.is_learned:
        return Inspection()
    zero_shot = of_frames(classifier)
    scores = {name: table.scores for name, table in tables.items()}
    variants = noise.inspected_variants(scores, tables[noise.headline].labels)

    def seen(name: str, clip: MaskedClip, row: int) -> Tensor:
        variant = variants[name]
        column = int(variant.columns[row])
        own = noise.by_name[variant.noise]
        return seen_frames(clip, own, column, device=classifier.device)

    with cost.of("noise" if noise.is_learned else "attention"):
        predictions = {name: tables[name].predictions() for name in variants}
        attention = attention_of(masked, zero_shot, predictions, rows, seen)
        if not noise.is_learned:
            return Inspection(attention)
        headline = noise.headline
        examples = examples_of(
            masked,
            zero_shot,
            variants[NONE],
            variants[headline],
            rows,
            lambda clip, row: seen(headline, clip, row),
        )
        names = masked.frames.clip_set.class_names
        classes = noise.class_sizes(zero_shot, names)
    return Inspection(attention, examples, classes)


def _attention_rows(cell: "Cell", masked: MaskedClips) -> list[int]:
    """Return the rows of the clips on which attention is measured."""
    if (own := cell.noise.own_attention_clips) is not None:
        return rows_with_subject(masked, own if cell.model.gives_attribution else 0)
    # The evaluated model's own attribution cannot serve as the ground truth.
    rows = rows_with_subject(masked, 0 if cell.region.asks_model else cell.attention_clips)
    if rows and not cell.model.gives_attribution:
        log.warning("attention is not measured: %s", NO_ATTRIBUTION)
        return []
    return rows
