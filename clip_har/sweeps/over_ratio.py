"""The lines of a measure over the hidden share, from the table of a comparison."""

from collections.abc import Mapping

import pandas as pd

from clip_har.figures.over_ratio import Measured

_LINES = 8  # largest number of lines in a figure


def ratio_lines(rows: pd.DataFrame, measure: str) -> dict[str, list[Measured]]:
    """Return the points of each line: a mask with all that varies except ratio and seed.

    A line begins at its clean twin, measured over the clips of the line's first cell. Cells without
    a ratio are left out: their hidden share depends on the clip.

    Args:
        rows: of one comparison, see `clip_har.sweeps.table.cell_rows`.
        measure: ``top1``, ``confidence`` or ``ece``.

    Returns:
        At most eight lines: those that lose most accuracy, in the order of the table.
    """
    known = rows[rows["ratio"].notna() & ~rows["is_clean"].astype(bool)]
    worst = known.groupby("line")["top1"].min().sort_values().index[:_LINES]
    found = {}
    for line in known["line"].unique():
        if line not in worst:
            continue
        cells = known[known["line"] == line].to_dict("records")
        points = [_point(cell, measure, float(cell["mask/realised_ratio"])) for cell in cells]
        start = min(cells, key=lambda cell: float(cell["mask/realised_ratio"]))
        if pd.notna(start.get(f"{measure}_clean")):
            points.insert(0, _point(start, f"{measure}_clean", 0.0))
        found[str(line)] = points
    return found


def _point(cell: Mapping[object, float], measure: str, ratio: float) -> Measured:
    low, high = cell[f"{measure}_low"], cell[f"{measure}_high"]
    ends = (None, None) if pd.isna(low) else (float(low), float(high))
    return Measured(ratio, float(cell[measure]), *ends)
