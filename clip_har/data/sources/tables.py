"""Rows of a user's CSV or Parquet table, with errors that name the line."""

import csv
import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name, whole_number

_LONGEST = 18  # letters of a whole number; more do not fit into 64 bits


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        table: the file.
        place: where the row stands in it, such as ``line 3``.
        values: by column name; text from CSV, any type from Parquet.
    """

    table: Path
    place: str
    values: dict[str, Any]

    def error(self, fault: str) -> ClipHarError:
        """Return the error that names the file and the row."""
        return ClipHarError(f"{self.table}, {self.place}: {fault}")

    def optional_text(self, column: str) -> str | None:
        """Return a value as a `plain_name` without outer spaces; None if it is empty or missing.

        Raises:
            ClipHarError: when it is several values, or bytes that are no text.
        """
        value = self.values.get(column)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        if isinstance(value, bytes):  # some writers of Parquet do not mark text as text
            try:
                value = value.decode()
            except UnicodeDecodeError as error:
                raise self.error(f"expected '{column}' as text, got bytes") from error
        if isinstance(value, list | dict):
            raise self.error(f"expected one value as '{column}', got {plain_name(repr(value)):.80}")
        return plain_name(str(value).strip()) or None

    def text(self, column: str) -> str:
        """Return a value as text.

        Raises:
            ClipHarError: when it is empty.
        """
        value = self.optional_text(column)
        if value is None:
            raise self.error(f"'{column}' is empty")
        return value

    def seconds(self, column: str) -> float | None:
        """Return a value as seconds, at least 0; None if it is empty.

        Raises:
            ClipHarError: when it is no number, negative or not finite.
        """
        text = self.optional_text(column)
        if text is None:
            return None
        value = _number(text)
        if not 0 <= value < math.inf:
            raise self.error(f"expected '{column}' in seconds, 0 or more, got '{text}'")
        return value

    def rate(self, column: str) -> float | None:
        """Return a value as frames per second, above 0; None if it is empty.

        Raises:
            ClipHarError: when it is no number, 0, negative or not finite.
        """
        text = self.optional_text(column)
        if text is None:
            return None
        value = _number(text)
        if not 0 < value < math.inf:
            raise self.error(f"expected '{column}' in frames per second, got '{text}'")
        return value

    def number(self, column: str) -> float:
        """Return a value as a finite number.

        Raises:
            ClipHarError: when it is empty, or no such number.
        """
        value = _number(self.text(column))
        if not math.isfinite(value):
            raise self.error(f"expected '{column}' as a number, got '{self.text(column)}'")
        return value

    def whole(self, column: str) -> int:
        """Return a value as a whole number, of at most eighteen letters.

        Raises:
            ClipHarError: when it is empty, or no such number.
        """
        text = self.text(column)
        value = whole_number(text) if len(text) <= _LONGEST else None
        if value is None:
            raise self.error(f"expected '{column}' as a whole number, got '{text}'")
        return value

    def path_below(self, column: str, root: Path) -> str:
        """Return a value as a relative path, as it is written.

        Args:
            column: its name.
            root: the folder that the path may not leave, for the message.

        Raises:
            ClipHarError: when it is empty, absolute or has ``..``.
        """
        text = self.text(column)
        # checks that know only this system's rules would miss Windows drives and backslashes
        if (
            PurePath(text).is_absolute()
            or PureWindowsPath(text).anchor
            or ".." in PureWindowsPath(text).parts
        ):
            raise self.error(f"expected a path below {root} without '..', got '{text}'")
        return text


def read_table(
    path: Path,
    *,
    required: tuple[str, ...],
    columns: tuple[str, ...] = (),
    delimiter: str = ",",
    may_be_empty: bool = False,
) -> Iterator[Row]:
    """Yield the rows of a CSV or, by its extension, Parquet file; blank CSV lines are skipped.

    Args:
        path: the file.
        required: columns that must be there; other columns are allowed.
        columns: the names of the columns of a CSV without a header.
        delimiter: between two values of a CSV; a blank stands for any blanks.
        may_be_empty: whether a table without a row is accepted.

    Raises:
        ClipHarError: when the file cannot be read, a column is missing, a row has too few or too
            many values, or there is no row.
    """
    if path.suffix.lower() in {".parquet", ".pq"}:
        rows = _parquet_rows(path)
    else:
        rows = _csv_rows(path, columns, delimiter)
    empty = True
    for row in rows:
        missing = [column for column in required if column not in row.values]
        if missing:
            raise ClipHarError(
                f"{path} has no column {', '.join(missing)}: expected {', '.join(required)}, "
                f"got {', '.join(map(str, row.values)) or 'nothing'}"
            )
        empty = False
        yield row
    if empty and not may_be_empty:
        expected = ", ".join(required or columns)
        raise ClipHarError(
            f"{path} has no rows: expected "
            + (f"the columns {expected}" if expected else "a table")
        )


def json_content(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        ClipHarError: when it cannot be read, is no JSON, or gives a name of an object twice: only
            one of the two values would be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_object)
    except (OSError, ValueError, RecursionError) as error:
        raise ClipHarError(f"{path} is not JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(
            name for name, count in Counter(name for name, _ in pairs).items() if count > 1
        )
        raise ValueError(f"'{plain_name(twice)}' stands twice in an object")
    return found


def _number(text: str) -> float:
    """Return a text as a number; NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _csv_rows(path: Path, columns: tuple[str, ...], delimiter: str) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = (" ".join(line.split()) for line in file) if delimiter == " " else file
            reader = csv.reader(lines, strict=True, delimiter=delimiter)
            header = [name.strip() for name in (list(columns) or next(reader, []))]
            _refuse_alike(path, header)
            expected = f"({' '.join(columns)})" if columns else "as in the header"
            for values in reader:
                if not values:
                    continue
                place = f"line {reader.line_num}"
                if len(values) != len(header):
                    raise ClipHarError(
                        f"{path}, {place}: expected {len(header)} values {expected}, "
                        f"got {len(values)}"
                    )
                if columns and [value.strip() for value in values] == header:
                    raise ClipHarError(
                        f"{path}, {place}: this is a header: leave out the names of the columns"
                    )
                yield Row(path, place, dict(zip(header, values, strict=True)))
    except OSError as error:
        raise ClipHarError(f"{path} cannot be read ({error.strerror})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise ClipHarError(f"{path} is not a CSV in UTF-8: {error}") from error


def _refuse_alike(path: Path, header: Sequence[str]) -> None:
    """Raise if two columns have one name: only one of them would be read."""
    alike = [name for name, count in Counter(header).items() if name and count > 1]
    if alike:
        raise ClipHarError(
            f"{path}: two columns are called '{plain_name(alike[0])}': rename or remove one"
        )


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise ClipHarError(f"{path} is not a Parquet file: {reason}") from error
    _refuse_alike(path, table.column_names)
    for number, values in enumerate(table.to_pylist(), 1):
        yield Row(path, f"row {number}", values)
