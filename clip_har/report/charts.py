"""The charts and photographs of a report."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from clip_har.figures.over_ratio import Measured, over_ratio_figure
from clip_har.figures.reliability import reliability_figure
from clip_har.metrics.calibration import reliability
from clip_har.report.pictures import both_themes, photograph
from clip_har.results.result import Result

_LINES = 8  # largest number of strategies in one figure


def over_ratio_charts(rows: pd.DataFrame, *, chance: float) -> list[Markup]:
    """Return top-1, confidence and calibration error over the hidden share, one line per strategy.

    Args:
        rows: see `clip_har.sweeps.table.cell_rows`.
        chance: top-1 of random guessing, in (0, 1].
    """
    known = rows[rows["ratio"].notna()]
    several = known.groupby("strategy")["ratio"].nunique()
    if not len(several) or several.max() < 2:
        return []
    worst = known.groupby("strategy")["top1"].min().sort_values().index[:_LINES]
    shown_lines = [strategy for strategy in known["strategy"].unique() if strategy in worst]
    pictures = []
    shown = {"top-1": "top1", "confidence": "confidence", "calibration error": "ece"}
    for title, name in shown.items():
        lines = {
            str(strategy): _line(known[known["strategy"] == strategy], name)
            for strategy in shown_lines
        }
        shown_chance = chance if name == "top1" else None
        draw = partial(over_ratio_figure, lines, measure=title, chance=shown_chance)
        pictures.append(both_themes(draw, f"{title} over the hidden share"))
    return pictures


def _line(cells: pd.DataFrame, name: str) -> list[Measured]:
    points = [
        Measured(
            row["mask/realised_ratio"],
            row[name],
            *((row["top1_low"], row["top1_high"]) if name == "top1" else ()),
        )
        for row in cells.to_dict("records")
    ]
    clean = cells[f"{name}_clean"] if f"{name}_clean" in cells else pd.Series(dtype=float)
    if clean.notna().any():
        points.append(Measured(0.0, float(clean.dropna().iloc[0])))
    return points


def reliability_charts(cells: Sequence[Result]) -> list[Markup]:
    """Return a reliability diagram of each cell."""
    pictures = []
    for one in cells:
        table = reliability(one.table.labels, one.table.probabilities())
        draw = partial(reliability_figure, table, title=one.name)
        pictures.append(both_themes(draw, f"reliability diagram of {one.name}"))
    return pictures


def gallery(folder: Path | None, cells: Sequence[Result]) -> list[tuple[str, Markup]]:
    """Return titles and pictures of masked clips: one for the whole sweep, or one per cell.

    Args:
        folder: of the sweep; None for one picture per cell.
        cells: the cells of these pictures.
    """
    whole = None if folder is None else folder / "mask_gallery.png"
    if whole is not None and whole.is_file():
        return [("All masks on clips of this run", photograph(whole, "clips under each mask"))]
    return [
        (one.name, photograph(one.folder / "masked_clips.png", f"clips under {one.name}"))
        for one in cells
    ]
