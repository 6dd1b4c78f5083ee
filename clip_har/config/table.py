"""A sweep without a cross product: a table with one cell a row, whose columns override keys."""

import csv
from collections.abc import Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from clip_har.core.errors import ClipHarError

FILE = "hydra.sweeper.file"
"""The key that names the table."""


def table_jobs(
    file: Path, params: Sequence[str], typed: Sequence[str], loader: ConfigLoader
) -> list[list[str]]:
    """Return the overrides of each row's cell.

    An empty entry overrides nothing. What was typed holds for all rows, and so does what an
    experiment sweeps, unless a column has the same key.

    Args:
        file: the table, CSV with a header.
        params: overrides of the experiment.
        typed: overrides of the command line.
        loader: the loader of the configuration.

    Raises:
        ClipHarError: for the first thing that is wrong with the table, or that contradicts it.
    """
    keys, rows = _read(file)
    common = {_key(one): one for one in params if _key(one) not in keys}
    for one in typed:
        if _key(one) in keys:
            raise ClipHarError(
                f"{one}: {_key(one)} is also a column of {file}: leave out one of the two"
            )
        common[_key(one)] = one
    parser = OverridesParser.create(config_loader=loader)
    shared = list(common.values())
    for text, override in zip(shared, parser.parse_overrides(shared), strict=True):
        if override.is_sweep_override():
            raise ClipHarError(
                f"{text}: several values, and a table has one cell a row: add the column"
                f" {_key(text)} to {file}"
            )
    return [
        [*shared, *(_checked(parser, one, f"{file}, row {number}") for one in words)]
        for number, words in rows
    ]


def _read(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the columns, and each row's line number with its overrides."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.reader(lines, skipinitialspace=True, strict=True)
            found = [(reader.line_num, [entry.strip() for entry in row]) for row in reader]
    except OSError as error:
        raise ClipHarError(f"{FILE}={file}: it cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ClipHarError(f"{FILE}={file}: expected CSV in UTF-8 ({error})") from error
    found = [(number, row) for number, row in found if any(row)]
    if len(found) < 2:
        raise ClipHarError(
            f"{FILE}={file}: expected a line of keys, such as masking,ratio, then one line a cell"
        )
    (_, header), *rows = found
    _check_header(file, header)
    seen: dict[tuple[str, ...], int] = {}
    jobs = []
    for number, row in rows:
        if len(row) != len(header):
            raise ClipHarError(
                f"{file}, row {number}: expected {len(header)} values, as the header has, got"
                f" {len(row)}; a value with a comma stands in double quotes"
            )
        if (first := seen.setdefault(tuple(row), number)) != number:
            raise ClipHarError(f"{file}, row {number}: equal to row {first}: remove one of them")
        pairs = zip(header, row, strict=True)
        jobs.append((number, [f"{key}={value}" for key, value in pairs if value]))
    return [key.lstrip("+") for key in header], jobs


def _check_header(file: Path, header: Sequence[str]) -> None:
    for number, key in enumerate(header, start=1):
        if not key or any(sign in key for sign in "=;\t ") or key.startswith("~"):
            raise ClipHarError(
                f"{file}, column {number}: expected a key, such as ratio or frames.count, got"
                f" {key!r}; columns are separated by commas"
            )
        if key.startswith("hydra"):
            raise ClipHarError(
                f"{file}, column {key}: it holds for the whole sweep: add it to the command"
            )
        if header.index(key) != number - 1:
            raise ClipHarError(f"{file}: there are two columns {key}: remove one of them")


def _checked(parser: OverridesParser, override: str, place: str) -> str:
    """Return an override that Hydra can read, with one value."""
    try:
        found: Override = parser.parse_override(override)
    except HydraException as error:
        raise ClipHarError(
            f"{place}: {override} cannot be read: write a text with other signs than letters,"
            " digits and -_./:+ in single quotes"
        ) from error
    if found.is_sweep_override():
        raise ClipHarError(
            f"{place}: {override} has several values: give each a row, or write a list in brackets"
        )
    return override


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")
