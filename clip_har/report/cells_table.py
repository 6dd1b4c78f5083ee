"""The table of a comparison's cells: the clean rows first, settings where they are not usual."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clip_har.report.classes import hardest_class
from clip_har.report.left_out import left_out_text
from clip_har.report.numbers import UNKNOWN
from clip_har.report.sections import Records
from clip_har.results.result import Result
from clip_har.sweeps.table import SETTINGS

_TITLES = {"patch": "patch, px", "feature": "target", "region": "region source"}


@dataclass(frozen=True)
class CellsTable:
    """The table of the cells.

    Attributes:
        settings: titles of the columns of settings that are not the default in all cells.
        rows: the columns of `clip_har.sweeps.table.cell_rows`; ``settings``, a text per title;
            ``hardest``, the class that loses most; ``left_out``, the clips that are not evaluated,
            and why.
    """

    settings: list[str]
    rows: Records

    @property
    def leaves_out(self) -> bool:
        """Whether a cell leaves out clips."""
        return any(row["left_out"] for row in self.rows)


def cells_table(cells: Sequence[Result], rows: pd.DataFrame) -> CellsTable:
    """Return the table of some cells.

    Args:
        cells: of one comparison, with their clean twins.
        rows: their rows.
    """
    names = [name for name in SETTINGS if name != "maps" and _is_shown(name, cells, rows)]
    found: list[dict[Any, Any]] = []
    for one, row in zip(cells, rows.to_dict("records"), strict=True):
        more = {
            "settings": [_text(name, row) for name in names],
            "hardest": hardest_class(one),
            "left_out": left_out_text(row),
        }
        found.append(row | more)
    first = sorted(found, key=lambda row: not row["is_clean"])
    return CellsTable([_TITLES.get(name, name) for name in names], first)


def _is_shown(name: str, cells: Sequence[Result], rows: pd.DataFrame) -> bool:
    """Return whether a setting of some cell is not its mask's default."""
    if name == "region":
        return bool((rows["region"] != "none").any())
    values = zip(cells, rows[name], strict=True)
    return any(pd.notna(value) and value != _default(one, name) for one, value in values)


def _default(one: Result, name: str) -> object:
    field = type(one.cell.masking).model_fields.get(name)
    return None if field is None else field.default


def _text(name: str, row: dict[Any, Any]) -> str:
    value = row[name]
    if pd.isna(value) or (name == "region" and value == "none"):
        return UNKNOWN
    if name == "region":
        return f"{value}, {row['maps']}"
    return f"{value:g}" if isinstance(value, float) else str(value)
