"""The lists of ``--help``: options from the files in ``conf/``, root keys from `Cell`."""

import json
import textwrap
from collections.abc import Iterator
from functools import cache

from omegaconf import OmegaConf

from clip_har.config.cell import GROUPS, Cell
from clip_har.config.compose import CONFIG_DIR
from clip_har.config.options import header_of, option_files

_WIDTH, _NAME = 98, 23  # columns of a line, and of a name


def register_help() -> None:
    """Let ``conf/hydra/help/clip_har.yaml`` show the lists."""
    OmegaConf.register_new_resolver("clip_har.options", option_lines, replace=True)
    OmegaConf.register_new_resolver("clip_har.keys", key_lines, replace=True)


@cache  # Hydra makes this text for each configuration that it composes, whether shown or not
def option_lines() -> str:
    """Return each group with its options and their descriptions."""
    return "\n".join(_escaped(_options()))


@cache
def key_lines() -> str:
    """Return each root key with its sentence and its default."""
    return "\n".join(_escaped(_keys()))


def _options() -> Iterator[str]:
    fields = Cell.model_fields
    groups = {group: str(fields[group].description) for group in GROUPS}
    others = {
        "experiment": "A study with a name.",
        "hydra/launcher": "Where the cells of a sweep run: also basic and joblib.",
        "hydra/sweeper": "Which cells a sweep has: by default all combinations.",
    }
    for group, title in {**groups, **others}.items():
        yield f"{group}: {title[:1].lower()}{title[1:].rstrip('.')}"
        for name, path in option_files(group).items():
            yield from _row(name, header_of(path).first_sentence)


def _keys() -> Iterator[str]:
    defaults = OmegaConf.to_container(OmegaConf.load(CONFIG_DIR / "config.yaml"), resolve=False)
    assert isinstance(defaults, dict)  # noqa: S101, the file is ours
    for name, field in Cell.model_fields.items():
        if name in GROUPS:
            continue
        if isinstance(defaults[name], dict):
            keys = ", ".join(key for key in defaults[name] if key != "_target_")
            yield from _row(f"{name}.*", f"{field.description} Keys: {keys}.")
        else:
            yield from _row(name, f"{field.description} ({_shown(defaults[name])})")


def _row(name: str, text: str) -> list[str]:
    start, indent = f"  {name:<{_NAME}} ", " " * (_NAME + 3)
    if len(name) > _NAME:  # a line of its own
        return [f"  {name}", *textwrap.wrap(text, _WIDTH, initial_indent=indent,
                                            subsequent_indent=indent)]  # fmt: skip
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=indent)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(str, value))}]"
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _escaped(lines: Iterator[str]) -> list[str]:
    return [line.replace("$", "$$") for line in lines]  # Hydra replaces $NAME in the text
