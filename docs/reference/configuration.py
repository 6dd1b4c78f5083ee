"""The page of every configuration key, made from ``conf/`` and the settings classes."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import griffe
from omegaconf import OmegaConf

from clip_har.config.cell import GROUPS, Cell, RootSchema
from clip_har.config.compose import CONFIG_DIR
from clip_har.core.settings import Settings
from clip_har.data.sampling import FrameSettings
from clip_har.noise.learned.settings import LearningSettings
from docs.reference.allowed import allowed

TITLES = {
    "dataset": "which clips",
    "model": "which checkpoint",
    "prompts": "which texts the classes become",
    "masking": "what is hidden",
    "region": "how targets are found",
    "noise": "what is added to the frames",
    "tracking": "where results are sent",
}
_COMMAND = re.compile(r"python -m|(?:model|dataset)=|--\w")
_HEAD = """# Every configuration key

Made from `conf/` and the settings classes of the package, so it is complete for this version.
`KEY=VALUE` on the command line sets a key, `GROUP=OPTION` picks an option of a group, and
`python -m clip_har --cfg job` shows what a command comes to. A default such as `${ratio}` is the
value of that other key; `???` must be set.
"""


@dataclass(frozen=True)
class Key:
    """One key of the configuration.

    Attributes:
        name: as it is typed, such as ``masking.ratio``.
        default: as it stands in the YAML file.
        allowed: type, range or values.
        meaning: from the docstring of its settings class.
    """

    name: str
    default: str
    allowed: str
    meaning: str


def configuration_page() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD, "## Every cell", _table(root_keys())]
    for group, title in TITLES.items():
        parts.append(f"## {group}: {title}")
        for path in option_files(group):
            option = path.relative_to(CONFIG_DIR / group).with_suffix("").as_posix()
            parts += [f"### {group}={option}", _opening(path), _table(option_keys(group, option))]
    parts.append("## experiment: named studies")
    for path in option_files("experiment"):
        option = path.relative_to(CONFIG_DIR / "experiment").with_suffix("").as_posix()
        parts += [f"### experiment={option}", _opening(path), _fence("yaml", _body(path))]
    parts.append("## hydra/launcher: where the cells of a sweep run")
    for path in option_files("hydra/launcher"):
        parts += [f"### hydra/launcher={path.stem}", _opening(path), _fence("yaml", _body(path))]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def option_files(group: str) -> list[Path]:
    """Return the YAML files of a group."""
    return sorted((CONFIG_DIR / group).rglob("*.yaml"))


def root_keys() -> list[Key]:
    """Return the keys of every cell, those of ``frames`` and ``learning`` last."""
    content = _read(CONFIG_DIR / "config.yaml")
    nested: dict[str, type[Settings]] = {"frames": FrameSettings, "learning": LearningSettings}
    own = [name for name in RootSchema.__dataclass_fields__ if name not in {*GROUPS, *nested}]
    keys = _keys(Cell, {name: content[name] for name in own}, "")
    for name, settings in nested.items():
        keys += _keys(settings, content[name], name)
    return keys


def option_keys(group: str, option: str) -> list[Key]:
    """Return the keys of one option of a group."""
    content = _read(CONFIG_DIR / group / f"{option}.yaml")
    return _keys(_class(content["_target_"]), content, group)


def _read(path: Path) -> dict[str, Any]:
    """Return a YAML file over the option of its group that it extends; nothing is resolved."""
    content: Any = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    extended = [name for name in content.pop("defaults", []) if isinstance(name, str)]
    for name in extended:
        if (base := path.with_name(f"{name}.yaml")).is_file():
            content = _read(base) | content
    return dict(content)


def _class(target: str) -> type[Settings]:
    module, _, name = target.rpartition(".")
    found: type[Settings] = getattr(import_module(module), name)
    return found


def _keys(settings: type[Settings], content: Mapping[str, Any], prefix: str) -> list[Key]:
    meanings, schema = _meanings(settings), settings.model_json_schema()
    keys: list[Key] = []
    for name, value in content.items():
        if name == "_target_":
            continue
        typed = f"{prefix}.{name}" if prefix else name
        nested = settings.model_fields[name].annotation
        if isinstance(value, Mapping) and isinstance(nested, type) and issubclass(nested, Settings):
            keys += _keys(nested, value, typed)
            continue
        described = allowed(schema["properties"][name], schema)
        keys.append(Key(typed, _as_yaml(value), described, meanings.get(name, "")))
    return keys


def _meanings(settings: type[Settings]) -> dict[str, str]:
    """Return what the docstrings of a class and of those that it extends say of its fields."""
    found: dict[str, str] = {}
    for one in reversed(settings.__mro__):
        if not (issubclass(one, Settings) and one.__doc__):
            continue
        for section in griffe.Docstring(one.__doc__, parser="google").parse():
            if isinstance(section, griffe.DocstringSectionAttributes):
                found |= {entry.name: entry.description for entry in section.value}
    return found


def _as_yaml(value: Any) -> str:
    """Return a default as it is typed; a long list is cut."""
    if isinstance(value, list) and len(value) > 3:
        return f"[{', '.join(map(str, value[:1]))}, …] ({len(value)})"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


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
    """Return text in which ``<`` opens no HTML tag; in code it never does."""
    pieces = text.split("`")
    pieces[::2] = [piece.replace("<", "&lt;") for piece in pieces[::2]]
    return "`".join(pieces)


def _opening(path: Path) -> str:
    """Return the comment that a YAML file opens with: text, and its commands as a block."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if "@package" not in line:
            lines.append(line.removeprefix("#").strip())
    commands = [line for line in lines if _COMMAND.match(line)]
    text = _as_text(" ".join(line for line in lines if line not in commands))
    return text + "\n\n" + _fence("sh", "\n".join(commands)) if commands else text


def _body(path: Path) -> str:
    """Return a YAML file without the comment that it opens with."""
    lines = path.read_text(encoding="utf-8").splitlines()
    while lines and lines[0].startswith("#"):
        lines.pop(0)
    return "\n".join(lines)


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
