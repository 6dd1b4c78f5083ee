"""The effects of learned noise over the cells of a sweep: all masks, variants and noise seeds."""

import re
from collections.abc import Sequence

import pandas as pd

from clip_har.config.cell import Cell
from clip_har.core.settings import Role
from clip_har.metrics.effect import paired_effect
from clip_har.noise.learned.arms import Kind, arm_of, pairs
from clip_har.noise.settings import NoiseSettings
from clip_har.noise.variants import LEARNED, NONE, slug
from clip_har.results.names import MASK, cell_name
from clip_har.results.result import Result
from clip_har.sweeps.cells import grouped, metric_words

_NOISE = {"noise", *Cell.fields_for(Role.NOISE)}
"""Groups and keys that set a cell's noise."""

_MANY = 12  # variants, all on the same axes

PANELS: dict[Kind, str] = {
    "reference": "the method and its controls",
    "method": "the method and its controls",
    "control": "the method and its controls",
    "baseline": "the same labels, without noise and beside it",
    "other": "other uses of the same noise",
    "leak": "other uses of the same noise",
}
"""Where the variants of each kind are shown."""

_KEYS = ["mask", "noise", "variant", "against", "headline"]


def noise_effects(finished: Sequence[Result]) -> pd.DataFrame:
    """Compare every variant of learned noise with none, and every headline with its controls.

    Cells that differ only in the seed of their noise are pooled, see
    `clip_har.metrics.effect.paired_effect`: pairs are by clip, intervals are over groups and seeds.

    Args:
        finished: the results; those without learned noise are left out.

    Returns:
        Columns ``mask, noise, variant, against, headline`` (whether the cell's own
        numbers are those of the variant) and those of `paired_effect`; empty without learned noise.
    """
    parts = []
    learned = [one for one in finished if one.cell.noise.is_learned]
    for members in grouped(learned, without={"noise.seed"}):
        read = [one.variant_scores for one in members]
        headline, scores = read[0][0], [found for _, found in read]
        for variant, against in pairs(scores[0], headline):
            found = paired_effect(
                [one[against] for one in scores], [one[variant] for one in scores]
            )
            named = found.assign(
                mask=mask_name(members[0]),
                noise=noise_label(members[0]),
                variant=variant,
                against=against,
                headline=variant == headline,
            )
            parts.append(named[[*_KEYS, *found.columns]])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def effect_metrics(effects: pd.DataFrame) -> dict[str, float]:
    """Return the differences of the headlines to no noise under their MLflow names."""
    if not len(effects):
        return {}
    shown = effects[effects["headline"] & (effects["against"] == NONE)]
    masks = metric_words(shown["mask"], longest=150)
    noises = metric_words(shown["noise"], longest=100)
    found = {}
    for row in shown.to_dict("records"):
        mask, noise = slug(masks[row["mask"]]), slug(noises[row["noise"]])
        name = f"noise/{noise}/{slug(row['variant'])}/{mask}/{row['measure']}_difference"
        found[name] = float(row["difference"])
    return found


def top1_rows(effects: pd.DataFrame) -> pd.DataFrame:
    """Return the top-1 differences to no noise, one row per mask and variant, for the figure.

    The name of the noise stands before each variant, since kinds of noise share controls. More
    variants than a figure can show have a ``panel`` each: what they are there for.
    """
    rows = effects[(effects["measure"] == "top1") & (effects["against"] == NONE)].copy()
    if rows[["noise", "variant"]].drop_duplicates().shape[0] > _MANY:
        rows["panel"] = [PANELS[arm_of(name).kind] for name in rows["variant"]]
        order = list(dict.fromkeys(PANELS.values()))
        rows = rows.sort_values("panel", key=lambda names: names.map(order.index), kind="stable")
    alone = rows["variant"] == LEARNED
    rows["variant"] = (rows["noise"] + ": " + rows["variant"]).where(~alone, rows["noise"])
    return rows


def mask_name(one: Result) -> str:
    """Return a cell's name without the keys of its noise."""
    return one.named_without([key for key in one.varies if _is_of_noise(key)])


def noise_label(one: Result) -> str:
    """Return the name of a cell's noise, with its keys that vary in the sweep, except seeds."""
    seeds = {"noise", "noise_seed", "noise.seed"}
    kept = [key for key in one.varies if _is_of_noise(key) and key not in seeds]
    named = {**one.varies, MASK: noise_name(one.cell.noise)}
    left_out = {key for key in named if key not in (MASK, *kept)}
    return cell_name(named, one.words, without=left_out)


def _is_of_noise(key: str) -> bool:
    return key.partition(".")[0] in _NOISE


def noise_name(noise: NoiseSettings) -> str:
    """Return the name of the option of some settings.

    Example:
        >>> from clip_har.noise.learned.settings import ClassSpecificNoise
        >>> noise_name(ClassSpecificNoise())
        'class_specific'
    """
    words = re.findall(r"[A-Z][a-z]+", type(noise).__name__.removesuffix("Noise"))
    return "_".join(words).lower()
