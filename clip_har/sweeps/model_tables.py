"""The numbers that compare models: ``models.csv`` and ``model_pairs.csv``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from clip_har.metrics.bootstrap import GroupDraws, group_draws
from clip_har.metrics.models import (
    Numbers,
    average_ranks,
    dominance,
    interval_of,
    means_of_models,
    model_pairs,
    rank_shares,
    sampled_seeds,
    wider_with_seeds,
)
from clip_har.metrics.ranks import rank_intervals
from clip_har.metrics.significance import corrected
from clip_har.sweeps.cells import metric_words
from clip_har.sweeps.comparisons import Comparison
from clip_har.sweeps.model_answers import ModelAnswers
from clip_har.sweeps.model_costs import UNKNOWN_COST, ModelCost, cost_of, machines_of
from clip_har.sweeps.models import UNCHANGED, Condition, ModelSet, model_sets

MODELS, PAIRS = "models.csv", "model_pairs.csv"
MEAN = "mean over masks"
"""The mean of all masks that all models have."""
CHANGE = "change under masks"
"""That mean minus the unchanged clips, or the only mask minus them."""
EACH = "each mask"
"""The family of the tests under single masks (and noises, and orders of the frames)."""
AT_RATIO = "mean at a hidden share"

Row = Mapping[Any, Any]

_PAIR_COLUMNS = [
    "mask", "family", "tests", "model", "other", "difference", "low", "high", "p", "p_holm",
    "clips", "groups", "seeds",
]  # fmt: skip


_RANKED = ("rank", "rank_low", "rank_high", "front", "front_share", "dominated_by")


@dataclass(frozen=True, eq=False)
class ModelTables:
    """The numbers of one set of models.

    Attributes:
        models: the set.
        costs: of each model.
        machines: the kinds of machine that its cells ran on; costs of several are not compared.
        rows: a row per model and mask. ``data, protocol, mask``: `UNCHANGED`, each condition,
            the mean of several masks at a ratio, `MEAN`; ``kind`` tells these apart. ``ratio,
            hidden`` (mean share of the pixels that is hidden), ``leaks, model``; ``top1, clips,
            groups, seeds`` over the clips that all models show; for all masks together ``change``
            from the unchanged clips and ``retained`` (see `_with_robustness`); each with ``_low``
            and ``_high``; ``rank`` of `average_ranks`, ``rank_low, rank_high`` of
            `rank_intervals`, ``rank_1, …`` of `rank_shares`; ``front`` (1 or 0), ``front_share`` of
            the bootstrap samples, ``dominated_by`` against the seconds of a clip;
            ``seconds_per_clip, frames_per_second, parameters``. NaN for what is not known, or not
            ranked.
        pairs: a row per pair of models and question: ``data, protocol``, `_PAIR_COLUMNS`. Each
            family answers one question and is corrected (Holm) by itself: `UNCHANGED`, `MEAN`,
            `CHANGE`, `EACH`.
    """

    models: ModelSet
    costs: Sequence[ModelCost]
    machines: Sequence[str]
    rows: pd.DataFrame
    pairs: pd.DataFrame

    @property
    def chance(self) -> float:
        """Top-1 of random guessing, in (0, 1]."""
        return _chance(self.models)

    @property
    def headline(self) -> str:
        """The mask that the models are ranked by: `MEAN`, the only mask, or `UNCHANGED`."""
        known = (MEAN, self.masked, UNCHANGED, *self.rows["mask"])
        return str(next(filter(self.is_ranked_by, known), UNCHANGED))

    @property
    def masked(self) -> str:
        """The mask whose change from the unchanged clips is known; empty if none is."""
        known = self.rows.loc[self.rows["change"].notna(), "mask"]
        return str(known.iloc[0]) if len(known) else ""

    def of(self, mask: str) -> dict[str, Row]:
        """Return the rows of a mask by model, in the order of the models."""
        rows = self.rows[self.rows["mask"] == mask].to_dict("records")
        return {str(row["model"]): row for row in rows}

    def is_ranked_by(self, mask: str) -> bool:
        """Return whether the models are ranked by a mask."""
        return bool(self.rows.loc[self.rows["mask"] == mask, "rank"].notna().any())


@dataclass(frozen=True, eq=False)
class _Scored:
    """One number for each model, seed and clip, such as 1 where it is right.

    Attributes:
        mask: what the models saw.
        kind: `UNCHANGED`, ``mask``, ``other``, `AT_RATIO`, `MEAN` or `CHANGE`.
        numbers: ``(M, S, N)``.
        answers: their clips.
        models: the places of the M models in the set.
        is_ranked: whether all models have it, and none of them uses the true label.
        more: further columns of its rows.
    """

    mask: str
    kind: str
    numbers: Numbers
    answers: ModelAnswers
    models: Sequence[int]
    is_ranked: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def samples(self) -> GroupDraws:
        """The bootstrap samples of the clips' groups."""
        return group_draws(self.answers.groups, self.answers.labels)

    @cached_property
    def means(self) -> Numbers:
        """``(R + 1, M, S)``, see `means_of_models`."""
        return means_of_models(self.numbers, self.samples)

    @property
    def sizes(self) -> dict[str, int]:
        """The numbers of clips, groups and seeds."""
        clips, seeds = len(self.answers.groups), self.numbers.shape[1]
        return {"clips": clips, "groups": self.samples.groups, "seeds": seeds}


