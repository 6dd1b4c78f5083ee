"""Merge the score tables of all shards of a cell."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.engine.score_table import attributes
from clip_har.masking.masked_clips import MaskedClips
from clip_har.results.costs import Cost
from clip_har.results.score_table import ScoreTable
from clip_har.results.shard_scores import read_shard

_COLUMNS = (
    *("labels", "scores", "mask_ratio", "subject_hidden", "subject_found", "background_kept"),
    *("native_black", "video_hidden", "tokens_hidden", "tokens_partly"),
    *("feature_hidden", "feature_frames", "noise_rms", "noise_largest", "scene_labels"),
)


def merge_shards(
    folders: Sequence[Path], masked: MaskedClips, *, compared: bool, cost: Cost
) -> dict[str, ScoreTable]:
    """Merge the score tables of all shards of a cell, by variant.

    Args:
        folders: the folders of all shards of one split.
        masked: the whole cell's clips.
        compared: whether the cell is compared with its clean twin.
        cost: the time of the shards is added to it.

    Raises:
        ClipHarError: when the shards do not hold exactly these clips; when only some shards were
            compared with the clean twin, or none was but the cell is; and as `read_shard`.
    """
    shards = [read_shard(folder) for folder in folders]
    if len({shard.compared for shard in shards}) > 1:
        raise ClipHarError(
            "some shards were run with clean_twin=false and some with a clean twin: run them"
            " all again with overwrite=always and the same clean_twin"
        )
    if compared and not shards[0].compared:
        raise ClipHarError(
            "the shards were run with clean_twin=false, and the whole cell is compared"
            " with its clean twin: set clean_twin=false here, too, or run the shards again"
            " without clean_twin=false and with overwrite=always"
        )
    for shard in shards:
        cost.add(shard.seconds)
    return {
        name: merge_tables([shard.tables[name] for shard in shards], masked)
        for name in shards[0].tables
    }


def merge_tables(tables: Sequence[ScoreTable], masked: MaskedClips) -> ScoreTable:
    """Return the score table of all clips from the score tables of its shards.

    Args:
        tables: one per shard; no clip is in two of them.
        masked: all clips; the rows of the result have their order.

    Raises:
        ClipHarError: when the tables do not hold exactly these clips.
    """
    ids = masked.evaluated_ids
    found = [clip_id for table in tables for clip_id in table.clip_ids]
    if sorted(found) != sorted(ids):
        raise ClipHarError(
            f"the shards hold {len(found)} clips, which are not the {len(ids)} clips of the whole"
            " cell: the data changed in between; run the shards again with overwrite=always"
        )
    row_of = {clip_id: row for row, clip_id in enumerate(found)}
    order = [row_of[clip_id] for clip_id in ids]

    def column(values: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate(values)[order]

    clips = masked.frames.clip_set.clips
    evaluated = [clips[index] for index in masked.evaluated]
    drifts = [np.full(len(t.clip_ids), np.nan) if t.drift is None else t.drift for t in tables]
    embeddings = [table.embeddings for table in tables if table.embeddings is not None]
    columns = {name: column([getattr(table, name) for table in tables]) for name in _COLUMNS}
    return ScoreTable(
        class_names=tables[0].class_names,
        clip_ids=ids,
        groups=tuple(clip.group for clip in evaluated),
        empty=tuple(clips[index].id for index in masked.empty),
        covered=tuple(clips[index].id for index in masked.covered),
        kind=tables[0].kind,
        attributes=attributes(evaluated),
        drift=None if all(table.drift is None for table in tables) else column(drifts),
        embeddings=column(embeddings) if len(embeddings) == len(tables) else None,
        seconds=masked.frames.seconds[masked.evaluated],
        **columns,
    )
