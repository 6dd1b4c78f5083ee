"""The controls of the page, made from the settings and the YAML file of the chosen options."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from omegaconf import DictConfig, OmegaConf

from clip_har.config.cell import Cell
from clip_har.config.compose import settings_class
from clip_har.config.options import key_comments
from clip_har.core.settings import Role

Value = bool | int | float | str | None

_ROOT = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Control:
    """One key of a chosen option that can be set on the page.

    Attributes:
        key: as on the command line, such as ``ratio`` or ``masking.patch``.
        value: its value now.
        kind: of its values; ``choice`` and ``text`` have ``options``, those of a text are examples.
        meaning: a few words.
        options: values to choose from.
        optional: whether it may be null.
        low: smallest number; None if there is none.
        high: largest number.
        whole: whether only whole numbers are allowed.
    """

    key: str
    value: Value
    kind: Literal["switch", "choice", "number", "text"]
    meaning: str
    options: tuple[str, ...] = ()
    optional: bool = False
    low: float | None = None
    high: float | None = None
    whole: bool = False

    @property
    def slot(self) -> str:
        """What a value may be kept under: controls with the same slot take the same values."""
        return f"{self.key} {self.kind} {self.options} {self.optional} {self.low} {self.high}"

    def typed(self, value: Value) -> Value:
        """Return a value of the page as the command takes it.

        Args:
            value: what a form gives: numbers may be texts, and an empty text is null.
        """
        if value in (None, "", "null") and self.optional:
            return None
        if self.kind != "number" or isinstance(value, bool):
            return value
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return value  # it is refused with the other values of the cell
        return int(number) if self.whole and number.is_integer() else round(number, 6)


def controls_of(config: DictConfig, group: str, option: str) -> list[Control]:
    """Return the controls of a chosen option: its switches, choices, numbers and texts.

    What names a file, a folder or a checkpoint has none, as lists and nested settings: it is set
    where the page is started.

    Args:
        config: a composed configuration, with this option.
        group: a configuration group, such as ``masking``.
        option: the name of the option.

    Example:
        >>> from clip_har.config.session import session
        >>> with session() as composing:
        ...     config = composing.compose(["masking=percent"])
        >>> [one.key for one in controls_of(config, "masking", "percent")]
        ['ratio', 'fill', 'masking.patch', 'masking.phase', 'masking.static']
    """
    node, said = config[group], key_comments(group, option)
    settings = settings_class(str(node._target_), group)
    schema = settings.model_json_schema().get("properties", {})
    elsewhere = settings.fields_for(Role.RUN, Role.CONTENT)
    first = Cell.fields_for(Role.MASK)
    # Those of all masks, then the option's own, then those of the files that it extends.
    order = [name for name in settings.model_fields if name in first]
    order += [name for name in (*said, *settings.model_fields) if name not in order]
    found: dict[str, Control] = {}
    for name in order:
        key = _typed_key(node, group, name) if name in settings.model_fields else None
        if key is None or key in found or name in elsewhere:
            continue
        value = OmegaConf.select(config, f"{group}.{name}")
        control = _control(key, value, schema[name], said.get(name) or _sentence(key))
        if control is not None:
            found[key] = control
    return list(found.values())


def root_control(config: DictConfig, key: str) -> Control:
    """Return the control of a root key of one value, such as ``seed``.

    Args:
        config: a composed configuration.
        key: the key.
    """
    part = Cell.model_json_schema()["properties"][key]
    control = _control(key, config[key], part, _sentence(key))
    if control is None:
        raise ValueError(f"{key} is not a switch, a choice, a number or a text")
    return control


def _sentence(key: str) -> str:
    """Return what is said of a root key; empty for other keys."""
    return str(Cell.model_fields[key].description) if key in Cell.model_fields else ""


def _typed_key(node: DictConfig, group: str, name: str) -> str | None:
    """Return the key that a user types; None for one that stands for a nested root key."""
    written = node._get_node(name)  # as written: not resolved
    assert not isinstance(written, list)  # noqa: S101, a mapping has one node per name
    match = _ROOT.fullmatch(str(written._value())) if written is not None else None
    if match is None:
        return f"{group}.{name}"
    return match[1] if match[1] in Cell.model_fields else None


def _control(key: str, value: Any, part: Mapping[str, Any], said: str) -> Control | None:
    kinds = [one for one in part.get("anyOf", [part]) if one.get("type") != "null"]
    if len(kinds) != 1:
        return None
    kind, optional = kinds[0], len(kinds) < len(part.get("anyOf", [part]))
    if "enum" in kind:
        options = tuple(map(str, kind["enum"]))
        return Control(key, value, "choice", _without(options, said), options, optional)
    match kind.get("type"):
        case "boolean":
            return Control(key, value, "switch", said)
        case "integer" | "number" as number:
            low = kind.get("minimum", kind.get("exclusiveMinimum"))
            high = kind.get("maximum", kind.get("exclusiveMaximum"))
            bounds = {"low": low, "high": high, "whole": number == "integer"}
            return Control(key, value, "number", said, optional=optional, **bounds)
        case "string" if "format" not in kind:
            options = _listed(said)
            return Control(key, value, "text", _without(options, said), options, optional)
    return None


def _listed(said: str) -> tuple[str, ...]:
    """Return the plain options that a comment lists, such as ``black | mean | a colour``."""
    lists = [part.split(" | ") for part in said.split("; ") if " | " in part]
    return tuple(one for one in lists[0] if one.isidentifier()) if lists else ()


def _without(options: Sequence[str], said: str) -> str:
    """Return a comment without the options that it lists, which the control shows.

    Example:
        >>> _without(("skip", "whole", "error"), "skip | whole | error: for a clip without target")
        'for a clip without target'
        >>> _without(("exact", "box"), "shape of what is kept: exact | box; null: exact")
        'shape of what is kept; null: exact'
    """
    kept = []
    for part in said.split("; "):
        pieces = part.split(" | ")
        for piece in pieces:
            first, _, rest = piece.partition(": ")
            before, _, last = piece.rpartition(": ")
            if len(pieces) > 1 and first in options:
                kept.append(rest)
            else:
                kept.append(before if len(pieces) > 1 and last in options else piece)
    return "; ".join(piece for piece in kept if piece)
