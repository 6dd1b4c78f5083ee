"""Classes that several data sets share: a table with a row per class, a column per data set."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path

from clip_har.core.errors import ClipHarError
from clip_har.core.names import listed, plain_name

SHIPPED = Path(__file__).with_name("class_tables")
"""The tables of this package."""

CLASS = "class"
_SEVERAL = "|"  # between the classes of a data set that form one class together
_REMARK = "#"


@dataclass(frozen=True)
class SharedClasses:
    """Classes that several data sets share.

    Attributes:
        where: names the table in messages.
        names: the C classes, as all data sets have them then; the index is the label.
        columns: by data set, for each class the classes of the data set that it is made of. Empty
            if all data sets have the classes under these names.
    """

    where: str
    names: tuple[str, ...]
    columns: Mapping[str, tuple[tuple[str, ...], ...]]

    def of(self, data: str) -> dict[str, tuple[str, ...]]:
        """Return, for each class, the classes of a data set that it is made of.

        Args:
            data: the name of the data set in reports. Its column is that whose name is the same, or
                its beginning up to a ``/``; the longest one counts.

        Raises:
            ClipHarError: when the table has no column for it.

        Example:
            >>> table = SharedClasses("t.csv", ("walk",), {"ucf101": (("WalkingWithDog",),)})
            >>> table.of("ucf101/test/split1")
            {'walk': ('WalkingWithDog',)}
        """
        if not self.columns:
            return {name: (name,) for name in self.names}
        found = [
            column
            for column in self.columns
            if f"{data}/".casefold().startswith(f"{column}/".casefold())
        ]
        if not found:
            raise ClipHarError(
                f"{self.where}: no column for the data set {data}, only for"
                f" {listed(list(self.columns))}: add one that is called {data.partition('/')[0]}"
            )
        return dict(zip(self.names, self.columns[max(found, key=len)], strict=True))


def shared_classes(given: str) -> SharedClasses:
    """Read a table of shared classes.

    A CSV with a header: ``class``, then a column for each data set under its name in reports
    (``ucf101``, or the beginning of the name up to a ``/``). A row names a class, and in each
    column the class of that data set; several that form one class together stand between ``|``.
    Without other columns all data sets have the classes under these names. Lines that begin with
    ``#`` are remarks.

    Args:
        given: the path of a table, or the name of one of the package's.

    Raises:
        ClipHarError: when it cannot be read, or a line of it is wrong.
    """
    path = _path(given)
    try:
        stat = path.stat()
    except OSError as error:
        raise ClipHarError(
            f"classes={given}: {path} cannot be read ({error.strerror}); tables of this package:"
            f" {listed(shipped())}"
        ) from error
    return _read(path, f"classes={given}", stat.st_size, stat.st_mtime_ns)


def shipped() -> list[str]:
    """Return the names of the package's tables."""
    return sorted(path.stem for path in SHIPPED.glob("*.csv"))


def _path(given: str) -> Path:
    own = SHIPPED / f"{given}.csv"
    return own if given in shipped() else Path(given).expanduser()


@lru_cache(maxsize=8)
def _read(path: Path, where: str, *_: int) -> SharedClasses:
    if not path.is_file():  # reading a pipe may never end
        raise ClipHarError(f"{where}: expected a table (CSV), and {path} is no file")
    lines = _lines(path, where)
    if not lines or CLASS not in lines[0][1]:
        raise ClipHarError(
            f"{where}: expected a header with the column {CLASS} and one for each data set, such as"
            f" {CLASS},ucf101,hmdb51"
        )
    header = lines[0][1]
    if "" in header or len({name.casefold() for name in header}) < len(header):
        raise ClipHarError(f"{where}: expected different names of columns, got {','.join(header)}")
    columns: dict[str, list[tuple[str, ...]]] = {name: [] for name in header if name != CLASS}
    names: dict[str, int] = {}
    used: dict[tuple[str, str], int] = {}
    for number, cells in lines[1:]:
        place = f"{where}, line {number}"
        if len(cells) != len(header):
            raise ClipHarError(f"{place}: expected {len(header)} values, got {len(cells)}")
        row = dict(zip(header, cells, strict=True))
        if not row[CLASS]:
            raise ClipHarError(f"{place}: expected a name in the column {CLASS}, got nothing")
        if (first := names.setdefault(row[CLASS], number)) != number:
            raise ClipHarError(f"{place}: the class {row[CLASS]} is in line {first}, too")
        for column, found in columns.items():
            found.append(_sources(row, column, place))
            for source in found[-1]:
                if (first := used.setdefault((column, class_key(source)), number)) != number:
                    raise ClipHarError(
                        f"{place}: {source} of {column} is also in line {first}: a class can be a"
                        " part of one class only"
                    )
    if len(names) < 2:
        raise ClipHarError(f"{where}: expected at least two classes, got {len(names)}")
    return SharedClasses(
        where, tuple(names), {column: tuple(found) for column, found in columns.items()}
    )


def _lines(path: Path, where: str) -> list[tuple[int, list[str]]]:
    """Return the cells of each line that is neither empty nor a remark, with its number from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.lstrip().startswith(_REMARK):
                (cells,) = csv.reader(StringIO(line), strict=True)
                found.append((number, [plain_name(cell.strip()) for cell in cells]))
    except (OSError, UnicodeDecodeError) as error:
        raise ClipHarError(f"{where}: expected a table (CSV) in UTF-8 ({error})") from error
    except csv.Error as error:
        raise ClipHarError(f"{where}, line {number}: expected CSV ({error})") from error
    return found


def _sources(row: Mapping[str, str], column: str, place: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in row[column].split(_SEVERAL))
    if "" in found:
        raise ClipHarError(
            f"{place}: {row[CLASS]} has no class of {column}: a class that a data set lacks cannot"
            " be compared; remove the line, or the column"
        )
    twice = [source for source in found if _count(source, found) > 1]
    if twice:
        raise ClipHarError(f"{place}: {twice[0]} of {column} stands there twice")
    return found


def _count(source: str, sources: Sequence[str]) -> int:
    return sum(class_key(source) == class_key(other) for other in sources)


def class_key(name: str) -> str:
    """Return what two spellings of a class have in common: letters and digits, in lower case.

    Copies of a data set write ``riding a bike`` or ``riding_a_bike``.

    Example:
        >>> class_key("HandstandPushups"), class_key("riding_a bike")
        ('handstandpushups', 'ridingabike')
    """
    return "".join(letter for letter in name.casefold() if letter.isalnum()) or name