def model_tables(comparisons: Sequence[Comparison]) -> list[ModelTables]:
    """Compare the models of each data set, see `clip_har.sweeps.models.model_sets`.

    Args:
        comparisons: see `clip_har.sweeps.comparisons.comparisons_of`.
    """
    return [_tables(one) for one in model_sets(comparisons)]


def model_files(tables: Sequence[ModelTables]) -> dict[str, pd.DataFrame]:
    """Return the tables of all sets of models, by the names of their files."""
    found = {MODELS: [one.rows for one in tables], PAIRS: [one.pairs for one in tables]}
    empty = pd.DataFrame()
    return {
        name: pd.concat(parts, ignore_index=True) if parts else empty
        for name, parts in found.items()
    }


def model_metrics(tables: Sequence[ModelTables]) -> dict[str, float]:
    """Return rank, share of first ranks and front of each model, under MLflow names.

    Args:
        tables: of each data set; its name is part of the metric's if there are several.
    """
    data = metric_words(one.models.title for one in tables)
    found: dict[str, float] = {}
    for one in tables:
        words = metric_words(one.models.names)
        for model, row in one.of(one.headline).items():
            name = words[model]
            name += f"/{data[one.models.title]}" if len(tables) > 1 else ""
            numbers = {
                f"models/rank/{name}": row["rank"],
                f"models/first/{name}": row["rank_1"],
                f"models/front/{name}": row["front"],
            }
            found |= {key: float(value) for key, value in numbers.items() if not np.isnan(value)}
    return found


def _tables(models: ModelSet) -> ModelTables:
    machines = machines_of([cell for one in models.comparisons for cell in one.cells])
    costs = [cost_of(one.cells) for one in models.comparisons]
    compared = costs if len(machines) == 1 else [UNKNOWN_COST] * len(costs)
    scored = [found for one in models.conditions if (found := _of_condition(one)) is not None]
    common = [one for one in models.conditions if one.is_ranked]
    means = _over_masks(common, every := range(len(models.names)))
    rows = [row for one in [*scored, *means] for row in _rows(one, models.names, compared)]
    pairs = [_pairs(one, models.names) for one in [*scored, *means] if one.is_ranked]
    if (change := _change(common, every)) is not None:
        pairs.append(_pairs(change, models.names))
    named = {"data": models.data, "protocol": models.protocol}
    table = pd.DataFrame([named | row for row in rows])
    for column in (*_RANKED, *(f"rank_{rank}" for rank in range(1, 1 + len(every)))):
        table[column] = table.get(column, np.nan)  # if no mask is ranked, or no cost is known
    table = _with_robustness(table, change, models.names, chance=_chance(models))
    table = _with_costs(table, costs, models.names)
    return ModelTables(
        models, costs, machines, table, corrected_families(pairs, _PAIR_COLUMNS, named)
    )


