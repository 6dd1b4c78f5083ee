"""Errors of Hydra and OmegaConf in one line: what was expected, what came, what to do."""

import difflib
import re
from functools import cache

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from clip_har.config.cell import GROUPS
from clip_har.config.compose import CONFIG_DIR, settings_class, value_fault
from clip_har.config.options import option_files

_MARKS = " \\'\""  # what surrounds an entry of a list


def composition_fault(error: Exception) -> str:
    """Return one line about an error that Hydra or OmegaConf raised."""
    if isinstance(error, MissingConfigException):
        return _missing_option(error)
    if isinstance(error, OverrideParseException):
        return _unreadable(error)
    return _composition(error)


def other_sweeper(name: str) -> str:
    """Return one line about a sweeper that chooses values while the sweep runs."""
    return (
        f"hydra/sweeper={name}: all cells of a sweep are checked before the first one runs, so its"
        " values must be listed, such as ratio=0.1,0.2,0.3 without hydra/sweeper, or in a table"
        " (hydra/sweeper=table hydra.sweeper.file=cells.csv)"
    )


def _unreadable(error: OverrideParseException) -> str:
    """Name an override that breaks Hydra's grammar, and show how to write it."""
    override = str(error.override)
    key, sign, value = override.partition("=")
    if not sign:
        return f"{override}: expected a setting as KEY=VALUE, such as ratio=0.3"
    text = value.strip("'\"")
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    inside = f"{key}='{quoted}'"
    if text.startswith("[") and text.endswith("]"):
        entries = ",".join(f"'{part.strip(_MARKS)}'" for part in quoted[1:-1].split(","))
        inside = f"{key}=[{entries}]"
    return (
        f"{override}: this value has signs that must stand in quotes, such as brackets, braces or"
        f" letters beyond ASCII: write {_for_shell(inside)}, with both kinds of quotes"
    )


def _for_shell(override: str) -> str:
    """Return an override in double quotes, as shells take it."""
    return '"' + re.sub(r'(["$`\\])', r"\\\1", override) + '"'


def _missing_option(error: MissingConfigException) -> str:
    wanted = str(error.missing_cfg_file)
    group, _, option = wanted.partition("/")
    # Hydra lists one folder; options such as experiment=paper/masking are in subfolders.
    if wanted.startswith("hydra/sweeper/"):
        return other_sweeper(wanted.rpartition("/")[2])
    known = [] if group == "hydra" else list(option_files(group))
    if not known:
        group, _, option = wanted.rpartition("/")
        known = sorted(error.options or [])
    if not group or not known:
        return " ".join(str(error).split())
    near = difflib.get_close_matches(option, known, n=1)
    hint = f"; did you mean {group}={near[0]}?" if near else ","  # before a list that may be long
    return f"{group}={option}: no such option{hint} expected one of {', '.join(known)}"


def _composition(error: Exception) -> str:
    text = str(error)
    cause = error.__cause__
    if several := re.search(r"Ambiguous value for argument '([^']+)'", text):
        key = several[1].partition("=")[0]
        return (
            f"{several[1]}: several values make a sweep: add -m (python -m clip_har -m …), or give"
            f" one value, or a list in brackets ({key}=[…])"
        )
    if key := re.search(r"Could not override '([^']+)'", text):
        entry = str(getattr(cause, "full_key", ""))
        if "." in key[1] and entry.startswith(f"{key[1]}."):  # a mapping of the user's own names
            return f"{entry}: {key[1]} has no such entry; add it with +{entry}=…"
        return _unknown_key(key[1])
    if isinstance(cause, OmegaConfBaseException) and "merging override" in text:
        override = text.split("merging override", 1)[1].strip()
        reason = str(cause).splitlines()[0]
        return f"{override}: {reason[:1].lower()}{reason[1:]}"
    if isinstance(error, OmegaConfBaseException):
        return value_fault(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if isinstance(cause, OmegaConfBaseException):
        lines.append(str(cause).splitlines()[0])
    return " ".join(lines)


def _unknown_key(key: str) -> str:
    return f"{key}: there is no such key{_hint(key) or '; --cfg job lists the keys'}"


def _hint(key: str) -> str:
    """Say which key was meant: one of the same name comes before one of similar letters."""
    parent, _, name = key.rpartition(".")
    known = [
        other
        for other in _known_keys()
        if other not in (key, parent) and not other.endswith("_target_")
    ]
    if name in known:
        return f"; did you mean {name}?"
    options = _keys_of_options()
    if key in options:
        return f"; it is a key of {options[key]}"
    same = [other for other in known if other.rpartition(".")[2] == name]
    same += [f"{other} ({of})" for other, of in options.items() if other.endswith(f".{name}")]
    if same:
        return f"; did you mean {' or '.join(same[:3])}?"
    near = difflib.get_close_matches(key, [*known, *options], n=1)
    return "".join(
        f"; did you mean {one}{f' ({options[one]})' if one in options else ''}?" for one in near
    )


def _keys_of_options() -> dict[str, str]:
    """Return the keys of all options that are not the default ones, with the options' names."""
    default, found = set(_known_keys()), dict[str, list[str]]()
    for group in GROUPS:
        for option, path in option_files(group).items():
            target = OmegaConf.select(OmegaConf.load(path), "_target_")
            if target is None:  # it changes a few keys of another option
                continue
            for name in settings_class(str(target), group).model_fields:
                if f"{group}.{name}" not in default:
                    found.setdefault(f"{group}.{name}", []).append(option)
    return {key: f"{key.partition('.')[0]}={', '.join(names)}" for key, names in found.items()}


@cache
def _known_keys() -> list[str]:
    """Return the keys of the default configuration, joined by dots."""
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
            config = compose("config")
    finally:
        GlobalHydra.instance().hydra = outer

    keys: list[str] = []

    def walk(node: DictConfig, prefix: str) -> None:
        for key in node:
            path = f"{prefix}{key!s}"
            keys.append(path)
            child = node._get_node(key)  # as written: not resolved
            if isinstance(child, DictConfig) and not child._is_none():
                walk(child, f"{path}.")

    walk(config, "")
    return keys
