"""The recall of each class in a cell, compared with its clean twin."""

import pandas as pd

from clip_har.metrics.pairing import common_rows
from clip_har.results.result import Result


def class_changes(one: Result, clean: Result) -> pd.DataFrame:
    """Return how each class's recall changes from the clean twin, the largest loss first.

    Returns:
        Columns ``class, clips, clean, masked, change``.
    """
    (kept, twin_kept), _ = common_rows([one.table, clean.table])
    labels = one.table.labels[kept]
    frame = pd.DataFrame(
        {
            "class": [one.table.class_names[label] for label in labels],
            "clean": clean.table.predictions()[twin_kept] == labels,
            "masked": one.table.predictions()[kept] == labels,
        }
    ).groupby("class")
    table = frame.mean()
    table.insert(0, "clips", frame.size())
    table["change"] = table["masked"] - table["clean"]
    return table.sort_values(["change", "class"], kind="stable").reset_index()
