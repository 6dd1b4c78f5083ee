"""The options of each group, read from their files in ``conf/``."""

import re
from dataclasses import dataclass
from pathlib import Path

from omegaconf import OmegaConf

from clip_har.config.compose import CONFIG_DIR

_COMMAND = re.compile(r"python -m|(?:model|dataset)=|--\w")
_KEY = re.compile(r"(\w+):(?:[^#]*\s#\s*(.*))?")  # of the top level, with its comment


@dataclass(frozen=True)
class Header:
    """The comment at the head of a YAML file.

    Attributes:
        text: what the file is.
        commands: the commands that use it, one per line.
    """

    text: str
    commands: str

    @property
    def first_sentence(self) -> str:
        """The text up to its first full stop (left out) or question mark."""
        return re.split(r"(?<=[.?])(?<!et al\.)\s", self.text, maxsplit=1)[0].removesuffix(".")


def option_files(group: str) -> dict[str, Path]:
    """Return the file of each option of a group; files that begin with ``_`` are not options.

    Args:
        group: a folder of ``conf/``, such as ``masking`` or ``hydra/launcher``.

    Example:
        >>> list(option_files("tracking"))
        ['mlflow', 'none']
    """
    folder = CONFIG_DIR / group
    files = sorted(path for path in folder.rglob("*.yaml") if not path.name.startswith("_"))
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}


def header_of(path: Path) -> Header:
    """Return the comment at the head of a YAML file.

    Args:
        path: the file.
    """
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if "@package" not in line:
            lines.append(line.removeprefix("#").strip())
    commands = [line for line in lines if _COMMAND.match(line)]
    text = " ".join(line for line in lines if line not in commands)
    return Header(text, "\n".join(commands))


def key_comments(group: str, option: str) -> dict[str, str]:
    """Return what the file of an option says beside each of its keys.

    For a key of a file that it extends, that file's words come last.

    Args:
        group: a folder of ``conf/``.
        option: one of its options.

    Example:
        >>> key_comments("masking", "percent")["patch"]
        'side of a patch in pixels, 1 … 64'
    """
    path = CONFIG_DIR / group / f"{option}.yaml"
    extended = OmegaConf.select(OmegaConf.load(path), "defaults") or []
    names = [str(name).partition("@")[0] for name in extended]
    found = _own_comments(path)
    for name in reversed(names):
        if path.with_name(f"{name}.yaml").is_file():
            for key, text in key_comments(group, name).items():
                found[key] = "; ".join(part for part in (found.get(key), text) if part)
    return found


def _own_comments(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    key = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := _KEY.match(line):
            key = match[1]
            found[key] = match[2] or ""
        elif key and line.lstrip().startswith("#") and line[0] == " ":  # it goes on
            found[key] += " " + line.lstrip("# ")
        else:
            key = ""
    return {key: text for key, text in found.items() if text}
