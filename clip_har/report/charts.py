"""The charts and photographs of a report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from clip_har.figures.over_ratio import over_ratio_figure
from clip_har.figures.reliability import reliability_figure
from clip_har.figures.risk_coverage import risk_coverage_figure
from clip_har.metrics.calibration import reliability
from clip_har.metrics.selective import COVERAGES, risk_coverage
from clip_har.report.pictures import photograph
from clip_har.results.result import Result
from clip_har.sweeps.files import GALLERY
from clip_har.sweeps.over_ratio import ratio_lines

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

_MEASURES = {"top1": "top-1", "confidence": "confidence", "ece": "calibration error"}


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure that is shown on the page, and may be written as PDF for print.

    Attributes:
        name: of its file, without an ending.
        alt: a description.
        draw: draws it, also in another process.
    """

    name: str
    alt: str
    draw: "Callable[[], Figure]"


def over_ratio_charts(rows: pd.DataFrame, *, chance: float) -> list[Chart]:
    """Return top-1, confidence and calibration error over the hidden share, one line per mask.

    Args:
        rows: see `clip_har.sweeps.table.cell_rows`.
        chance: top-1 of random guessing, in (0, 1].
    """
    charts = []
    for measure, title in _MEASURES.items():
        lines = ratio_lines(rows, measure)
        if max((len({point.ratio for point in line}) for line in lines.values()), default=0) < 2:
            return []
        shown = chance if measure == "top1" else None
        draw = partial(over_ratio_figure, lines, measure=title, chance=shown)
        charts.append(Chart(f"{measure}_over_ratio", f"{title} over the hidden share", draw))
    return charts


def reliability_charts(cells: Sequence[Result]) -> list[Chart]:
    """Return a reliability diagram of each cell."""
    charts = []
    for one in cells:
        table = reliability(one.table.labels, one.table.probabilities())
        draw = partial(reliability_figure, table, title=one.name)
        charts.append(Chart(f"reliability {one.name}", f"reliability diagram of {one.name}", draw))
    return charts


def risk_coverage_chart(cells: Sequence[Result]) -> Chart:
    """Return wrong answers over coverage, a line per cell."""
    risks = {one.name: risk_coverage(one.table.labels, one.table.probabilities()) for one in cells}
    marked = {f"{100 * at:g} %": at for at in COVERAGES.values()}
    draw = partial(risk_coverage_figure, risks, marked=marked)
    return Chart("risk_over_coverage", "share of wrong answers over coverage", draw)


def gallery(folder: Path | None, cells: Sequence[Result]) -> list[tuple[str, Markup]]:
    """Return titles and pictures of masked clips: one for the whole sweep, or one per cell.

    Args:
        folder: of the sweep; None for one picture per cell.
        cells: the cells of these pictures.
    """
    whole = None if folder is None else folder / GALLERY
    if whole is not None and whole.is_file():
        return [("All masks on clips of this run", photograph(whole, "clips under each mask"))]
    return [
        (one.name, photograph(one.folder / "masked_clips.png", f"clips under {one.name}"))
        for one in cells
    ]
