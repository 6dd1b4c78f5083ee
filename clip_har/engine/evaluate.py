"""Evaluate one cell, from clips to scores; the code follows the flow of the data.

No metrics are computed here: they are computed from the score tables alone, without the model.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clip_har.data.clips import ClipSet
from clip_har.engine.clips import open_frames, open_masked
from clip_har.engine.drift import Embedded
from clip_har.engine.inspect_clips import Attention, Inspection, inspect_clips
from clip_har.engine.load_model import load_classifier
from clip_har.engine.merge_shards import merge_shards
from clip_har.engine.score_variants import score_variants
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.on_empty import warn_of_empty
from clip_har.models.zero_shot import of_frames
from clip_har.noise.contract import CellNoise
from clip_har.results.costs import Cost
from clip_har.results.score_table import ScoreTable
from clip_har.results.variant_scores import VariantScores

if TYPE_CHECKING:
    from clip_har.config.cell import Cell

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The score tables of a cell, and what they were computed from.

    Attributes:
        masked: the masked clips, before noise.
        tables: by variant, one row per evaluated clip in the clip set's order. A cell without
            learned noise has one variant.
        noise: what was added to the clips.
        inspection: attention, and examples of learned noise.
    """

    masked: MaskedClips
    tables: Mapping[str, ScoreTable]
    noise: CellNoise
    inspection: Inspection

    @property
    def headline(self) -> str:
        """The variant that the cell's own numbers are computed from."""
        return self.noise.headline

    @property
    def table(self) -> ScoreTable:
        """The cell's own score table."""
        return self.tables[self.headline]

    @property
    def attention(self) -> Attention:
        """Attention of a cell without learned noise; empty if it was not measured."""
        if self.noise.is_learned:
            return {}
        return self.inspection.attention.get(self.headline, {})

    @property
    def variant_scores(self) -> dict[str, VariantScores]:
        """Score table and attention by variant."""
        attention = self.inspection.attention
        return {
            name: VariantScores(table, attention[name]["mass"] if name in attention else None)
            for name, table in self.tables.items()
        }


def evaluate(
    cell: "Cell",
    clips: ClipSet,
    *,
    clean: Embedded | None = None,
    cost: Cost | None = None,
    shards: Sequence[Path] = (),
) -> Evaluation:
    """Score every class for every clip that decodes, under the cell's mask and noise.

    Args:
        cell: the checked settings; with a shard, only its clips are evaluated.
        clips: the whole clip set.
        clean: embeddings of the clean twin, to measure drift; None without a clean twin.
        cost: counts the time.
        shards: folders with the score tables of all shards; empty to run the model.
    """
    cost = cost or Cost()
    with cost.of("load"):  # before hours of decoding: loading may fail
        classifier = load_classifier(cell, clips)
    with cost.of("decode"):
        frames = open_frames(cell, clips, cell.shard)
    with cost.of("regions"):
        masked = open_masked(cell, frames, zero_shot=lambda: of_frames(classifier))
    if masked.empty:
        warn_of_empty(masked.on_empty, masked.empty_message())
    if masked.covered:
        log.warning("%s: left out", masked.covered_message())
    with cost.of("noise") if cell.noise.is_learned else nullcontext():
        noise = cell.noise.open(cell, frames, classifier, partial(open_frames, cell))
    if shards:
        tables = merge_shards(shards, masked, compared=clean is not None, cost=cost)
    else:
        tables = score_variants(cell, masked, classifier, noise, clean=clean, cost=cost)
    # Attention and examples of a shard's clips are made later, after all shards are merged.
    inspection = Inspection()
    if not cell.shard:
        inspection = inspect_clips(cell, masked, classifier, noise, tables, cost=cost)
    return Evaluation(masked, tables, noise, inspection)
