"""Class names that a user gives without a data set: in one line, or in a file."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.prompts.label_map import name_text, read_lines

_NUMBERED = re.compile(r"(\d+)\s+(\S.*)", re.ASCII)


def classes_in_line(line: str, where: str) -> tuple[str, ...]:
    """Return the class names of a line; empty for an empty line.

    Args:
        line: names with commas between them.
        where: what gives the line, for messages.

    Raises:
        ClipHarError: when there is one, or one stands there twice.

    Example:
        >>> classes_in_line("riding a bike, fencing", "own classes")
        ('riding a bike', 'fencing')
    """
    names = [part.strip() for part in line.split(",") if part.strip()]
    if len(names) == 1:
        raise ClipHarError(
            f"{where}: expected at least two names with commas between them, got {names[0]}"
        )
    return _checked(names, where)


def classes_in_file(path: Path, where: str) -> tuple[str, ...]:
    """Return the class names of a file: one on each line, or a list in JSON.

    If the lines are numbered in order from 0 or 1, each with a number and a blank, as UCF-101's
    ``classInd.txt``, the numbers do not belong to the names. Other numbers do, such as those of
    ``100 m`` and ``400 m``.

    Args:
        path: the file.
        where: what names the file, for messages.

    Raises:
        ClipHarError: when it cannot be read, has fewer than two names, or one of them twice.
    """
    lines = read_lines(path, where)
    if path.suffix.lower() == ".json":
        try:
            content = json.loads("\n".join(lines))
            if not isinstance(content, list):
                raise ValueError(f"got {type(content).__name__}")
            lines = [name_text(name) for name in content]
        except ValueError as error:
            raise ClipHarError(
                f"{where}={path}: expected a JSON list of names ({error})"
            ) from error
    else:
        lines = _without_numbers(lines)
    if len(lines) < 2:
        raise ClipHarError(f"{where}={path}: expected at least two names, one on each line")
    return _checked(lines, f"{where}={path}")


def _without_numbers(lines: list[str]) -> list[str]:
    """Return the lines without their numbers, if they are numbered in order from 0 or 1."""
    matches = [_NUMBERED.fullmatch(line) for line in lines]
    numbered = [(int(match[1]), match[2]) for match in matches if match]
    counted = [number for number, _ in numbered]
    in_order = counted in (list(range(len(lines))), list(range(1, len(lines) + 1)))
    return [name for _, name in numbered] if in_order else lines


def _checked(names: Sequence[str], where: str) -> tuple[str, ...]:
    plain = tuple(map(plain_name, names))
    seen: set[str] = set()
    for name in plain:
        if name.casefold() in seen:
            raise ClipHarError(f"{where}: {name} stands there more than once")
        seen.add(name.casefold())
    return plain
