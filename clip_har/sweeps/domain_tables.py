"""The numbers that compare the domains of a model: ``domains.csv`` and tables beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import GroupDraws
from clip_har.metrics.domains import (
    Estimate,
    Numbers,
    balanced_mean,
    domain_pairs,
    mean_of,
    plain_mean,
    worst_shares,
)
from clip_har.metrics.models import interval_of
from clip_har.sweeps.cells import metric_words
from clip_har.sweeps.comparisons import Comparison
from clip_har.sweeps.domain_measures import bias_measures, calibration, draws_of
from clip_har.sweeps.domains import DomainSet, domain_sets, member_of
from clip_har.sweeps.model_answers import ModelAnswers
from clip_har.sweeps.model_tables import CHANGE, EACH, MEAN, Row, corrected_families
from clip_har.sweeps.models import UNCHANGED, Condition

DOMAINS, PAIRS, CLASSES, BIAS = (
    "domains.csv", "domain_pairs.csv", "domain_classes.csv", "domain_bias.csv",
)  # fmt: skip
POOLED = "all domains"
"""The row of all domains together."""

_PAIR_COLUMNS = [
    "mask", "family", "tests", "domain", "other", "difference", "low", "high", "p", "p_holm",
]  # fmt: skip
_ENDS = ("", "_low", "_high")


@dataclass(frozen=True, eq=False)
class DomainTables:
    """The numbers of one model in several domains.

    Attributes:
        domains: the domains.
        rows: a row per mask and domain, and one of `POOLED`. ``model, mask, kind`` as of models;
            ``ratio, hidden, leaks, domain``; ``accuracy``, class-balanced over ``classes`` classes
            (of `POOLED` the mean of the domains, each counts the same); ``top1``, in which each
            clip counts the same; ``change`` of accuracy from the unchanged clips, paired by clip;
            ``ece`` and ``brier``, class-balanced; each with ``_low`` and ``_high``; ``worst_share``
            of the bootstrap samples in which the domain has the lowest accuracy; ``clips, groups,
            seeds``. NaN for what is not known.
        pairs: a row per pair of domains and question: ``model``, `_PAIR_COLUMNS`. Each family
            answers one question and is corrected (Holm) by itself: `UNCHANGED`, `MEAN`, `CHANGE`
            (whether a mask costs more), `EACH`.
        classes: a row per class and domain: ``model, class, domain, clips, groups, recall`` of the
            unchanged clips.
        bias: see `bias_measures`, with ``model``.
    """

    domains: DomainSet
    rows: pd.DataFrame
    pairs: pd.DataFrame
    classes: pd.DataFrame
    bias: pd.DataFrame

    @property
    def masks(self) -> list[str]:
        """All masks, in order."""
        return list(dict.fromkeys(map(str, self.rows["mask"])))

    @property
    def headline(self) -> str:
        """What the domains are compared by: `UNCHANGED`, else the first mask that all have."""
        known = [str(mask) for mask in self.rows.loc[self.rows["domain"] == POOLED, "mask"]]
        return UNCHANGED if UNCHANGED in known else (known or [UNCHANGED])[0]

    @property
    def masked(self) -> str:
        """The mask whose change is compared: `MEAN`, or the only mask; empty if none is."""
        rows = self.pairs.loc[self.pairs["family"] == CHANGE, "mask"]
        return str(rows.iloc[0]) if len(rows) else ""

    def of(self, mask: str) -> dict[str, Row]:
        """Return the rows of a mask by domain, `POOLED` last."""
        rows = self.rows[self.rows["mask"] == mask].to_dict("records")
        return {str(row["domain"]): row for row in rows}

    def family(self, name: str) -> list[Row]:
        """Return the pairs of a family of tests."""
        return list(self.pairs[self.pairs["family"] == name].to_dict("records"))


@dataclass(frozen=True, eq=False)
class _Scored:
    """One number for each domain, seed and clip, such as 1 where the model is right.

    Attributes:
        mask: what the model saw.
        kind: as in `clip_har.sweeps.model_tables.ModelTables`.
        numbers: by the place of the domain ``(S, N)``.
        answers: their clips, by the same place.
        is_ranked: whether all domains have it, and none of its cells uses the true label.
        more: further columns of its rows.
    """

    mask: str
    kind: str
    numbers: Mapping[int, Numbers]
    answers: Mapping[int, ModelAnswers]
    is_ranked: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def classes(self) -> NDArray[np.int64]:
        """The labels of the classes with a clip in each domain."""
        return reduce(np.intersect1d, [one.labels for one in self.answers.values()])

    @cached_property
    def samples(self) -> dict[int, GroupDraws]:
        """The bootstrap samples of each domain's groups."""
        return {
            place: draws_of(one.groups, one.labels, place) for place, one in self.answers.items()
        }

    @cached_property
    def estimates(self) -> dict[int, Estimate]:
        """The class-balanced mean of each domain."""
        return {
            place: balanced_mean(self.numbers[place], one.labels, self.samples[place], self.classes)
            for place, one in self.answers.items()
        }


