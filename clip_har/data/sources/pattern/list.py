"""Official lists of clips, joined to the files by the fields that both have."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from clip_har.core.errors import ClipHarError
from clip_har.core.names import listed
from clip_har.data.sources.files import stem_of
from clip_har.data.sources.pattern.files import Candidate
from clip_har.data.sources.pattern.rules import Key, key_of
from clip_har.data.sources.sections import section_id
from clip_har.data.sources.tables import Row, json_content, read_table

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": " "}


def read_list(path: Path, columns: tuple[str, ...], delimiter: str | None) -> list[Row]:
    """Return the rows of a list.

    Args:
        path: JSON (a list of objects), Parquet, or a text table.
        columns: the names of the columns of a text table without a header.
        delimiter: of a text table; None = by the extension: tab in ``.tsv``, blanks in ``.txt``,
            else a comma.

    Raises:
        ClipHarError: when it is malformed or empty.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _json_rows(path)
    delimiter = delimiter or _DELIMITERS.get(suffix, ",")
    return list(read_table(path, required=(), columns=columns, delimiter=delimiter))


def joined(rows: Sequence[Row], files: Sequence[Candidate]) -> list[Candidate]:
    """Return the clips of a list's rows, in their order, with their files.

    A row and a file belong together if all fields that both have are equal: numbers by value, and
    file names without their extension.

    Args:
        rows: at least one.
        files: at least one, with the same fields.

    Raises:
        ClipHarError: when rows and files have no field in common, no file has a row, or two files
            are the same clip.
    """
    table, fields = rows[0].table, files[0].fields
    shared = [field for field in fields if field in rows[0].values]
    if not shared:
        raise ClipHarError(
            f"{table} and dataset.pattern have no field in common: the list has the columns"
            f" {', '.join(map(str, rows[0].values))}, the pattern {', '.join(fields) or 'none'};"
            " name one of them as the other"
        )
    by_key: dict[tuple[Key, ...], list[Candidate]] = {}
    for file in files:
        by_key.setdefault(_key(shared, file.fields), []).append(file)
    clips = []
    for row in rows:
        single = [
            column for column, value in row.values.items() if not isinstance(value, list | dict)
        ]
        own = {column: text for column in single if (text := row.optional_text(column))}
        for field in shared:
            row.text(field)
        found = by_key.get(_key(shared, own), [])
        if len(found) > 1:
            raise row.error(
                f"two files are this clip: {found[0].path} and {found[1].path}; remove one, or"
                " narrow dataset.pattern or dataset.root"
            )
        file = found[0] if found else Candidate(", ".join(own[field] for field in shared), {})
        clips.append(replace(file, fields={**file.fields, **own}, row=row))
    if all(clip.path is None for clip in clips):
        row = rows[0]
        raise ClipHarError(
            f"no file belongs to a row of {table}: {row.place} has"
            f" {_shown(shared, {field: row.text(field) for field in shared})}, and"
            f" {files[0].path} has {_shown(shared, files[0].fields)}; set dataset.root or"
            " dataset.pattern"
        )
    return clips


def section_of(clip: Candidate) -> tuple[float | None, float | None, str]:
    """Return the start and end of a clip, and what they add to its id; no section without a list.

    Raises:
        ClipHarError: when they are no seconds, or in the wrong order.
    """
    if clip.row is None:
        return None, None, ""
    start, end = clip.row.seconds("start"), clip.row.seconds("end")
    if start is None and end is None:
        return None, None, ""
    if end is not None and end <= (start or 0.0):
        raise clip.error(f"expected 'end' after 'start', got start {start} and end {end}")
    return start, end, section_id("", start, end)


def _key(shared: Sequence[str], fields: Mapping[str, str]) -> tuple[Key, ...]:
    return tuple(key_of(field)(stem_of(fields[field])) for field in shared)


def _shown(shared: Sequence[str], fields: Mapping[str, str]) -> str:
    return listed([f"{field} = {fields[field]}" for field in shared])


def _json_rows(path: Path) -> list[Row]:
    content = json_content(path)
    if not isinstance(content, list) or not content:
        raise ClipHarError(f"{path}: expected a JSON list of objects, one a clip")
    rows = []
    for number, entry in enumerate(content, 1):
        if not isinstance(entry, dict):
            raise ClipHarError(f"{path}, entry {number}: expected an object, got {entry!r:.80}")
        rows.append(Row(path, f"entry {number}", entry))
    return rows
