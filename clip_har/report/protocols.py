"""What a report shows of protocols that papers use: halves of the classes, official splits."""

from collections.abc import Sequence

import pandas as pd

from clip_har.metrics.half_classes import HALVES
from clip_har.metrics.measures import find
from clip_har.report.numbers import UNKNOWN, formatted
from clip_har.report.sections import Records
from clip_har.results.result import Result

_SPLITS = "splits/"


def half_class_rows(cells: Sequence[Result]) -> Records:
    """Return top-1 over random halves of the classes, a row per cell; empty if no cell has it."""
    rows = [
        {
            "cell": one.name,
            "leaks": one.leaks,
            "top1": one.metrics["top1"],
            "halves": [_mean_and_sd(one, many) for many in HALVES],
        }
        for one in cells
    ]
    known = any(text != UNKNOWN for row in rows for text in row["halves"])
    return rows if known else []


def _mean_and_sd(one: Result, many: int) -> str:
    name = f"half_classes/{many}/top1"
    if name not in one.metrics:
        return UNKNOWN
    mean, sd = (formatted(one.metrics[key], find(key)) for key in (name, f"{name}_sd"))
    return f"{mean} ± {sd.lstrip('+')}"


def split_rows(measures: pd.DataFrame) -> Records:
    """Return the means over official splits, a row per cell.

    Args:
        measures: columns ``measure, of, value, low, high, clips, groups``.
    """
    own = measures[measures["measure"].str.startswith(_SPLITS)] if len(measures) else measures
    return [
        {str(row["measure"]).removeprefix(_SPLITS): row for row in rows.to_dict("records")}
        | {"of": of}
        for of, rows in own.groupby("of", sort=False)
    ]


def without_splits(measures: pd.DataFrame) -> pd.DataFrame:
    """Return the measures that `split_rows` does not show."""
    return measures[~measures["measure"].astype(str).str.startswith(_SPLITS)]
