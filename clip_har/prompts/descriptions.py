"""Texts that a user gives for each class of a data set, such as a language model's descriptions."""

import difflib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.prompts.label_map import name_text, read_rows, read_text
from clip_har.prompts.spelling import spaced

KEY = "prompts.descriptions"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_NAMED = 3  # classes in a message


def class_descriptions(path: Path, classes: Sequence[str]) -> list[list[str]]:
    """Return the texts of each class.

    A class is found by the data set's own name, or by its words: ``apply eye makeup`` is
    ``ApplyEyeMakeup``. Each class has at least one text and no text twice; how many may differ.

    Args:
        path: JSON, an object of lists or texts by class; or CSV or TSV of two columns, class and
            text, in which a class may have several rows.
        classes: C class names of the data set, in class order.

    Raises:
        ClipHarError: when the file cannot be read, a class has no text, an entry is no class of the
            data set, two entries are the same class, or a class has a text twice.
    """
    where = f"{KEY}={path}"
    suffix = path.suffix.lower()
    if suffix == ".json":
        found = _read_json(path, where)
    elif suffix in _DELIMITERS:
        found = _read_rows(path, _DELIMITERS[suffix], where)
    else:
        raise ClipHarError(f"{where}: expected a JSON, CSV or TSV file, got {path.name}")
    own = _classes_by_entry(found, classes, where)
    texts = {own[entry]: found[entry] for entry in found}
    if missing := [name for name in classes if name not in texts]:
        raise ClipHarError(
            f"{where}: no text for {len(missing)} of the {len(classes)} classes: {_some(missing)};"
            " add one for each"
        )
    for name, given in texts.items():
        if twice := next((text for text in given if given.count(text) > 1), None):
            raise ClipHarError(f"{where}: {name} has the same text twice: '{twice}'")
    return [texts[name] for name in classes]


def _classes_by_entry(entries: Iterable[str], classes: Sequence[str], where: str) -> dict[str, str]:
    """Return the class that each entry of the file names."""
    by_words: dict[str, list[str]] = {}
    for name in classes:
        by_words.setdefault(spaced(name), []).append(name)
    found: dict[str, str] = {}
    unknown = []
    for entry in entries:
        plain = plain_name(entry.strip())
        alike = [plain] if plain in classes else by_words.get(spaced(plain), [])
        if len(alike) != 1:
            unknown.append(entry)
        elif alike[0] in found.values():
            raise ClipHarError(f"{where}: {alike[0]} has two entries; give its texts in one")
        else:
            found[entry] = alike[0]
    if unknown:
        near = difflib.get_close_matches(unknown[0], classes, n=1)
        hint = f"; did you mean {near[0]} by {unknown[0]}?" if near else ""
        raise ClipHarError(
            f"{where}: {len(unknown)} entries are no class of the data set: {_some(unknown)}; leave"
            f" them out, or write them as the data set does{hint}"
        )
    return found


def _read_json(path: Path, where: str) -> dict[str, list[str]]:
    try:
        content = json.loads(read_text(path, KEY), object_pairs_hook=list)
        if not (isinstance(content, list) and all(isinstance(pair, tuple) for pair in content)):
            raise ValueError("expected an object of texts by class")
        found: dict[str, list[str]] = {}
        for name, given in content:
            if name in found:
                raise ValueError(f"'{name}' occurs twice")
            found[name] = _texts(name, given)
    except (ValueError, RecursionError) as error:
        raise ClipHarError(f"{where}: expected JSON such as {{'walk': ['…']}} ({error})") from error
    return found


def _texts(name: str, given: Any) -> list[str]:
    """Return the texts of a class.

    Raises:
        ValueError: when there is none, or one is empty or no text.
    """
    if not given:
        raise ValueError(f"'{name}' has no text")
    try:
        return [name_text(text) for text in (given if isinstance(given, list) else [given])]
    except ValueError as error:
        raise ValueError(f"a text of '{name}': {error}") from error


def _read_rows(path: Path, delimiter: str, where: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, cells in enumerate(read_rows(path, KEY, delimiter), 1):
        if number == 1 and [cell.lower() for cell in cells] == ["class", "text"]:
            continue
        if len(cells) != 2 or not all(cells):
            raise ClipHarError(
                f"{where}, row {number}: expected two values, a class and a text, got {len(cells)}"
                f"{' or an empty one' if len(cells) == 2 else ''}; quote a text that has a"
                f" {'comma' if delimiter == ',' else 'tab'}"
            )
        found.setdefault(cells[0], []).append(cells[1])
    return found


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
