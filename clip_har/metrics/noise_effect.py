"""The effect of learned noise in one cell: variants against no noise, headline against controls."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from clip_har.metrics.effect import paired_effect
from clip_har.noise.learned.arms import pairs
from clip_har.noise.variants import NONE, slug
from clip_har.results.variant_scores import VariantScores


def effect_table(scores: Mapping[str, VariantScores], headline: str) -> pd.DataFrame:
    """Compare every variant with no noise, and the headline with every control, clip by clip.

    Args:
        scores: by variant.
        headline: the variant that is compared with the others.

    Returns:
        Columns of `paired_effect` with ``variant`` and ``against`` before them.
    """
    parts = []
    for variant, against in pairs(scores, headline):
        found = paired_effect([scores[against]], [scores[variant]])
        found.insert(0, "against", against)
        found.insert(0, "variant", variant)
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


def noise_metrics(effects: pd.DataFrame) -> dict[str, float]:
    """Return each variant's measures and their differences from no noise, under MLflow names.

    Args:
        effects: see `effect_table`.
    """
    found = {}
    for row in effects.to_dict("records"):
        if row["against"] != NONE:
            continue
        name = f"noise/{slug(row['variant'])}/{row['measure']}"
        found[name] = float(row["after"])
        found[f"{name}_difference"] = float(row["difference"])
    return {name: value for name, value in found.items() if np.isfinite(value)}
