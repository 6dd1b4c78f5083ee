"""Names that a user gives to the classes of a data set."""

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name, whole_number

_KEY = "prompts.class_names"
_NUMBERED = re.compile(r"([+-]?\d+)\s+(\S.*)", re.ASCII)
_OTHER_FORMATS = (".yaml", ".yml", ".toml")


def name_text(value: object) -> str:
    """Return a name of JSON or YAML as text: these read some names as numbers.

    Raises:
        ValueError: when it is empty or no name, such as null, true or an object.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)
    if isinstance(value, str) and (text := value.strip()):
        return text
    raise ValueError(f"expected a name (text that is not empty, or a number), got {value!r}")


def given_names(
    given: Mapping[str, str] | Sequence[str] | Path, classes: Sequence[str]
) -> list[str]:
    """Return the given name of each class.

    Args:
        given: a mapping, or names in class order, or a file with either: a JSON object, a list in
            JSON, a CSV or TSV of two columns, a text of one name a line. In a mapping the classes
            may come first or second, as in ``{"walk": 0}``; further entries, such as the header of
            a CSV, are ignored. Numbers are compared by value: ``01`` is ``1``. A text in which each
            line begins with a whole number and a blank (``1 ApplyEyeMakeup``) is a mapping, too:
            the number is the class, not its place in the list.
        classes: C class names of the data set, in class order.

    Raises:
        ClipHarError: when the file cannot be read, or a class has no name or two, or an empty one.
    """
    if isinstance(given, Mapping):
        return _mapped(list(given.items()), classes, _KEY)
    if not isinstance(given, Path):
        return _in_order(given, classes, _KEY)
    where = f"{_KEY}={given}"
    match given.suffix.lower():
        case ".json":
            content = _read_json(given)
            if isinstance(content, dict):
                return _mapped(list(content.items()), classes, where)
            return _in_order(content, classes, where)
        case ".csv":
            return _mapped(_read_pairs(given, ","), classes, where)
        case ".tsv":
            return _mapped(_read_pairs(given, "\t"), classes, where)
        case suffix if suffix in _OTHER_FORMATS:
            raise ClipHarError(
                f"{where}: {suffix} is not read: expected a JSON, CSV, TSV or text file"
            )
        case _:
            lines = read_lines(given, _KEY)
            numbered = [(m[1], m[2]) for line in lines if (m := _NUMBERED.fullmatch(line))]
            if len(numbered) == len(lines):
                # never the other way round: a number is no name for a class of words
                return _names(_table(numbered, where, classes), classes, where)
            return _in_order(lines, classes, where)


def _in_order(names: Sequence[str], classes: Sequence[str], where: str) -> list[str]:
    if len(names) != len(classes):
        raise ClipHarError(
            f"{where}: expected {len(classes)} names, one a class in class order, got {len(names)}"
        )
    return list(names)


def _mapped(pairs: Iterable[tuple[str, str]], classes: Sequence[str], where: str) -> list[str]:
    """Look the classes up in the first entries of pairs, or else in the second."""
    pairs = list(pairs)
    tables = [_table(pairs, where, classes), _table([(b, a) for a, b in pairs], where, classes)]
    return _names(max(tables, key=len), classes, where)  # the first if both know as many


def _names(table: dict[str | int, str], classes: Sequence[str], where: str) -> list[str]:
    """Return the name of each class in a table."""
    missing = [name for name in classes if not table.get(_key(name))]
    if missing:
        raise ClipHarError(
            f"{where}: no name for {len(missing)} of the {len(classes)} classes, such as"
            f" {missing[0]}: expected the data set's class names beside their new names"
        )
    return [table[_key(name)] for name in classes]


def _table(
    pairs: Sequence[tuple[str, str]], where: str, classes: Sequence[str]
) -> dict[str | int, str]:
    """Return the names of the classes by class."""
    wanted = {_key(name) for name in classes}
    table: dict[str | int, str] = {}
    for name, given in pairs:
        key = _key(name)
        if key in wanted and table.setdefault(key, given) != given:
            raise ClipHarError(f"{where}: {name} has two names, '{table[key]}' and '{given}'")
    return table


def _key(name: str) -> str | int:
    plain = plain_name(name.strip())
    value = whole_number(plain)
    return plain if value is None else value


def _read_json(path: Path) -> dict[str, str] | list[str]:
    where = f"{_KEY}={path}"
    try:
        content = json.loads(read_text(path, _KEY), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise ClipHarError(f"{where}: expected JSON ({error})") from error
    try:
        if isinstance(content, dict):
            return {key: name_text(name) for key, name in content.items()}
        if isinstance(content, list):
            return [name_text(name) for name in content]
    except ValueError as error:
        raise ClipHarError(f"{where}: {error}") from error
    raise ClipHarError(f"{where}: expected a JSON object or list of names")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make the dict of a JSON object; of two equal keys `json` would keep the last."""
    content = dict(pairs)
    if len(content) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"'{twice}' occurs twice")
    return content


def _read_pairs(path: Path, delimiter: str) -> list[tuple[str, str]]:
    pairs = []
    for number, row in enumerate(read_rows(path, _KEY, delimiter), 1):
        if len(row) != 2:
            raise ClipHarError(
                f"{_KEY}={path}, row {number}: expected two values, a class and its name, got"
                f" {len(row)}"
            )
        pairs.append((row[0], row[1]))
    return pairs


def read_rows(path: Path, key: str, delimiter: str) -> list[list[str]]:
    """Return the rows of a user's table that are not empty.

    Args:
        path: the file, see `read_text`.
        key: the configuration key that names it, for messages.
        delimiter: between two cells.

    Returns:
        The cells of each row, without outer spaces; lines of one cell are joined by a space.

    Raises:
        ClipHarError: as `read_text`, and when a quote does not end.
    """
    rows = csv.reader(StringIO(read_text(path, key)), delimiter=delimiter, strict=True)
    try:
        return [[" ".join(cell.split()) for cell in row] for row in rows if "".join(row).strip()]
    except csv.Error as error:
        raise ClipHarError(f"{key}={path}, line {rows.line_num}: no table ({error})") from error


def read_lines(path: Path, key: str) -> list[str]:
    """Return the lines of a user's text file that are not blank, without outer spaces.

    Args:
        path: the file; ``~`` expands.
        key: the configuration key that names it, for messages.

    Raises:
        ClipHarError: when it is missing, empty, no regular file or not UTF-8.
    """
    return [line.strip() for line in read_text(path, key).splitlines() if line.strip()]


def read_text(path: Path, key: str) -> str:
    """Return the content of a user's text file.

    Args:
        path: the file; ``~`` expands.
        key: the configuration key that names it, for messages.

    Raises:
        ClipHarError: when it is missing, empty, no regular file or not UTF-8.
    """
    file = path.expanduser()
    try:
        if file.exists() and not file.is_file():  # reading a pipe may never end
            raise OSError("no regular file")
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ClipHarError(f"{key}={path}: cannot be read ({reason})") from error
    if not text.strip():
        raise ClipHarError(f"{key}={path}: expected one entry a line, got an empty file")
    return text
