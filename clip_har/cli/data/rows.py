"""The table of a check: a row per clip, what is wrong, and what is unusual."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from clip_har.core.atomic import whole_file


@dataclass
class ClipRow:
    """One row of the table: a clip of the data set, or a file that does not belong to it.

    Attributes:
        clip: path below the folder of the clips; for a missing clip, its name in the lists.
        class_name: its label, or the folder of an extra file.
        group: its group.
        parts: the parts of splits that it is in, joined by spaces.
        status: ``ok``, ``missing``, ``extra``, ``undecodable``, ``misplaced`` (in the folder of
            another class, or named after one), ``unread`` (the file exists, but under a name or
            in a folder where ``dataset=`` does not find it) or ``beyond`` (its section ends after
            its video).
        reason: why it is not ok, or what is unusual about its name.
        frames: number of frames that decode.
        fps: frames a second, from the container.
        width: px.
        height: px.
        bar_top: rows at the upper edge that are black in the whole clip, px.
        bar_bottom: px.
        bar_left: px.
        bar_right: px.
        bytes: size of the file.
        duplicate_of: another file with the same bytes, empty if there is none.
        images: what is unusual about the images of a clip, such as missing numbers.
    """

    clip: str
    class_name: str
    group: str = ""
    parts: str = ""
    status: str = "ok"
    reason: str = ""
    frames: int | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    bar_top: int | None = None
    bar_bottom: int | None = None
    bar_left: int | None = None
    bar_right: int | None = None
    bytes: int | None = None
    duplicate_of: str = ""
    images: str = ""

    @property
    def whole(self) -> bool:
        """Whether it belongs to the data set and decodes."""
        return self.status in {"ok", "misplaced", "beyond"}

    @property
    def barred(self) -> bool:
        """Whether it has a black bar."""
        return any((self.bar_top, self.bar_bottom, self.bar_left, self.bar_right))


@dataclass
class Verification:
    """The result of a check.

    Attributes:
        rows: the clips of the data set in their order, then extra files.
        faults: what is wrong, one line each.
        notes: what is unusual and does no harm, one line each.
        parts: the names of the splits, in the order of the tables.
    """

    rows: list[ClipRow]
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    parts: tuple[str, ...] = ()

    def decoded(self, part: str) -> int:
        """Return how many clips of a split decode."""
        return sum(row.whole and part in row.parts.split() for row in self.rows)


def add_findings(found: Verification, *, allow_missing: bool) -> None:
    """Add a line for each kind of fault and note in the rows."""
    rows = found.rows
    for status, fault in (
        ("missing", "clips of the lists that are missing"),
        ("unread", "clips with a name or folder where dataset= does not find them"),
        ("undecodable", "clips that cannot be decoded"),
        ("misplaced", "clips in the folder of another class, or named after it"),
        ("beyond", "sections that end after their video"),
        ("extra", "files that do not belong to the data set"),
    ):
        if message := _summary(fault, [row for row in rows if row.status == status]):
            harmless = status in {"extra", "beyond"} or (status == "missing" and allow_missing)
            (found.notes if harmless else found.faults).append(message)
    for what, chosen in (
        ("clips with another spelling than in the lists", [r for r in rows if _spelling(r)]),
        ("files with the same bytes as another", [r for r in rows if r.duplicate_of]),
        ("clips with gaps, or other images beside them", [r for r in rows if r.images]),
        ("clips with black bars", [r for r in rows if r.barred]),
    ):
        if message := _summary(what, chosen):
            found.notes.append(message)


def write_rows(path: Path, rows: Iterable[ClipRow]) -> None:
    """Write the table as CSV, whole or not at all."""
    names = [one.name for one in fields(ClipRow)]
    with whole_file(path) as file, file.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(names)
        for row in rows:
            values = [getattr(row, name) for name in names]
            table.writerow(["" if value is None else value for value in values])


def write_classes(path: Path, found: Verification) -> None:
    """Write per class how many clips decode and how many there are, in total and in each split."""
    parts = found.parts if len(found.parts) > 1 else ()
    there: dict[str, Counter[str]] = defaultdict(Counter)
    listed: dict[str, Counter[str]] = defaultdict(Counter)
    for row in found.rows:
        if row.status == "extra":
            continue
        columns_of_row = ["clips", *row.parts.split()]
        listed[row.class_name].update(columns_of_row)
        if row.whole:
            there[row.class_name].update(columns_of_row)
    columns = [(name, counts) for name in ("clips", *parts) for counts in (there, listed)]
    header = [name if counts is there else f"{name}_listed" for name, counts in columns]
    with whole_file(path) as file, file.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["class_name", *header])
        for class_name in sorted(listed):
            table.writerow([class_name, *(counts[class_name][name] for name, counts in columns)])


def counted(names: Sequence[str]) -> str:
    """Return how many names there are, with the first of them.

    Example:
        >>> counted(["b", "a"])
        '2 – such as b'
    """
    return f"{len(names):,} – such as {names[0]}" if names else "0"


def _spelling(row: ClipRow) -> bool:
    return row.status in {"ok", "undecodable"} and "spelt" in row.reason


def _summary(what: str, rows: Sequence[ClipRow]) -> str:
    if not rows:
        return ""
    names = ", ".join(
        f"{row.clip} ({row.reason})" if row.reason and row.status != "extra" else row.clip
        for row in rows[:3]
    )
    more = f" and {len(rows) - 3:,} more" if len(rows) > 3 else ""
    return f"{what}: {len(rows):,} – {names}{more}"
