"""The page of every configuration key, made from ``conf/`` and the settings classes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import griffe
from omegaconf import DictConfig, OmegaConf

from clip_har.config.cell import GROUPS, Cell
from clip_har.config.compose import CONFIG_DIR
from clip_har.config.options import header_of, option_files
from clip_har.core.settings import Role, Settings
from docs.reference.allowed import allowed

_HEAD = """# Every configuration key

Made from `conf/` and the settings classes of the package, so it is complete for this version.
`KEY=VALUE` on the command line sets a key, `GROUP=OPTION` picks an option of a group, and
`python -m clip_har --cfg job` shows the complete configuration. A default such as `${ratio}` is the
value of that other key; `???` must be set.
"""


@dataclass(frozen=True)
class Key:
    """One key of the configuration.

    Attributes:
        name: the name that the user types, such as ``masking.ratio``.
        default: the value in the YAML file.
        allowed: type, range or values.
        meaning: from its declaration or the docstring of its settings class, and its role.
    """

    name: str
    default: str
    allowed: str
    meaning: str


def configuration_page() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD, "## Every cell", _table(root_keys())]
    for group in GROUPS:
        parts.append(f"## {group}: {_title(group)}")
        for option, path in option_files(group).items():
            parts += [f"### {group}={option}", _header(path), _table(option_keys(group, option))]
    titles = {
        "experiment": "named studies",
        "hydra/launcher": "where the cells of a sweep run",
        "hydra/sweeper": "which cells a sweep has",
    }
    for group, title in titles.items():
        parts.append(f"## {group}: {title}")
        for option, path in option_files(group).items():
            parts += [f"### {group}={option}", _header(path), _fence("yaml", _body(path))]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def root_keys() -> list[Key]:
    """Return the keys of every cell, those of nested settings last."""
    content = _read(CONFIG_DIR / "config.yaml")
    names = [name for name in Cell.model_fields if name not in GROUPS]
    names.sort(key=lambda name: isinstance(content[name], dict))
    return _keys(Cell, {name: content[name] for name in names}, "")


def option_keys(group: str, option: str) -> list[Key]:
    """Return the keys of one option of a group."""
    content = _read(CONFIG_DIR / group / f"{option}.yaml")
    return _keys(_class(content["_target_"]), content, group)


def _read(path: Path) -> dict[str, Any]:
    """Return a YAML file merged with the files of its group that it extends; nothing is resolved.

    The extended files come before the file itself, unless its ``defaults`` say otherwise.
    """
    own = OmegaConf.load(path)
    assert isinstance(own, DictConfig)  # noqa: S101, all our files are mappings
    extended = [name for name in own.pop("defaults", []) if isinstance(name, str)]
    if "_self_" not in extended:
        extended.append("_self_")
    bases = {name: path.with_name(f"{name}.yaml") for name in extended}
    layers = [
        own if name == "_self_" else _read(bases[name])
        for name in extended
        if name == "_self_" or bases[name].is_file()
    ]
    content: Any = OmegaConf.to_container(OmegaConf.merge(*layers), resolve=False)
    return dict(content)


def _class(target: str) -> type[Settings]:
    module, _, name = target.rpartition(".")
    found: type[Settings] = getattr(import_module(module), name)
    return found


def _keys(settings: type[Settings], content: Mapping[str, Any], prefix: str) -> list[Key]:
    described, schema = _docstrings(settings), settings.model_json_schema()
    keys: list[Key] = []
    for name, value in content.items():
        if name == "_target_":
            continue
        typed = f"{prefix}.{name}" if prefix else name
        field = settings.model_fields[name]
        nested = field.annotation
        if isinstance(value, Mapping) and isinstance(nested, type) and issubclass(nested, Settings):
            keys += _keys(nested, value, typed)
            continue
        meaning = field.description or described.get(name, "")
        roles = [role.value for role in field.metadata if isinstance(role, Role)]
        values = allowed(schema["properties"][name], schema)
        keys.append(Key(typed, _as_yaml(value), values, " ".join([_sentence(meaning), *roles])))
    return keys


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "?")) else f"{text}."


def _docstrings(settings: type[Settings]) -> dict[str, str]:
    """Return the descriptions of fields in the docstrings of a class and of its base classes."""
    found: dict[str, str] = {}
    for one in reversed(settings.__mro__):
        if not (issubclass(one, Settings) and one.__doc__):
            continue
        for section in griffe.Docstring(one.__doc__, parser="google").parse():
            if isinstance(section, griffe.DocstringSectionAttributes):
                found |= {entry.name: entry.description for entry in section.value}
    return found


def _as_yaml(value: Any) -> str:
    """Return a default in YAML; a long list is cut."""
    if isinstance(value, list) and len(value) > 3:
        return f"[{', '.join(map(str, value[:1]))}, …] ({len(value)})"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    as_json = value is None or isinstance(value, bool) or value == ""
    return json.dumps(value) if as_json else str(value)


def _table(keys: list[Key]) -> str:
    if not keys:
        return "No keys."
    rows = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    rows += [f"| {' | '.join(_cells(key))} |" for key in keys]
    return "\n".join(['<div class="wide" markdown>', "", *rows, "", "</div>"])


def _cells(key: Key) -> Iterator[str]:
    meaning = " ".join(key.meaning.replace("``", "`").split())
    for text in (f"`{key.name}`", f"`{key.default}`", key.allowed, _as_text(meaning)):
        yield text.replace("|", "\\|")


def _as_text(text: str) -> str:
    """Return text with ``<`` escaped outside of code, so that it does not open an HTML tag."""
    pieces = text.split("`")
    pieces[::2] = [piece.replace("<", "&lt;") for piece in pieces[::2]]
    return "`".join(pieces)


def _title(group: str) -> str:
    """Return the description of a group, for the second half of a heading."""
    text = str(Cell.model_fields[group].description)
    return text[:1].lower() + text[1:].removesuffix(".")


def _header(path: Path) -> str:
    """Return the first comment of a YAML file: text, and its commands as a block."""
    found = header_of(path)
    text = _as_text(found.text)
    return text + "\n\n" + _fence("sh", found.commands) if found.commands else text


def _body(path: Path) -> str:
    """Return a YAML file without its first comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    while lines and lines[0].startswith("#"):
        lines.pop(0)
    return "\n".join(lines)


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
