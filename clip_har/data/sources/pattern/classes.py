"""The classes of a data set that is read by a pattern."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from clip_har.core.errors import ClipHarError
from clip_har.core.names import class_order, plain_name, whole_number
from clip_har.data.sources.files import text_lines
from clip_har.data.sources.pattern.rules import Key, name_key
from clip_har.data.sources.tables import json_content

_NUMBERED = re.compile(r"(\d+)[\s,;:.]+(\S.*)", re.ASCII)
# What the first line of a CSV of classes calls its columns.
_HEADER = {"class", "class_id", "class_name", "classes", "id", "index", "label", "name", "number"}


@dataclass(frozen=True)
class Classes:
    """Class names in the order of their labels, and the labels that mean them.

    Attributes:
        names: C names.
        by_key: the index of a class by `name_key` of each label.
        source: where the names come from, for messages.
    """

    names: tuple[str, ...]
    by_key: Mapping[Key, int]
    source: str

    @classmethod
    def of_pairs(cls, pairs: Iterable[tuple[str, str]], source: str) -> Self:
        """Make the classes from pairs of a label and a name, in class order.

        A class is found by its label and by its name. Several labels may mean one class.

        Raises:
            ClipHarError: when a label has two names, or there are none.
        """
        names: list[str] = []
        by_key: dict[Key, int] = {}
        pairs = list(pairs)
        for label, name in pairs:
            if not name.strip():
                raise ClipHarError(f"{source}: the class of label {label} has no name")
            if plain_name(name) not in names:
                names.append(plain_name(name))
            number = names.index(plain_name(name))
            if by_key.setdefault(name_key(label), number) != number:
                raise ClipHarError(f"{source}: label {label} has two names")
        for number, name in enumerate(names):
            by_key.setdefault(name_key(name), number)
        if not names:
            raise ClipHarError(f"{source}: expected class names, got none")
        return cls(tuple(names), by_key, source)

    @classmethod
    def found(cls, labels: Iterable[str]) -> Self:
        """Make the classes from the labels of all clips: sorted, numbers by value."""
        first: dict[Key, str] = {}
        for label in sorted(set(labels)):
            first.setdefault(name_key(label), label)
        names = class_order(first.values())
        return cls(names, {name_key(name): i for i, name in enumerate(names)}, "the clips")

    def restricted(self, labels: set[Key] | None) -> Self:
        """Return only the classes that some labels mean; all if that is None."""
        if labels is None:
            return self
        kept = sorted({self.by_key[key] for key in labels if key in self.by_key})
        place = {number: i for i, number in enumerate(kept)}
        by_key = {key: place[number] for key, number in self.by_key.items() if number in place}
        return type(self)(tuple(self.names[number] for number in kept), by_key, self.source)


def given_classes(given: Mapping[str, str] | Sequence[str] | Path, root: Path) -> Classes:
    """Return the classes that a configuration gives.

    Args:
        given: names by label; or names in class order; or a file, below ``root`` or elsewhere:
            JSON (a list of names, or an object of names by label or numbers by name), or lines of
            a name, or of a number and a name.
        root: the folder of the data set.

    Raises:
        ClipHarError: when the file is missing or malformed.
    """
    where = "dataset.classes"
    if isinstance(given, Mapping):
        return Classes.of_pairs(given.items(), where)
    if not isinstance(given, Path):
        return Classes.of_pairs([(name, name) for name in given], where)
    path = root / given.expanduser()
    if not path.is_file():
        path = given.expanduser().absolute()
    if not path.is_file():
        raise ClipHarError(
            f"{root / given} does not exist: expected a list of classes; set dataset.classes"
        )
    if path.suffix.lower() == ".json":
        return Classes.of_pairs(_json_pairs(path), str(path))
    return Classes.of_pairs(text_pairs(path), str(path))


def _json_pairs(path: Path) -> list[tuple[str, str]]:
    content = json_content(path)
    if isinstance(content, list):
        if not all(isinstance(name, str | int) for name in content):
            raise ClipHarError(f"{path}: expected a JSON list of names, or an object of names")
        content = {name: name for name in map(str, content)}
    if not isinstance(content, dict) or any(isinstance(v, dict | list) for v in content.values()):
        raise ClipHarError(f"{path}: expected a JSON list of names, or an object of names")
    pairs = [(str(label), str(name)) for label, name in content.items()]
    # {"walk": "0"}: the number is the label
    if pairs and all(whole_number(value) is not None for _, value in pairs):
        pairs = [(value, label) for label, value in pairs]
    return _by_number(pairs)


def text_pairs(path: Path) -> list[tuple[str, str]]:
    """Return the labels and names of a text file of classes.

    Its lines are names, each its own label; or a number and a name, sorted by number then. A CSV
    may have a header, and may name labels that are no numbers, or the number after the name.

    Raises:
        ClipHarError: when it cannot be read, or a line differs from the others.
    """
    lines = text_lines(path)
    if path.suffix.lower() == ".csv":
        cells = _csv_cells(path, lines)
        if cells and len(cells[0][1]) == 2:
            return _by_number([(first, second) for _, (first, second) in cells])
        lines = [(number, name) for number, (name,) in cells]
    numbered = [(number, _NUMBERED.fullmatch(line)) for number, line in lines]
    if 2 * sum(found is not None for _, found in numbered) <= len(lines):
        return [(line, line) for _, line in lines]
    for (number, found), (_, line) in zip(numbered, lines, strict=True):
        if found is None:
            raise ClipHarError(
                f"{path}, line {number}: expected a number and a name as in other lines, got"
                f" '{line}'"
            )
    return _by_number([(found[1], found[2]) for _, found in numbered if found])


def _csv_cells(path: Path, lines: list[tuple[int, str]]) -> list[tuple[int, list[str]]]:
    """Return the cells of each line below the header: one, or two of which the first is the label.

    Raises:
        ClipHarError: when a line is no CSV, or has another number of cells.
    """
    cells: list[tuple[int, list[str]]] = []
    for number, line in lines:
        try:
            (row,) = csv.reader([line], strict=True)
        except csv.Error as error:
            raise ClipHarError(f"{path}, line {number}: expected CSV ({error})") from error
        cells.append((number, [cell.strip() for cell in row]))
        width = len(cells[0][1])
        if len(row) != width or width > 2:
            expected = "a name" if width == 1 else "a label and a name"
            raise ClipHarError(
                f"{path}, line {number}: expected {expected}, got {len(row)} values: a name with a"
                " comma needs quotes"
            )
    if not cells:
        return cells
    head, rest = cells[0][1], cells[1:]
    if {cell.casefold() for cell in head} <= _HEADER:
        cells = rest
    # numbers in one column, and a name above them
    numeric = [bool(rest) and all(_is_number(row[i]) for _, row in rest) for i in range(len(head))]
    if len(head) == 2 and any(numeric):
        place = numeric.index(True)
        cells = cells if _is_number(head[place]) else rest
        cells = [(number, [row[place], row[1 - place]]) for number, row in cells]
    return cells


def _is_number(text: str) -> bool:
    return whole_number(text) is not None


def _by_number(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Sort pairs whose labels are all numbers."""
    numbers = [whole_number(label) for label, _ in pairs]
    if any(number is None for number in numbers):
        return pairs
    return sorted(pairs, key=lambda pair: whole_number(pair[0]) or 0)
