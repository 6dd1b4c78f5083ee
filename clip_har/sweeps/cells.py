"""Which finished cells of a sweep belong together."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from clip_har.config.cell import Cell
from clip_har.core.settings import Role, Settings
from clip_har.results.names import MASK, short_key
from clip_har.results.result import Result

_KINDS = ("dataset", "region", "masking", "noise")


def described(cell: Cell, *, without: Collection[str]) -> dict[str, str]:
    """Return the settings that can change a cell's result as flat keys, without some of them.

    Args:
        cell: the settings.
        without: groups (``masking``) or full keys (``noise.seed``).
    """
    kinds = {key: type(getattr(cell, key)).__name__ for key in _KINDS}
    flat: dict[str, str] = dict(kinds)

    def walk(node: Mapping[str, Any], prefix: str) -> None:
        for key, value in node.items():
            if isinstance(value, dict):
                walk(value, f"{prefix}{key}.")
            else:
                flat[f"{prefix}{key}"] = str(value)

    others = cell.fields_for(Role.RUN, Role.NOISE)  # the noise's own keys cover these
    for name in [name for name in type(cell).model_fields if name not in others]:
        value = getattr(cell, name)
        if isinstance(value, Settings):
            inner = value.described(without={Role.RUN})
            walk({key: inner[key] for key in inner if key != "kind"}, f"{name}.")
        else:
            flat[name] = str(value)
    return {
        key: value
        for key, value in flat.items()
        if key not in without and key.partition(".")[0] not in without
    }


def grouped(finished: Iterable[Result], *, without: Collection[str]) -> list[list[Result]]:
    """Return groups of cells that differ only in some settings, see `described`."""
    groups: dict[tuple[tuple[str, str], ...], dict[Path, Result]] = {}
    for one in finished:  # cells may share a result: masking=none at any ratio
        alike = tuple(described(one.cell, without=without).items())
        groups.setdefault(alike, {}).setdefault(one.folder, one)
    distinct = {frozenset(members): list(members.values()) for members in groups.values()}
    return list(distinct.values())


def labels(groups: Sequence[Sequence[Result]]) -> list[str]:
    """Return the settings in which each group differs from the others; empty for one group."""
    found = [described(members[0].cell, without={MASK}) for members in groups]
    keys = [key for key in {key: None for one in found for key in one} if _sets_apart(key, found)]
    return [
        " ".join(f"{short_key(key, keys)}={one[key]}" for key in keys if key in one)
        for one in found
    ]


def _sets_apart(key: str, found: Sequence[dict[str, str]]) -> bool:
    """Return whether a setting differs; a setting of noise must differ within one kind of noise."""
    if not key.startswith("noise."):
        return len({one.get(key) for one in found}) > 1
    kinds: dict[str, set[str | None]] = {}
    for one in found:
        kinds.setdefault(one["noise"], set()).add(one.get(key))
    return any(len(values) > 1 for values in kinds.values())


def plain(text: str) -> str:
    """Return text as a part of a metric's name: MLflow allows letters, digits and a few signs."""
    return re.sub(r"[^A-Za-z0-9_.-]+", " ", text).strip()[-200:]