def domain_tables(comparisons: Sequence[Comparison]) -> list[DomainTables]:
    """Compare the domains of each model, see `clip_har.sweeps.domains.domain_sets`.

    Args:
        comparisons: see `clip_har.sweeps.comparisons.comparisons_of`.
    """
    return [_tables(one) for one in domain_sets(comparisons)]


def domain_files(tables: Sequence[DomainTables]) -> dict[str, pd.DataFrame]:
    """Return the tables of all sets of domains, by the names of their files."""
    names = {DOMAINS: "rows", PAIRS: "pairs", CLASSES: "classes", BIAS: "bias"}
    return {
        file: pd.concat([getattr(one, name) for one in tables], ignore_index=True)
        if tables
        else pd.DataFrame()
        for file, name in names.items()
    }


def domain_metrics(tables: Sequence[DomainTables]) -> dict[str, float]:
    """Return mean and worst accuracy over the domains, and their change, under MLflow names.

    Args:
        tables: of each model; its name is part of the metric's if there are several.
    """
    words = metric_words(one.domains.model for one in tables)
    found: dict[str, float] = {}
    for one in tables:
        more = f"/{words[one.domains.model]}" if len(tables) > 1 else ""
        rows = one.of(one.headline)
        if POOLED not in rows:
            continue
        pooled = rows.pop(POOLED)
        worst = min(float(row["accuracy"]) for row in rows.values())
        numbers = {"domains/accuracy_mean": pooled["accuracy"], "domains/accuracy_worst": worst}
        if one.masked:
            numbers["domains/change_mean"] = one.of(one.masked)[POOLED]["change"]
        found |= {
            f"{key}{more}": float(value) for key, value in numbers.items() if not np.isnan(value)
        }
    return found


def _tables(domains: DomainSet) -> DomainTables:
    clean = next((one for one in domains.conditions if one.is_clean), None)
    masks = [one for one in domains.conditions if one.is_mask and one.is_ranked]
    rows: list[dict[str, Any]] = []
    pairs = []
    changes: dict[str, _Scored] = {}
    scored = [_of_conditions(domains, [one]) for one in domains.conditions]
    scored += [_of_conditions(domains, masks, mean=True)] if len(masks) > 1 else []
    for one in scored:
        if one is None or not len(one.classes):
            continue
        own = masks if one.kind == MEAN else [_named(domains, one.mask)]
        change = None if clean is None or one.kind == UNCHANGED else _change(domains, clean, own)
        if change is not None:
            changes[one.mask] = change
        rows += _rows(domains, one, change, own)
        if one.is_ranked:
            family = one.kind if one.kind in (UNCHANGED, MEAN) else EACH
            pairs.append(_pairs(domains, one, family))
    whole = MEAN if len(masks) > 1 else masks[0].name if masks else ""
    if whole in changes:
        pairs.append(_pairs(domains, changes[whole], CHANGE))
    named = {"model": domains.model}
    table = pd.DataFrame([named | row for row in rows])
    return DomainTables(
        domains,
        table,
        corrected_families(pairs, _PAIR_COLUMNS, named),
        _classes(domains, clean or domains.conditions[0]).assign(**named),
        bias_measures(domains).assign(**named),
    )


def _named(domains: DomainSet, mask: str) -> Condition:
    return next(one for one in domains.conditions if one.name == mask)


def _answers(domains: DomainSet, conditions: Sequence[Condition]) -> dict[int, ModelAnswers]:
    """Return the answers of each domain that has all of some conditions, over the same clips."""
    found = {}
    for place in range(len(domains.names)):
        if all(one.cells[place] for one in conditions):
            answers = ModelAnswers.of([member_of(one, place) for one in conditions])
            if answers is not None:
                found[place] = answers
    return found