def _of_condition(one: Condition) -> _Scored | None:
    """Return the answers under a condition; None if its cells have no clip in common."""
    answers = ModelAnswers.of([one])
    if answers is None:
        return None
    kind = UNCHANGED if one.is_clean else "mask" if one.is_mask else "other"
    return _Scored(
        one.name, kind, answers.right[0], answers,
        models=[place for place, seeds in enumerate(one.cells) if seeds],
        is_ranked=one.is_ranked,
        more={"ratio": one.ratio, "hidden": one.hidden, "leaks": one.leaks},
    )  # fmt: skip


def _over_masks(common: Sequence[Condition], models: Sequence[int]) -> list[_Scored]:
    """Return the means over masks: at each ratio that several masks share, and over all."""
    masks = [one for one in common if one.is_mask]
    groups = [(AT_RATIO, members) for members in _at_ratios(masks)]
    groups += [(MEAN, masks)] if len(masks) > 1 else []
    found = []
    for kind, members in groups:
        if (answers := ModelAnswers.of(members)) is None:
            continue
        ratio = members[0].ratio if kind == AT_RATIO else None
        name = MEAN if ratio is None else f"mean of {len(members)} masks at {100 * ratio:g} %"
        more = {"ratio": ratio, "hidden": float(np.mean([one.hidden for one in members]))}
        found.append(
            _Scored(
                name, kind, answers.mean(), answers, models, kind == MEAN, more | {"leaks": False}
            )
        )
    return found


def _at_ratios(masks: Sequence[Condition]) -> list[list[Condition]]:
    """Return the masks at each ratio, of the strategies that have all ratios; empty for one."""
    by_strategy: dict[str, dict[float, Condition]] = {}
    for one in masks:
        if one.ratio is not None:
            by_strategy.setdefault(one.strategy, {})[one.ratio] = one
    ratios = sorted({ratio for found in by_strategy.values() for ratio in found})
    whole = [found for found in by_strategy.values() if len(found) == len(ratios)]
    if len(whole) < 2 or len(ratios) < 2:
        return []
    return [[found[ratio] for found in whole] for ratio in ratios]


def _change(common: Sequence[Condition], models: Sequence[int]) -> _Scored | None:
    """Return by how much each clip's mean over masks differs from its unchanged answer."""
    masks, clean = (
        [one for one in common if getattr(one, kind)] for kind in ("is_mask", "is_clean")
    )
    if not masks or not clean or (answers := ModelAnswers.of([*clean, *masks])) is None:
        return None
    before, after = answers.mean(slice(1)), answers.mean(slice(1, None))
    mask = MEAN if len(masks) > 1 else masks[0].name
    return _Scored(
        CHANGE, CHANGE, after - before, answers, models, more={"mask": mask, "before": before}
    )


