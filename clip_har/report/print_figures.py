"""The figures of a page as PDF files, for a paper."""

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from clip_har.core.background import AtOnce, Background
from clip_har.figures.confusion import confusion_sheet
from clip_har.figures.save import save_figure
from clip_har.figures.style import STYLE
from clip_har.figures.text import drawable
from clip_har.metrics.accuracy import confusion_matrix
from clip_har.report.charts import Chart
from clip_har.report.comparison import ComparisonPart
from clip_har.report.models import ModelsPart
from clip_har.results.result import Result
from clip_har.sweeps.files import GALLERIES


def write_figures(
    folder: Path,
    parts: Sequence[ComparisonPart],
    models: Sequence[ModelsPart] = (),
    *,
    gallery: Path | None,
    drawing: Background | AtOnce,
) -> None:
    """Write all figures of a page as PDF, and the style file that they are drawn with.

    Args:
        folder: it is made.
        parts: the comparisons; files of the second and later ones end with their number.
        models: the comparisons of models, likewise.
        gallery: the folder of the sweep with the gallery of masks; None without one.
        drawing: writes the figures; wait for it before the folder is used.
    """
    folder.mkdir()
    shutil.copyfile(STYLE, folder / STYLE.name)
    if gallery is not None:
        drawing.run(_copy_if_there, gallery / GALLERIES[1], folder)
    used: Counter[str] = Counter()
    charts = [(chart, part.id) for part in models for chart in part.charts]
    for part in parts:
        charts += [(one, part.id) for one in [*part.figures, *map(_confusion, part.looked_at)]]
    for chart, number in charts:
        name = re.sub(r"[^A-Za-z0-9.=]+", "_", chart.name).strip("_") + number
        used[name.casefold()] += 1
        again = f"_{used[name.casefold()]}" if used[name.casefold()] > 1 else ""
        drawing.run(save_figure, folder / f"{name}{again}.pdf", chart.draw())


def _copy_if_there(file: Path, folder: Path) -> None:
    if file.is_file():
        shutil.copyfile(file, folder / file.name)


def _confusion(one: Result) -> Chart:
    counts = confusion_matrix(one.table.labels, one.table.scores)
    return Chart(
        f"confusion {one.name}",
        f"confusion matrix of {one.name}",
        lambda: confusion_sheet(counts, one.table.class_names, title=drawable(one.name)).figure(),
    )
