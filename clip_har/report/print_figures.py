"""The charts of a page, and all of its figures as PDF files for a paper."""

import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clip_har.core.background import AtOnce, Background
from clip_har.figures.confusion import confusion_figure
from clip_har.figures.save import save_chart, save_whole
from clip_har.figures.style import STYLE
from clip_har.figures.text import drawable
from clip_har.metrics.accuracy import confusion_matrix
from clip_har.report.charts import Chart
from clip_har.report.comparison import ComparisonPart
from clip_har.report.domains import DomainsPart
from clip_har.report.models import ModelsPart
from clip_har.results.result import Result

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure


def draw_charts(
    parts: Sequence[ComparisonPart],
    compared: Sequence[ModelsPart | DomainsPart] = (),
    *,
    drawing: Background | AtOnce,
    folder: Path | None = None,
) -> "Mapping[Chart, Future[str]]":
    """Draw the charts of a page; write them for print, too, with the confusion matrices.

    Args:
        parts: the comparisons; files of the second and later ones end with their number.
        compared: the comparisons of models and of domains, likewise.
        drawing: draws and writes the figures; wait for it before the folder is used.
        folder: it is made, for PDF files and the style file that they are drawn with; None to
            write nothing.

    Returns:
        The charts as SVG.
    """
    charts = [(chart, part.id) for part in compared for chart in part.charts]
    charts += [(chart, part.id) for part in parts for chart in part.figures]
    if folder is None:
        return {chart: drawing.run(save_chart, chart.draw) for chart, _ in charts}
    folder.mkdir()
    shutil.copyfile(STYLE, folder / STYLE.name)
    used: Counter[str] = Counter()

    def path_of(name: str, number: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9.=]+", "_", name).strip("_") + number
        used[name.casefold()] += 1
        again = f"_{used[name.casefold()]}" if used[name.casefold()] > 1 else ""
        return folder / f"{name}{again}.pdf"

    pictures = {
        chart: drawing.run(save_chart, chart.draw, path_of(chart.name, number))
        for chart, number in charts
    }
    for part in parts:
        for one in part.looked_at:
            path = path_of(f"confusion {one.name}", part.id)
            drawing.run(save_whole, _confusion(one), path)
    return pictures


def _confusion(one: Result) -> "Callable[[], Figure]":
    counts = confusion_matrix(one.table.labels, one.table.scores)
    return partial(confusion_figure, counts, one.table.class_names, title=drawable(one.name))
