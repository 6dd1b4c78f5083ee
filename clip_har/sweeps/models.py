"""Which models of a sweep are compared with each other, and over which cells.

Cells of two models are never in one comparison (see `clip_har.sweeps.comparisons`), but the clips
of their comparisons are the same, so their answers are paired clip by clip.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean

from clip_har.config.cell import Cell
from clip_har.core.settings import Role
from clip_har.results.names import MASK, ORDER, RATIO, SEED
from clip_har.results.result import Result
from clip_har.sweeps.cells import clean_twins, described, root_seed_keys
from clip_har.sweeps.comparisons import DATA_KEYS, Comparison, by_content, differs_within
from clip_har.sweeps.tokens import tokens_differ

UNCHANGED = "unchanged"
"""The name of the condition without mask and noise."""

_FORWARD = "forward"
_RATIO = f"{MASK}.{RATIO}"
Seeds = Mapping[str, Result]
"""Results of one model and condition by their seeds."""


@dataclass(frozen=True)
class Condition:
    """A mask (and target, noise, order of frames) that several models saw.

    Attributes:
        name: as its cells are called, without model and seed.
        cells: for each model its results, one per seed, in the same order of seeds; empty for a
            model without it.
        seeds: their number.
        seeds_left_out: the number of seeds that only some models have.
        is_clean: whether it is the one without mask and noise.
        is_mask: whether only a mask sets it apart from that: what a mean over masks is made of.
        strategy: its name without the ratio; the same only for masks that differ in the ratio only.
        ratio: the set share of hidden pixels, in [0, 1]; None without a ratio.
        hidden: mean share of the pixels that is hidden, over models and clips, in [0, 1].
        leaks: whether it uses the true label: it is shown, but not ranked.
        other_tokens: whether it hides different shares of two models' tokens.
        asks_model: whether its target is each model's own attribution.
    """

    name: str
    cells: Sequence[Sequence[Result]]
    seeds: int
    seeds_left_out: int
    is_clean: bool
    is_mask: bool
    strategy: str
    ratio: float | None
    hidden: float
    leaks: bool
    other_tokens: bool
    asks_model: bool

    @property
    def is_common(self) -> bool:
        """Whether all models have it."""
        return all(self.cells)

    @property
    def is_ranked(self) -> bool:
        """Whether the models are ranked by it: all have it, and it does not use the true label."""
        return self.is_common and not self.leaks


@dataclass(frozen=True)
class ModelSet:
    """Models that saw the same clips.

    Attributes:
        data: the name of the clips.
        protocol: what sets it apart from other sets of the same clips, as one line; may be empty.
        names: of the models, all different.
        comparisons: of each model.
        conditions: the unchanged one first, the others as in the sweep.
    """

    data: str
    protocol: str
    names: Sequence[str]
    comparisons: Sequence[Comparison]
    conditions: Sequence[Condition]

    @property
    def title(self) -> str:
        """Data and protocol as one line."""
        return ", ".join(filter(None, [self.data, self.protocol]))


def shown_as(one: Result) -> dict[str, str]:
    """Return the settings by which a clip is shown: those of mask, target, noise, seed, order."""
    settings = described(one, without={"attention_clips", *Cell.fields_for(Role.MASK)})
    return {key: text for key, text in settings.items() if differs_within(key)}


def model_sets(comparisons: Sequence[Comparison]) -> list[ModelSet]:
    """Return the sets of at least two models that saw the same clips in some common condition.

    All models of the same clips form a set, also if prompts or frames differ between them, as they
    do for models that want them so. Where a model itself occurs under several such settings, each
    of these protocols is a set of its own.

    Args:
        comparisons: see `clip_har.sweeps.comparisons.comparisons_of`.
    """
    found = []
    by_data: dict[str, list[Comparison]] = {}
    for one in comparisons:
        by_data.setdefault(_data(one.cells[0]), []).append(one)
    for of_data in by_data.values():
        identities = [model_of(one.cells[0]) for one in of_data]
        sets = [of_data]
        if len(set(identities)) < len(identities):
            by_protocol: dict[str, list[Comparison]] = {}
            for one in of_data:
                by_protocol.setdefault(protocol_of(one.cells[0]), []).append(one)
            sets = list(by_protocol.values())
        found += [_set(members, several=len(sets) > 1) for members in sets if len(members) > 1]
    return [one for one in found if any(condition.is_common for condition in one.conditions)]


def _set(members: Sequence[Comparison], *, several: bool) -> ModelSet:
    shared = [
        f"{key}={text}"
        for key, text in members[0].settings.items()
        if all(one.settings.get(key) == text for one in members)
    ]
    return ModelSet(
        data=members[0].data,
        protocol=", ".join(shared) if several else "",
        names=names_apart(members, [one.model for one in members]),
        comparisons=members,
        conditions=conditions_of(members),
    )


def names_apart(members: Sequence[Comparison], names: Sequence[str]) -> list[str]:
    """Return the names of some comparisons, with the settings that set those of one name apart."""
    used = Counter(names)
    named = []
    for one, name in zip(members, names, strict=True):
        alike = [other.settings for other, its in zip(members, names, strict=True) if its == name]
        own = [
            f"{key}={text}"
            for key, text in one.settings.items()
            if any(settings.get(key) != text for settings in alike)
        ]
        named.append(", ".join([name, *own]) if used[name] > 1 else name)
    return named


def conditions_of(members: Sequence[Comparison]) -> list[Condition]:
    """Return the conditions of some models (or domains), the unchanged one first."""
    cells = [_with_twins(one.cells) for one in members]
    seed_keys = sorted(root_seed_keys([one for own in cells for one in own]))
    found: dict[str, list[dict[str, Result]]] = {}
    for place, own in enumerate(cells):
        for one in own:
            settings, seed = shown_as(one), ""
            if one.is_clean:  # its seed and target change nothing
                settings = {ORDER: settings[ORDER]}
            else:
                seed = json.dumps([settings.pop(key, None) for key in seed_keys])
            by_model = found.setdefault(json.dumps(settings, sort_keys=True), [{} for _ in members])
            by_model[place].setdefault(seed, one)
    conditions = [_condition(by_model) for by_model in found.values()]
    names = _apart([one.name for one in conditions])
    kinds = [_without_ratio(key) for key in found]
    strategies = {kind: one.strategy for kind, one in zip(kinds, conditions, strict=True)}
    apart = dict(zip(strategies, _apart(list(strategies.values())), strict=True))
    named = [
        replace(one, name=name, strategy=apart[kind])
        for one, name, kind in zip(conditions, names, kinds, strict=True)
    ]
    return sorted(named, key=lambda one: not one.is_clean)


def _without_ratio(shown: str) -> str:
    """Return the settings of a condition, as JSON, without the ratio of its mask."""
    return json.dumps({key: text for key, text in json.loads(shown).items() if key != _RATIO})


def _condition(by_model: Sequence[Seeds]) -> Condition:
    having = [seeds for seeds in by_model if seeds]
    common = set.intersection(*map(set, having)) or set(having[0])
    kept = [
        tuple(seeds[seed] for seed in having[0] if seed in common) if common <= seeds.keys() else ()
        for seeds in by_model
    ]
    cells = [one for own in kept for one in own]
    first, cell = cells[0], cells[0].cell
    return Condition(
        name=_name(first),
        cells=kept,
        seeds=len(common),
        seeds_left_out=len({seed for seeds in having for seed in seeds} - common),
        is_clean=first.is_clean and cell.frames.order == _FORWARD,
        is_mask=not (cell.masking.is_clean or cell.masking.swaps_scene)
        and cell.noise.is_clean
        and cell.frames.order == _FORWARD,
        strategy=_name(first, {RATIO}),
        ratio=first.ratio,
        hidden=fmean(one.metrics["mask/realised_ratio"] for one in cells),
        leaks=any(one.leaks for one in cells),
        other_tokens=any(
            tokens_differ(one, other)
            for same in zip(*(own for own in kept if own), strict=True)
            for one, other in combinations(same, 2)
        ),
        asks_model=cell.finds_regions and cell.region.asks_model,
    )


def _with_twins(cells: Sequence[Result]) -> list[Result]:
    """Return cells and their clean twins; a clean cell counts before a twin."""
    return [*cells, *clean_twins(cells)]


def _name(one: Result, without: Collection[str] = ()) -> str:
    if one.is_clean and one.cell.frames.order == _FORWARD:
        return UNCHANGED
    others = {key for key in one.varies if not differs_within(key)}
    return one.named_without({*others, SEED, *without})


def _apart(names: Sequence[str]) -> list[str]:
    """Return names of which none occurs twice.

    Example:
        >>> _apart(["percent", "shape", "percent"])
        ['percent', 'shape', 'percent (2)']
    """
    used: Counter[str] = Counter()
    found = []
    for name in names:
        used[name] += 1
        found.append(f"{name} ({used[name]})" if used[name] > 1 else name)
    return found


def _data(one: Result) -> str:
    """Return what tells the clips apart."""
    return _of(one, lambda key: key.partition(".")[0] in DATA_KEYS)


def model_of(one: Result) -> str:
    """Return what tells models apart: the weights, and how they are used."""
    return _of(one, lambda key: key.partition(".")[0] == "model")


def _of(one: Result, keeps: Callable[[str], bool]) -> str:
    return str({key: text for key, text in sorted(by_content(one).items()) if keeps(key)})


def protocol_of(one: Result) -> str:
    """Return what is neither data, model nor mask."""
    settings = {
        key: text
        for key, text in described(one, without={"model", *DATA_KEYS}).items()
        if not differs_within(key)
    }
    return str((settings, one.protocol.get("prompts_digest")))
