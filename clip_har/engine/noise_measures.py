"""What learned noise did to a cell's clips, in numbers: computed from the answers alone."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from clip_har.metrics.effect import paired_effect
from clip_har.noise.learned.learning import History
from clip_har.noise.learned.variants import NONE, pairs, slug
from clip_har.results.noise_answers import Answers


def effect_table(answers: Mapping[str, Answers], headline: str) -> pd.DataFrame:
    """Compare every variant with no noise, and the headline with every control, clip by clip.

    Args:
        answers: by variant.
        headline: the variant that is compared with the others.

    Returns:
        Columns of `paired_effect` with ``variant`` and ``against`` before them.
    """
    tables = []
    for variant, against in pairs(answers, headline):
        found = paired_effect([answers[against]], [answers[variant]])
        found.insert(0, "against", against)
        found.insert(0, "variant", variant)
        tables.append(found)
    return pd.concat(tables, ignore_index=True)


def noise_metrics(
    effects: pd.DataFrame, classes: pd.DataFrame, history: History
) -> dict[str, float]:
    """Return the numbers of learned noise under their MLflow names.

    Args:
        effects: what `effect_table` returned.
        classes: per class its noise's size, see `clip_har.engine.examples.class_sizes`.
        history: how learning went.
    """
    found = {
        "noise/steps": float(history.steps),
        "noise/kept_step": float(history.kept),
    }
    if "named_on_empty" in classes:
        found["noise/named_on_empty"] = float(classes["named_on_empty"].mean())
    for row in effects.to_dict("records"):
        if row["against"] != NONE:
            continue
        name = f"noise/{slug(row['variant'])}/{row['measure']}"
        found[name] = float(row["after"])
        found[f"{name}_difference"] = float(row["difference"])
    return {name: value for name, value in found.items() if np.isfinite(value)}
