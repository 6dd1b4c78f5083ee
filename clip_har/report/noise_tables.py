"""What a report shows of learned noise: variants in rows, masks in columns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clip_har.noise.learned.arms import arm_of, in_order
from clip_har.noise.variants import NONE
from clip_har.sweeps.noise import PANELS

Effect = dict[str, Any]
"""A row of `clip_har.sweeps.noise.noise_effects`."""


@dataclass(frozen=True)
class NoiseRow:
    """The effects of one variant, or its difference to another.

    Attributes:
        name: of the variant, or of both.
        leaks: whether it uses the true label.
        is_headline: whether the cells' own numbers are those of the variant.
        effects: by mask; None where there is none.
    """

    name: str
    leaks: bool
    is_headline: bool
    effects: Sequence[Effect | None]

    @property
    def mean(self) -> float | None:
        """The mean difference over the masks; None of a single mask, or if one is missing."""
        known = [one["difference"] for one in self.effects if one is not None]
        whole = len(known) == len(self.effects) > 1
        return float(sum(known) / len(known)) if whole else None


@dataclass(frozen=True)
class NoiseTable:
    """The effects of one noise on top-1.

    Attributes:
        noise: its name.
        masks: the names of the masks, the columns.
        before: top-1 without noise, by mask.
        groups: rows against no noise, under what they are there for; the headline comes first.
        between: rows of variants against others.
        terms: what each variant is.
        seeds: number of seeds of the noise.
    """

    noise: str
    masks: Sequence[str]
    before: Sequence[float]
    groups: Sequence[tuple[str, Sequence[NoiseRow]]]
    between: Sequence[NoiseRow]
    terms: Sequence[tuple[str, str]]
    seeds: int

    @property
    def leaks(self) -> bool:
        """Whether a variant uses the true label."""
        return any(row.leaks for _, rows in self.groups for row in rows)


def noise_tables(effects: pd.DataFrame) -> list[NoiseTable]:
    """Return a table for each noise of a comparison.

    Args:
        effects: see `clip_har.sweeps.noise.noise_effects`.
    """
    if not len(effects):
        return []
    top1 = effects[effects["measure"] == "top1"]
    return [_table(str(noise), rows) for noise, rows in top1.groupby("noise", sort=False)]


def _table(noise: str, effects: pd.DataFrame) -> NoiseTable:
    masks = [str(mask) for mask in effects["mask"].unique()]
    found: dict[tuple[str, str, str], Effect] = {
        (row["variant"], row["against"], row["mask"]): {str(key): row[key] for key in row}
        for row in effects.to_dict("records")
    }
    headlines = set(effects[effects["headline"]]["variant"])
    variants = in_order(set(effects["variant"]))
    variants.sort(key=lambda name: name not in headlines)  # stable: the others keep their order

    def row(name: str, variant: str, against: str) -> NoiseRow:
        leaks, first = "leaks" in variant, variant in headlines
        return NoiseRow(name, leaks, first, [found.get((variant, against, mask)) for mask in masks])

    groups = {
        title: [row(name, name, NONE) for name in variants if PANELS[arm_of(name).kind] == title]
        for title in dict.fromkeys(PANELS.values())
    }
    others = effects[effects["against"] != NONE][["variant", "against"]].drop_duplicates()
    first = next(name for name in variants if (name, NONE, masks[0]) in found)
    return NoiseTable(
        noise,
        masks,
        [one["before"] if (one := found.get((first, NONE, mask))) else math.nan for mask in masks],
        [(title, rows) for title, rows in groups.items() if rows],
        [row(f"{one} − {other}", one, other) for one, other in others.to_numpy().tolist()],
        [(name, arm_of(name).said) for name in variants],
        int(effects["seeds"].max()),
    )
