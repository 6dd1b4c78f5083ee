"""The scores under each variant of a cell's noise, in files that can be read without the model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.noise.variants import slug
from clip_har.results.files import write_json
from clip_har.results.score_table import ScoreTable

_ATTENTION, _VARIANTS = "attention.csv", "variants.json"


@dataclass(frozen=True, eq=False)
class VariantScores:
    """The scores of one model for one set of clips, with its attention.

    Attributes:
        table: the score table of the N clips.
        attention: ``(N,)`` float64, share of the model's attribution inside the subject, in [0, 1],
            NaN for clips that were not measured; None if no clip was measured.
    """

    table: ScoreTable
    attention: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Check that there is one attention value per clip.

        Raises:
            ValueError: when there is not.
        """
        clips = len(self.table.clip_ids)
        if self.attention is not None and self.attention.shape != (clips,):
            raise ValueError(f"expected attention for {clips} clips, got {self.attention.shape}")


def write_variant_scores(folder: Path, headline: str, scores: Mapping[str, VariantScores]) -> None:
    """Write the score table and attention of each variant.

    Args:
        folder: the ``noise`` folder of a cell.
        headline: the variant that the cell's own numbers are computed from.
        scores: by variant.
    """
    names = {slug(name): name for name in scores}
    write_json(folder / _VARIANTS, {"headline": headline, "variants": names})
    attention = {}
    for name, found in scores.items():
        found.table.write(folder / f"scores_{slug(name)}.parquet")
        if found.attention is not None:
            attention[slug(name)] = found.attention
    if attention:
        pd.DataFrame(attention).to_csv(folder / _ATTENTION, index=False)


def read_variant_scores(folder: Path) -> tuple[str, dict[str, VariantScores]]:
    """Return the name of a cell's headline, and its scores by variant.

    Args:
        folder: the ``noise`` folder of a finished cell.
    """
    described = json.loads((folder / _VARIANTS).read_text(encoding="utf-8"))
    attention = pd.DataFrame()
    if (folder / _ATTENTION).is_file():
        attention = pd.read_csv(folder / _ATTENTION)
    scores = {
        name: VariantScores(
            ScoreTable.read(folder / f"scores_{key}.parquet"),
            attention[key].to_numpy(np.float64) if key in attention else None,
        )
        for key, name in described["variants"].items()
    }
    return described["headline"], scores
