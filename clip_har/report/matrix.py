"""Cells as rows, comparisons as columns: each mask under each model or data set."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from clip_har.report.sections import Records
from clip_har.results.result import Result
from clip_har.sweeps.comparisons import Comparison, differs_within

_CLEAN = "unchanged"


@dataclass(frozen=True)
class Matrix:
    """Accuracy of each condition in each comparison.

    Attributes:
        columns: a name per comparison.
        rows: ``name``, and ``cells``: per comparison a row of `clip_har.sweeps.table.cell_rows`, or
            None where it has no such cell.
    """

    columns: Sequence[str]
    rows: Records


def matrix(comparisons: Sequence[Comparison], tables: Sequence[pd.DataFrame]) -> Matrix:
    """Return accuracy by condition and comparison; only what is alike stands in a row.

    Args:
        comparisons: at least two.
        tables: for each the rows of its cells and of its clean twins, the twins last.
    """
    found: dict[str, list[dict[object, object] | None]] = {}
    for place, (one, table) in enumerate(zip(comparisons, tables, strict=True)):
        names = [_name(cell) for cell in one.cells]
        names += [_CLEAN] * (len(table) - len(names))
        for name, row in zip(names, table.to_dict("records"), strict=True):
            cells = found.setdefault(name, [None] * len(comparisons))
            cells[place] = cells[place] or dict(row)
    order = sorted(found, key=lambda name: name != _CLEAN)
    several = len({one.data for one in comparisons}) > 1
    return Matrix(
        [_title(one, several) for one in comparisons],
        [{"name": name, "cells": found[name]} for name in order],
    )


def _name(cell: Result) -> str:
    """Return a cell's name without what differs between comparisons."""
    if cell.is_clean:
        return _CLEAN
    return cell.named_without({key for key in cell.varies if not differs_within(key)})


def _title(one: Comparison, several: bool) -> str:
    settings = [f"{key}={value}" for key, value in one.settings.items()]
    return ", ".join([f"{one.model} on {one.data}" if several else one.model, *settings])
