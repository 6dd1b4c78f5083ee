"""Show some clips once more: measure attention, and make examples of learned noise."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from clip_har.engine.attribution import attention_of, rows_with_subject
from clip_har.engine.examples import Example, class_sizes, examples_of
from clip_har.engine.fit_noise import CellNoise
from clip_har.engine.load_model import of_frames
from clip_har.engine.show import seen_frames
from clip_har.engine.variants import headline_of, shown_variants
from clip_har.masking.masked_clips import MaskedClips, ShownClip
from clip_har.models.source import NO_ATTRIBUTION
from clip_har.models.zero_shot import Classifier
from clip_har.noise.learned.settings import is_learned
from clip_har.noise.learned.variants import NONE
from clip_har.results.costs import Cost
from clip_har.results.score_table import ScoreTable

if TYPE_CHECKING:
    from clip_har.config.cell import Cell

log = logging.getLogger(__name__)

Attention = Mapping[str, NDArray[np.float64]]
"""By name of `clip_har.engine.attribution.MEASURES`: ``(N,)``, NaN for clips not measured."""


@dataclass(frozen=True, eq=False)
class Looked:
    """Attention and examples of some clips of a cell.

    Attributes:
        attention: by variant; empty if it was not measured.
        examples: some clips without and with learned noise, for pictures.
        classes: the size of each class's learned noise, and how often it alone predicts its class.
    """

    attention: Mapping[str, Attention] = field(default_factory=dict)
    examples: Sequence[Example] = ()
    classes: pd.DataFrame = field(default_factory=pd.DataFrame)


def look(
    cell: "Cell",
    masked: MaskedClips,
    classifier: Classifier,
    noise: CellNoise,
    tables: Mapping[str, ScoreTable],
    *,
    cost: Cost,
) -> Looked:
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
    if not rows and noise.fitted is None:
        return Looked()
    zero_shot, variants = of_frames(classifier), shown_variants(cell.noise, tables)

    def seen(name: str, clip: ShownClip, row: int) -> Tensor:
        variant = variants[name]
        column = int(variant.columns[row])
        own = noise.by_name[variant.noise]
        return seen_frames(clip, own, column, device=classifier.device)

    with cost.of("attention" if noise.fitted is None else "noise"):
        predictions = {name: tables[name].predictions() for name in variants}
        attention = attention_of(masked, zero_shot, predictions, rows, seen)
        if noise.fitted is None or not is_learned(cell.noise):
            return Looked(attention)
        headline = headline_of(cell.noise)
        examples = examples_of(
            masked,
            zero_shot,
            variants[NONE],
            variants[headline],
            rows,
            lambda clip, row: seen(headline, clip, row),
        )
        names = masked.frames.clip_set.class_names
        classes = class_sizes(cell.noise, noise.fitted.perturbation, zero_shot, names)
    return Looked(attention, examples, classes)


def _attention_rows(cell: "Cell", masked: MaskedClips) -> list[int]:
    """Return the rows of the clips on which attention is measured."""
    if is_learned(cell.noise):
        measured = cell.model.gives_attribution and cell.noise.changes_pixels
        return rows_with_subject(masked, cell.noise.attention_clips if measured else 0)
    # The evaluated model's own attribution cannot serve as the ground truth.
    rows = rows_with_subject(masked, 0 if cell.region.asks_model else cell.attention_clips)
    if rows and not cell.model.gives_attribution:
        log.warning("attention is not measured: %s", NO_ATTRIBUTION)
        return []
    return rows
