"""The fingerprint of a cell: a digest of all that can change a result beyond rounding."""

import hashlib
import json
from typing import Any

from clip_har.config.cell import GROUPS, Cell
from clip_har.core.code_version import code_of
from clip_har.core.settings import Role, Settings
from clip_har.data.clips import ClipSet
from clip_har.regions.wrong_clips import region_identity

_EVALUATION = "clip_har.engine.evaluate"
_OF_REGIONS = {"region", "attention_clips"}  # keys that count only if targets are looked for


def fingerprint(cell: Cell, clips: ClipSet) -> str:
    """Return a cell's fingerprint, 32 hexadecimal digits.

    Args:
        cell: the checked settings.
        clips: the clips that it evaluates.

    The role of each key says how it counts, see `Role`: keys of the role `Role.RESULT` by their
    values, here and within options; keys of the role `Role.CONTENT` by what they name. Keys of
    other roles count through the option that uses them, or not at all: ``masking=none`` is one cell
    under every ``ratio``. The code that evaluates counts, too: the engine and the cell's own
    options, with all that they import; not metrics, figures, reports, nor options that the cell
    does not use.
    """
    parts = {
        "settings": {name: _described(getattr(cell, name)) for name in _names(cell)},
        "content": _content(cell, clips),
        "code": code_of(_EVALUATION, *(type(option).__module__ for option in _options(cell))),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _names(cell: Cell) -> list[str]:
    """Return the keys that count by their values."""
    unused = set() if cell.finds_regions else _OF_REGIONS
    return sorted(cell.fields_for(Role.RESULT) - unused)


def _described(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.described(without={Role.RUN, Role.CONTENT})
    return value


def _content(cell: Cell, clips: ClipSet) -> dict[str, object]:
    """Return what the keys of the role `Role.CONTENT` name, as digests or texts."""
    return {
        "clips": clips.digest,
        "weights": cell.model.weights_digest(),
        "texts": cell.prompts.texts(clips.class_names),
        "regions": region_identity(cell.region, clips) if cell.finds_regions else "",
        "noise": cell.noise.identity(cell),
        "backgrounds": cell.masking.identity(clips),
    }


def _options(cell: Cell) -> list[object]:
    """Return the options whose code can change a result."""
    names = {*_names(cell), *cell.fields_for(Role.CONTENT)}
    return [getattr(cell, name) for name in GROUPS if name in names]
