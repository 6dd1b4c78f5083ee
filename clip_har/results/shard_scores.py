"""The score tables of one shard of a cell's clips, in a folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clip_har.core.atomic import whole_folder
from clip_har.core.checksum import read_manifest, write_manifest
from clip_har.core.errors import ClipHarError
from clip_har.results.costs import Part
from clip_har.results.files import write_json
from clip_har.results.score_table import ScoreTable
from clip_har.results.variant_scores import (
    VariantScores,
    read_variant_scores,
    write_variant_scores,
)

_NOTE = "shard.json"


@dataclass(frozen=True, eq=False)
class ShardScores:
    """The score tables of one shard.

    Attributes:
        tables: by variant.
        headline: the variant that the cell's own numbers are computed from.
        seconds: the time that each part took.
        compared: whether drift from the clean twin was measured.
    """

    tables: Mapping[str, ScoreTable]
    headline: str
    seconds: Mapping[Part, float]
    compared: bool


def write_shard(
    folder: Path,
    headline: str,
    scores: Mapping[str, VariantScores],
    *,
    seconds: Mapping[Part, float],
    compared: bool,
) -> None:
    """Write the score tables of a shard, completely or not at all.

    Args:
        folder: the folder of the shard.
        headline: the variant that the cell's own numbers are of.
        scores: score tables by variant.
        seconds: what they took.
        compared: whether the clean twin's embeddings were there to measure drift from.
    """
    with whole_folder(folder) as out:
        write_variant_scores(out, headline, scores)
        write_json(out / _NOTE, {"seconds": dict(seconds), "compared": compared})
        write_manifest(out)


def read_shard(folder: Path) -> ShardScores:
    """Read what `write_shard` wrote.

    Raises:
        ClipHarError: when something is missing or damaged.
    """
    manifest = read_manifest(folder)
    try:
        if manifest is None or (damaged := manifest.damaged()):
            what = "no manifest" if manifest is None else ", ".join(damaged)
            raise ClipHarError(f"damage ({what})")
        headline, scores = read_variant_scores(folder)
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        tables = {name: found.table for name, found in scores.items()}
        return ShardScores(tables, headline, dict(note["seconds"]), bool(note["compared"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ClipHarError) as error:
        raise ClipHarError(
            f"{folder}: expected the score tables of a shard, got {' '.join(str(error).split())};"
            " run that shard again"
        ) from error
