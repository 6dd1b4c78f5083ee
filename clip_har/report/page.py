"""The report: one page that needs no other file, with Markdown, CSV and LaTeX."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import get_args

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from clip_har.core.background import AtOnce, Background
from clip_har.core.locks import whole_folder_alone
from clip_har.core.wording import plural
from clip_har.metrics.half_classes import HALVES
from clip_har.metrics.measures import shown_in
from clip_har.report.charts import Chart
from clip_har.report.clips.answers import answers_of
from clip_har.report.clips.links import clips_link
from clip_har.report.clips.page import flips, write_clips
from clip_har.report.comparison import ComparisonPart, cautions, counted, terms_of
from clip_har.report.confidence import AskedIntervals, ask_intervals
from clip_har.report.domains import DomainsPart
from clip_har.report.latex import latex_models, latex_table
from clip_har.report.matrix import matrix
from clip_har.report.models import ModelsPart
from clip_har.report.numbers import (
    UNKNOWN,
    count,
    interval,
    millions,
    milliseconds,
    number,
    p_value,
    points,
    rank_text,
    share,
)
from clip_har.report.pictures import both_themes
from clip_har.report.print_figures import draw_charts
from clip_har.report.programme import SKEW, programme_of
from clip_har.report.protocols import split_rows, without_splits
from clip_har.report.sections import measures_rows
from clip_har.report.selection import Chosen
from clip_har.report.text import question
from clip_har.results.costs import Part
from clip_har.results.sweep import read_outcomes
from clip_har.sweeps.comparisons import Comparison
from clip_har.sweeps.domain_tables import domain_tables
from clip_har.sweeps.files import (
    GALLERY,
    TABLE,
    SweepFiles,
    draw_gallery,
    tables_beside,
    write_csv,
    write_tables,
)
from clip_har.sweeps.measures import (
    SweepMeasures,
    against_base_model,
    measures_within,
    sweep_measures,
)
from clip_har.sweeps.model_tables import model_tables
from clip_har.sweeps.table import cell_rows

PAGE, MARKDOWN, LATEX = "report.html", "report.md", "cells.tex"
MODELS_LATEX = "models.tex"
FIGURES = "figures"
_SCRIPT = "page.js"


def write_report(
    chosen: Chosen,
    folder: Path,
    *,
    written: SweepFiles | None = None,
    base_model: str | None = None,
    margin: float | None = None,
    clips: int | None = None,
    printed: bool | None = None,
    drawing: Background | AtOnce | None = None,
    intervals: AskedIntervals | None = None,
) -> Path:
    """Write the report, and the page of clips beside it; older ones are replaced.

    Args:
        chosen: the cells of the report.
        folder: the folder for its files.
        written: the tables of the sweep; None to write them, or for cells of several sweeps. If
            the folder of the sweep cannot be written, its tables go beside the page.
        base_model: the model that others are compared with, see `sweep_measures`.
        margin: the largest change that counts as none, see `cell_rows`.
        clips: largest number of answers whose frames are shown; None: ``report.clips``.
        printed: whether the figures are written for print, too; None: ``report.print``.
        drawing: draws the figures; None to draw them at once.
        intervals: what `ask_intervals` returned for the cells; None to ask now.

    Returns:
        The page of the report.
    """
    drawing = drawing or AtOnce()
    intervals = intervals or ask_intervals(chosen.cells, drawing)
    written = written or write_sweep_tables(
        chosen, base_model=base_model, margin=margin, drawing=drawing
    )
    rows = cell_rows(chosen.cells, margin=margin) if written is None else written.rows
    comparisons = chosen.comparisons
    if len(comparisons) == 1:
        measured = [written.measures if written else sweep_measures(chosen.jobs)]
        against = pd.DataFrame(columns=measured[0].rows.columns)
    else:
        measured = [measures_within(one.jobs) for one in comparisons]
        against = against_base_model(chosen.jobs, base_model)
    parts = [
        ComparisonPart.of(one, _rows_of(one, rows), found, number, chosen, intervals)
        for number, (one, found) in enumerate(zip(comparisons, measured, strict=True))
    ]
    tables = model_tables(comparisons) if written is None else written.models
    models = [ModelsPart.of(one, number) for number, one in enumerate(tables)]
    of_domains = domain_tables(comparisons) if written is None else written.domains
    domains = [DomainsPart.of(one, number) for number, one in enumerate(of_domains)]
    answers = answers_of(comparisons)
    settings = chosen.jobs[0].cell.report
    printed = settings.print if printed is None else printed
    content = _content(chosen, rows, parts, against, models, domains) | {
        "flips": flips(answers),
        "programme": programme_of(chosen, rows, measured),
        "skew": SKEW,
        "printed": printed,
    }
    # Whatever fails, the other process has ended its work before the folder goes.
    with whole_folder_alone(folder, "report") as out, _waited_for(drawing):
        figures = out / FIGURES if printed else None
        pictures = draw_charts(parts, [*domains, *models], drawing=drawing, folder=figures)
        if figures is not None and chosen.folder is not None:
            cells = [one.cell for one in chosen.jobs]
            draw_gallery(cells, (figures / GALLERY).with_suffix(".pdf"), drawing)
        named = rows if len(comparisons) == 1 else _with_names(parts)
        (out / LATEX).write_text(latex_table(parts), encoding="utf-8")
        if models:
            (out / MODELS_LATEX).write_text(latex_models(models), encoding="utf-8")
        if chosen.tables_folder is None:
            over_cells = measured[0] if len(measured) == 1 else _over_cells(chosen, base_model)
            more = tables_beside(chosen.cells, over_cells, tables, of_domains)
            write_csv(out, {TABLE: named, **more})
        write_clips(
            out,
            comparisons,
            answers,
            title=chosen.title,
            cautions=[
                " ".join(cautions(one.cells, len(one.cells[0].table.class_names)))
                for one in comparisons
            ],
            limit=settings.clips if clips is None else clips,
        )
        templates = _templates(pictures)
        pages = {name: templates.get_template(f"{name}.j2") for name in (PAGE, MARKDOWN)}
        drawing.wait()  # also for the gallery of the sweep
        for name, page in pages.items():
            (out / name).write_text(page.render(content), encoding="utf-8")
    return folder / PAGE


@contextmanager
def _waited_for(drawing: Background | AtOnce) -> Iterator[None]:
    try:
        yield
    finally:
        drawing.wait()


def _over_cells(chosen: Chosen, base_model: str | None) -> SweepMeasures:
    """Return the measures over the cells of all comparisons, under the names of the report."""
    renamed = [job for one in chosen.comparisons for job in one.jobs]
    return sweep_measures(chosen.jobs if chosen.folder else renamed, base_model=base_model)


def write_sweep_tables(
    chosen: Chosen,
    *,
    base_model: str | None = None,
    margin: float | None = None,
    drawing: Background | AtOnce | None = None,
) -> SweepFiles | None:
    """Write the tables of a sweep into its folder, see `clip_har.sweeps.files.write_tables`.

    Returns:
        The files; None for cells of several sweeps, or if the folder cannot be written.
    """
    folder = chosen.tables_folder
    if folder is None:
        return None
    outcomes = list(read_outcomes(folder).values())
    return write_tables(
        folder, outcomes, chosen.jobs, base_model=base_model, margin=margin, drawing=drawing
    )


def _content(
    chosen: Chosen,
    rows: pd.DataFrame,
    parts: Sequence[ComparisonPart],
    against: pd.DataFrame,
    models: Sequence[ModelsPart],
    domains: Sequence[DomainsPart],
) -> dict[str, object]:
    """Return all that the templates use, by name.

    Args:
        chosen: the cells of the report.
        rows: their rows, see `clip_har.sweeps.table.cell_rows`.
        parts: the comparisons.
        against: the measures against the base model; may be empty.
        models: the comparisons of models; may be empty.
        domains: the comparisons of domains; may be empty.
    """
    every, others = pd.concat([part.measured.rows for part in parts]), without_splits(against)
    tables = [pd.concat([part.table, part.twins], ignore_index=True) for part in parts]
    compared = [*(one.models for one in models), *(one.domains for one in domains)]
    covered = any(len(one) == len(parts) for one in compared)
    script = resources.files("clip_har.report").joinpath("templates", _SCRIPT).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {
        "script": Markup(script),  # noqa: S704, a file of this package
        "script_hash": f"sha256-{digest}",
        "models": models,
        "domains": domains,
        # A single table of models (or domains) and masks says the same with intervals.
        "matrix": None if covered or len(parts) == 1 else matrix(chosen.comparisons, tables),
        "title": chosen.title,
        "question": question(rows, every, domains=bool(domains)),
        "counted": counted(rows),
        "problems": chosen.problems,
        "parts": parts,
        "differences": list(
            dict.fromkeys(key for one in chosen.comparisons for key in one.settings)
        ),
        "splits": split_rows(against),
        "against": measures_rows(others),
        "against_terms": terms_of(others),
        "halves": HALVES,
        "bias_terms": shown_in("report: bias"),
        "cost_parts": get_args(Part),
        "table": f"{TABLE} in the folder of the sweep" if chosen.tables_folder else TABLE,
        "where": "in the folder of the sweep" if chosen.tables_folder else "beside this page",
    }


def _templates(pictures: "Mapping[Chart, Future[str]]") -> Environment:
    """Return the templates with the functions and filters that they use.

    Args:
        pictures: the charts as SVG.
    """

    def picture(chart: Chart) -> Markup:
        return both_themes(pictures[chart].result(), chart.alt)

    templates = Environment(
        loader=PackageLoader("clip_har.report"),
        autoescape=select_autoescape(("html.j2",)),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals |= {
        "interval": interval,
        "points": points,
        "ranks": rank_text,
        "clips_link": clips_link,
        "picture": picture,
        "number": number,
    }
    templates.filters |= {
        "share": share,
        "points": points,
        "p": p_value,
        "verdict": lambda text: text if isinstance(text, str) else UNKNOWN,
        "number": number,
        "count": count,
        "plural": plural,
        "rank": "{:g}".format,
        "ms": milliseconds,
        "millions": millions,
        "md": _markdown,
        "folder_name": lambda folder: Path(folder).name,
    }
    return templates


def _rows_of(comparison: Comparison, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a comparison's cells, in their order."""
    place = {folder: number for number, folder in enumerate(rows["folder"])}
    kept = rows.iloc[[place[str(one.folder)] for one in comparison.cells]]
    return kept.reset_index(drop=True)


def _with_names(parts: Sequence[ComparisonPart]) -> pd.DataFrame:
    """Return the rows of all comparisons, with their names in the column ``comparison``."""
    return pd.concat([part.table.assign(comparison=part.name) for part in parts], ignore_index=True)


def _markdown(text: object) -> str:
    """Return text that does not break a Markdown table or start HTML."""
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(escaped.split())