def _rows(one: _Scored, names: Sequence[str], costs: Sequence[ModelCost]) -> list[dict[str, Any]]:
    rows = []
    for place, values in zip(one.models, np.moveaxis(one.means, 1, 0), strict=True):
        top1, low, high = interval_of(values, one.samples, kind="share")
        numbers = {"top1": top1, "top1_low": low, "top1_high": high}
        named = {"mask": one.mask, "kind": one.kind, **one.more, "model": names[place]}
        rows.append({**named, **numbers, **one.sizes})
    if not one.is_ranked:
        return rows
    values = one.means.mean(axis=2)  # (R + 1, M), over seeds
    wider = wider_with_seeds(one.means, one.samples)
    intervals = rank_intervals(-values, one.samples, wider=wider)[:, 1:]
    ranks, sampled = average_ranks(values[0]), sampled_seeds(one.means)
    shares = rank_shares(sampled)
    seconds, least, most = np.array(
        [(costs[place].seconds, costs[place].least, costs[place].most) for place in one.models]
    ).T
    dominated = dominance(sampled, least, most)  # (R + 1, M, M)
    drawn = dominated[1:].any(axis=-1).mean(axis=0)
    for place, row in enumerate(rows):
        row |= {"rank": float(ranks[place])}
        row |= dict(zip(("rank_low", "rank_high"), intervals[place].tolist(), strict=True))
        row |= {f"rank_{rank}": share for rank, share in enumerate(shares[place].tolist(), 1)}
        if np.isfinite(seconds).sum() > 1 and np.isfinite(seconds[place]):
            others = dominated[0, place].nonzero()[0].tolist()
            better = [names[one.models[other]] for other in others]
            row |= {"front": float(not better), "front_share": 1 - float(drawn[place])}
            row["dominated_by"] = "; ".join(better)
    return rows


def _chance(models: ModelSet) -> float:
    return 1 / len(models.comparisons[0].cells[0].table.class_names)


def _with_robustness(
    table: pd.DataFrame, change: _Scored | None, names: Sequence[str], *, chance: float
) -> pd.DataFrame:
    """Add what the masks change and leave.

    ``change`` is mean_s A_s − A_0 over the masks s, in points, and ``retained`` is mean_s A_s / A_0
    (the resilience of `clip_har.metrics.robustness`), both over the clips that all masks show.
    A model at chance retains all of nothing: without an interval of A_0 above chance, ``retained``
    is NaN.
    """
    columns = [f"{name}{end}" for name in ("change", "retained") for end in ("", "_low", "_high")]
    table[columns] = np.nan
    if change is None:
        return table
    before = means_of_models(change.more["before"], change.samples)
    left = np.divide(
        before + change.means, before, out=np.full(change.means.shape, np.nan), where=before > 0
    )
    for place, name in enumerate(names):
        _, surely, _ = interval_of(before[:, place], change.samples, kind="share")
        retained = (np.nan,) * 3
        if surely > chance:
            retained = interval_of(left[:, place], change.samples, kind="ratio")
        found = (
            *interval_of(change.means[:, place], change.samples, kind="difference"),
            *retained,
        )
        table.loc[(table["mask"] == change.more["mask"]) & (table["model"] == name), columns] = (
            found
        )
    return table


def _with_costs(
    table: pd.DataFrame, costs: Sequence[ModelCost], names: Sequence[str]
) -> pd.DataFrame:
    by_model = pd.DataFrame(
        {
            "model": names,
            "seconds_per_clip": [one.seconds for one in costs],
            "frames_per_second": [one.frames_per_second for one in costs],
            "parameters": [one.parameters for one in costs],
        }
    )
    return table.merge(by_model, on="model", how="left")


def _pairs(one: _Scored, names: Sequence[str]) -> pd.DataFrame:
    family = one.kind if one.kind in (UNCHANGED, MEAN, CHANGE) else EACH
    found = model_pairs(one.numbers, one.answers.groups, one.samples)
    for column in ("model", "other"):
        found[column] = [names[one.models[place]] for place in found[column]]
    return found.assign(mask=one.mask, family=family, **one.sizes)


def corrected_families(
    pairs: Sequence[pd.DataFrame], columns: list[str], named: Mapping[str, str]
) -> pd.DataFrame:
    """Return the tests of all families, each corrected (Holm) by itself.

    Args:
        pairs: tables with a row for each test, and its ``family``.
        columns: of the result.
        named: further columns with one value each; they come first.
    """
    table = pd.concat(pairs, ignore_index=True) if pairs else pd.DataFrame(columns=columns)
    if len(table):
        by_family = table.groupby("family")["p"]
        table["p_holm"] = by_family.transform(lambda p: corrected(p.to_list()))
        table["tests"] = by_family.transform("size")
    return table.assign(**named)[[*named, *columns]]