def _of_conditions(
    domains: DomainSet, conditions: Sequence[Condition], *, mean: bool = False
) -> _Scored | None:
    """Return whether the answers are right, under one condition or as a mean over several."""
    answers = _answers(domains, conditions)
    if not answers:
        return None
    first = conditions[0]
    kind = UNCHANGED if first.is_clean else "mask" if first.is_mask else "other"
    ratios = {one.ratio for one in conditions}
    return _Scored(
        MEAN if mean else first.name,
        MEAN if mean else kind,
        {place: one.mean()[0] for place, one in answers.items()},
        answers,
        all(one.is_ranked for one in conditions) and len(answers) == len(domains.names),
        {
            "ratio": ratios.pop() if len(ratios) == 1 else None,
            "hidden": float(np.mean([one.hidden for one in conditions])),
            "leaks": any(one.leaks for one in conditions),
        },
    )


def _change(
    domains: DomainSet, clean: Condition, conditions: Sequence[Condition]
) -> _Scored | None:
    """Return by how much each clip's answer (mean over masks) differs from its unchanged one."""
    answers = _answers(domains, [clean, *conditions])
    if not answers:
        return None
    numbers = {
        place: (one.mean(slice(1, None)) - one.mean(slice(1)))[0] for place, one in answers.items()
    }
    mask = MEAN if len(conditions) > 1 else conditions[0].name
    return _Scored(mask, CHANGE, numbers, answers, is_ranked=len(answers) == len(domains.names))


def _rows(
    domains: DomainSet, one: _Scored, change: _Scored | None, conditions: Sequence[Condition]
) -> list[dict[str, Any]]:
    shared = {"mask": one.mask, "kind": one.kind, **one.more, "classes": len(one.classes)}
    plain = {place: plain_mean(one.numbers[place], one.samples[place]) for place in one.answers}
    worst = worst_shares(list(one.estimates.values())) if one.is_ranked else None
    rows = []
    for number, (place, answers) in enumerate(one.answers.items()):
        row = {
            **shared,
            "domain": domains.names[place],
            **_ends("accuracy", one.estimates[place], "share"),
            **_ends("top1", plain[place], "share"),
            "clips": len(answers.groups),
            "groups": one.samples[place].groups,
            "seeds": one.numbers[place].shape[0],
            "worst_share": np.nan if worst is None else float(worst[number]),
        }
        if change is not None and place in change.estimates and len(change.classes):
            row |= _ends("change", change.estimates[place], "difference")
        if len(conditions) == 1:
            row |= calibration(conditions[0].cells[place], place, one.classes)
        rows.append(row)
    if one.is_ranked:
        clips = [len(answers.groups) for answers in one.answers.values()]
        row = {
            **shared,
            "domain": POOLED,
            **_ends("accuracy", mean_of(list(one.estimates.values())), "share"),
            **_ends("top1", mean_of(list(plain.values()), clips), "share"),
            "clips": sum(clips),
            "groups": sum(samples.groups for samples in one.samples.values()),
            "seeds": max(numbers.shape[0] for numbers in one.numbers.values()),
        }
        if change is not None and change.is_ranked and len(change.classes):
            row |= _ends("change", mean_of(list(change.estimates.values())), "difference")
        rows.append(row)
    for row in rows:  # columns stand in all tables, also where nothing is known
        for name in ("accuracy", "top1", "change", "ece", "brier"):
            row |= {f"{name}{end}": row.get(f"{name}{end}", np.nan) for end in _ENDS}
        row.setdefault("worst_share", np.nan)
    return rows


def _ends(name: str, one: Estimate, kind: Any) -> dict[str, float]:
    found = interval_of(one.values, one, kind=kind)
    return dict(zip((f"{name}{end}" for end in _ENDS), found, strict=True))


def _pairs(domains: DomainSet, one: _Scored, family: str) -> pd.DataFrame:
    found = domain_pairs(list(one.estimates.values()))
    for column in ("domain", "other"):
        found[column] = [domains.names[place] for place in found[column]]
    return found.assign(mask=one.mask, family=family)


def _classes(domains: DomainSet, shown: Condition) -> pd.DataFrame:
    """Return the clips, groups and recall of each class in each domain."""
    rows = []
    for place, name in enumerate(domains.names):
        if not shown.cells[place]:
            continue
        table = shown.cells[place][0].table
        right, groups = table.predictions() == table.labels, np.array(table.groups, object)
        for label, class_name in enumerate(domains.class_names):
            own = table.labels == label
            rows.append(
                {
                    "class": class_name,
                    "domain": name,
                    "clips": int(own.sum()),
                    "groups": len(set(groups[own])),
                    "recall": float(right[own].mean()) if own.any() else np.nan,
                }
            )
    return pd.DataFrame(rows)
