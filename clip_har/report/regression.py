"""How much is hidden, or what? The rows of the table, and the sentences about them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from clip_har.report.numbers import points, share

_TEXTS = {  # of a measure: what is hidden, and what stays the same
    "regression/subject_hidden": ("the subject", "the same hidden share of the picture"),
    "regression/picture_hidden": ("the picture", "the same hidden share of the subject"),
}


def regression_rows(table: pd.DataFrame) -> Sequence[Mapping[Any, Any]]:
    """Return the rows of the table, with the hidden thing in plain words.

    Args:
        table: see `clip_har.sweeps.regression.regressions`.
    """
    rows = table.to_dict("records")
    return [row | {"hidden": _TEXTS[str(row["measure"])][0]} for row in rows]


def regression_text(table: pd.DataFrame) -> str:
    """Return a sentence per row, or why there are no numbers.

    Args:
        table: see `clip_har.sweeps.regression.regressions`.
    """
    found = []
    for of, rows in table.groupby("of", sort=False):
        sentences = [_sentence(row) for row in rows.to_dict("records") if not row["reason"]]
        if not sentences:
            sentences = [f"There are no numbers: {rows['reason'].iloc[0]}."]
        found.append(" ".join([f"{of!s}:"] * bool(of) + sentences))
    return " ".join(found)


def _sentence(row: Mapping[Any, Any]) -> str:
    hidden, same = _TEXTS[str(row["measure"])]
    start = f"At {same}, hiding 10 points more of {hidden}"
    low, high = row["low"], row["high"]
    if high < 0:
        interval = f"{share(-high)} to {share(-low)}"
        by = share(-row["value"])
        return f"{start} lowers top-1 by {by} points (95 % interval {interval})."
    interval = f"95 % interval {points(low)} to {points(high)}"
    if low > 0:
        return f"{start} raises top-1 by {share(row['value'])} points ({interval})."
    return f"{start} has no clear effect: {points(row['value'])} points ({interval})."
