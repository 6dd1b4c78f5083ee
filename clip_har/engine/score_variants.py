"""Score a cell's clips, and put the scores into one score table per variant."""

from dataclasses import replace
from typing import TYPE_CHECKING

from clip_har.engine.drift import Embedded
from clip_har.engine.score_clips import score_clips
from clip_har.engine.score_table import table_of
from clip_har.masking.masked_clips import MaskedClips
from clip_har.models.checkpoint import MODEL
from clip_har.models.zero_shot import Classifier
from clip_har.noise.contract import CellNoise
from clip_har.results.costs import Cost
from clip_har.results.score_table import ScoreTable

if TYPE_CHECKING:
    from clip_har.config.cell import Cell


def keeps_embeddings(cell: "Cell") -> bool:
    """Return whether the score table of a cell keeps its clips' embeddings.

    Clean cells do, to measure the drift of others; with ``measures.probe`` all do, except under
    learned noise, where each clip has many.
    """
    is_clean = cell.noise.is_clean and cell.masking.is_clean
    return is_clean or (not cell.noise.is_learned and cell.measures.probe is not None)


def score_variants(
    cell: "Cell",
    masked: MaskedClips,
    classifier: Classifier,
    noise: CellNoise,
    *,
    clean: Embedded | None,
    cost: Cost,
) -> dict[str, ScoreTable]:
    """Return the score tables of a cell by variant, one row per evaluated clip.

    Args:
        cell: the checked settings.
        masked: its clips under its mask.
        classifier: its model with its classes.
        noise: what is added to the clips.
        clean: embeddings of the clean twin; None if the clips are not compared with it.
        cost: counts the time.
    """
    labels = masked.frames.clip_set.labels[masked.evaluated]
    spent = Cost()
    scored = score_clips(
        masked,
        classifier,
        noise.by_name,
        choose=noise.columns_needed(labels),
        clean=clean,
        keep_embeddings=keeps_embeddings(cell) or noise.needs_embeddings,
        cost=spent,
        model=f"{MODEL}={cell.model.checkpoint}, precision={cell.precision}",
    )
    # With learned noise the model sees a clip many times: this time is not the speed of one pass.
    cost.add({"noise": sum(spent.seconds.values())} if noise.is_learned else spent.seconds)
    scores = {name: noise_scores.scores for name, noise_scores in scored.by_noise.items()}
    variants = noise.variants(scores, labels, scored.embeddings)
    kept = scored if keeps_embeddings(cell) else replace(scored, embeddings=None)
    return {
        name: table_of(variant, kept, masked, pooling=classifier.pooling)
        for name, variant in variants.items()
    }
