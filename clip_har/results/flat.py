"""The settings of a cell as flat keys, for comparing cells."""

import json
from collections.abc import Mapping
from typing import Any

from clip_har.config.cell import Cell
from clip_har.core.settings import Role, Settings, option_name

_KINDS = ("dataset", "region", "masking", "noise")


def flat_settings(cell: Cell) -> dict[str, str]:
    """Return the settings that can change a cell's result, such as ``noise.seed``, as texts.

    Values are spelled as they are typed and as in the names of cells: ``null``, not ``None``.

    Args:
        cell: the settings.
    """
    kinds = {key: type(getattr(cell, key)).__name__ for key in _KINDS}
    kinds["region"] = option_name(kinds["region"], "Region")
    flat: dict[str, str] = dict(kinds)

    def walk(node: Mapping[str, Any], prefix: str) -> None:
        for key, value in node.items():
            if isinstance(value, dict):
                walk(value, f"{prefix}{key}.")
            else:
                flat[f"{prefix}{key}"] = _text(value)

    others = cell.fields_for(Role.RUN, Role.NOISE)  # the noise's own keys cover these
    for name in [name for name in type(cell).model_fields if name not in others]:
        value = getattr(cell, name)
        if isinstance(value, Settings):
            inner = value.described(without={Role.RUN})
            walk({key: inner[key] for key in inner if key != "kind"}, f"{name}.")
        else:
            flat[name] = _text(value)
    return flat


def _text(value: Any) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)
