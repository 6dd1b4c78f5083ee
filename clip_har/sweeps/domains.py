"""Which data sets of a sweep are domains of one question: one model, the same classes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clip_har.data.clips import shared_suffix
from clip_har.results.result import Result
from clip_har.sweeps.cells import described
from clip_har.sweeps.comparisons import Comparison
from clip_har.sweeps.models import Condition, conditions_of, model_of, names_apart, protocol_of
from clip_har.sweeps.splits import SPLIT

_PARTS = (SPLIT, "dataset.subset")
"""Keys that choose an official part of one data set: parts are no domains."""


@dataclass(frozen=True)
class DomainSet:
    """Data sets on which one model gave answers in the same classes.

    Attributes:
        model: its name, with what else sets it apart from other sets.
        names: of the domains, all different.
        comparisons: of each domain.
        conditions: as of models, see `Condition`: ``cells`` are those of each domain.
        class_names: the classes of all domains.
        left_out: names of comparisons with another split or part of a domain.
    """

    model: str
    names: Sequence[str]
    comparisons: Sequence[Comparison]
    conditions: Sequence[Condition]
    class_names: tuple[str, ...]
    left_out: Sequence[str]


def domain_sets(comparisons: Sequence[Comparison]) -> list[DomainSet]:
    """Return the sets of at least two data sets with one model, one protocol and the same classes.

    The names and the order of the classes are equal, so the text classifier is, too, and so is the
    chance to guess right. Another official split or part of a data set, and another ``limit``,
    is not another domain: the first one counts.

    Args:
        comparisons: see `clip_har.sweeps.comparisons.comparisons_of`.
    """
    alike: dict[str, list[Comparison]] = {}
    for one in comparisons:
        first = one.cells[0]
        key = json.dumps([model_of(first), protocol_of(first), first.table.class_names])
        alike.setdefault(key, []).append(one)
    found = [members for members in map(_domains, alike.values()) if len(members[0]) > 1]
    several = len({members[0].model for members, _ in found}) < len(found)
    sets = [_set(members, left_out, several=several) for members, left_out in found]
    return [one for one in sets if any(condition.is_common for condition in one.conditions)]


def member_of(condition: Condition, place: int) -> Condition:
    """Return a condition with the cells of one domain only."""
    return replace(condition, cells=[condition.cells[place]])


def _domains(members: Sequence[Comparison]) -> tuple[list[Comparison], list[Comparison]]:
    """Return the first comparison of each domain, and the others."""
    first: dict[str, Comparison] = {}
    for one in members:
        first.setdefault(_identity(one.cells[0]), one)
    kept = list(first.values())
    return kept, [one for one in members if one not in kept]


def _identity(one: Result) -> str:
    """Return what tells domains apart: the settings of the data, without those of a part."""
    flat = described(one, without=())
    parts = _PARTS if SPLIT in flat else ()  # else a subset may be a ward, or a camera
    settings = {
        key: text
        for key, text in flat.items()
        if key.partition(".")[0] == "dataset" and key not in parts
    }
    return json.dumps([_name(one), settings])


def _name(one: Result) -> str:
    """Return the name of a data set up to its part, such as ``ucf101``."""
    return str(one.protocol["data"]).partition("/")[0]


def _set(
    members: Sequence[Comparison], left_out: Sequence[Comparison], *, several: bool
) -> DomainSet:
    classes = members[0].cells[0].table.class_names
    plain = [one.data.replace(shared_suffix(len(classes)), "") for one in members]
    shared = [
        f"{key}={text}"
        for key, text in members[0].settings.items()
        if all(one.settings.get(key) == text for one in members)
    ]
    return DomainSet(
        model=", ".join([members[0].model, *shared * several]),
        names=names_apart(members, plain),
        comparisons=members,
        conditions=conditions_of(members),
        class_names=classes,
        left_out=[one.name for one in left_out],
    )
