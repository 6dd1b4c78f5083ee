"""The report: one page that needs no other file, with Markdown, CSV and LaTeX."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape

from clip_har.core.atomic import whole_file, whole_folder
from clip_har.metrics.measures import find, shown_in
from clip_har.report.charts import gallery, over_ratio_charts, reliability_charts
from clip_har.report.numbers import count, number, p_value, points, share
from clip_har.report.sections import (
    bias_rows,
    costs_rows,
    detail_of,
    kinds_rows,
    measures_rows,
    noise_rows,
    protocol_rows,
)
from clip_har.report.selection import Chosen
from clip_har.report.text import answer, question
from clip_har.results.costs import Part
from clip_har.results.result import Result
from clip_har.results.sweep import read_outcomes
from clip_har.sweeps.files import TABLE
from clip_har.sweeps.measures import SweepMeasures, sweep_measures
from clip_har.sweeps.table import cell_rows, sweep_table

PAGE, MARKDOWN, LATEX = "report.html", "report.md", "cells.tex"
_LOOKED_AT = 4  # number of cells that are shown in detail


def write_report(
    chosen: Chosen,
    folder: Path,
    *,
    rows: pd.DataFrame | None = None,
    measures: SweepMeasures | None = None,
    base_model: str | None = None,
) -> Path:
    """Write the report; an older one is replaced.

    Args:
        chosen: the cells of the report.
        folder: the folder for its files.
        rows: see `cell_rows`; None if they and ``cells.csv`` are still to be made.
        measures: the measures over several cells; None to compute them.
        base_model: the model that others are compared with, see `sweep_measures`.

    Returns:
        The page.
    """
    is_written = rows is not None
    rows = cell_rows(chosen.cells) if rows is None else rows
    if measures is None:
        measures = sweep_measures(chosen.cells, base_model=base_model)
    detailed = _looked_at(chosen.cells, rows)
    first = chosen.cells[0]
    classes = len(first.table.class_names)
    content = {
        "title": chosen.title,
        "question": question(rows, measures.rows),
        "counted": _counted(rows, chosen.cells),
        "answer": answer(rows, measures.rows, classes=classes),
        "troubles": chosen.troubles,
        "protocol_line": _protocol_line(chosen.cells),
        "caution": _caution(chosen.cells),
        "rows": rows.to_dict("records"),
        "over_ratio": over_ratio_charts(rows, chance=1 / classes),
        "reliability": reliability_charts(detailed),
        "bias": bias_rows(chosen.cells),
        "bias_terms": shown_in("report: bias"),
        "kinds": kinds_rows(detailed),
        "measures": measures_rows(measures.rows),
        "measure_terms": [find(name) for name in dict.fromkeys(measures.rows["measure"])],
        "several": bool(measures.rows["of"].astype(bool).any()),
        "noise": (noise := noise_rows(measures)),
        "noise_leaks": any("leaks" in row["variant"] for row in noise),
        "details": [detail_of(one) for one in detailed],
        "costs": costs_rows(chosen.cells),
        "cost_parts": get_args(Part),
        "gallery": gallery(chosen, detailed),
        "protocol": protocol_rows(chosen.cells),
        "table": TABLE if chosen.folder is None else f"{TABLE} in the folder of the sweep",
        "environment": (first.folder / "environment.json").read_text(encoding="utf-8"),
    }
    templates = Environment(
        loader=PackageLoader("clip_har.report"),
        autoescape=select_autoescape(("html.j2",)),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "share": share,
        "points": points,
        "p": p_value,
        "number": number,
        "count": count,
        "md": _markdown,
    }
    with whole_folder(folder) as out:
        for name in (PAGE, MARKDOWN):
            text = templates.get_template(f"{name}.j2").render(content)
            (out / name).write_text(text, encoding="utf-8")
        (out / LATEX).write_text(_latex(rows), encoding="utf-8")
    if not is_written:
        _write_table(chosen, rows, folder)
    return folder / PAGE


def _write_table(chosen: Chosen, rows: pd.DataFrame, folder: Path) -> None:
    """Write ``cells.csv``: into the folder of the sweep, or beside the page for other cells.

    Beside a page that is elsewhere, also if the folder of the sweep cannot be written.
    """
    table = rows
    if chosen.folder is not None:
        table = sweep_table(list(read_outcomes(chosen.folder).values()), rows)
    place = chosen.folder or folder
    try:
        with whole_file(place / TABLE) as path:
            table.to_csv(path, index=False)
    except OSError:
        if folder.is_relative_to(place):
            raise
        with whole_file(folder / TABLE) as path:
            table.to_csv(path, index=False)


def _looked_at(cells: Sequence[Result], rows: pd.DataFrame) -> list[Result]:
    """Return a clean cell, and the worst cell of each of the strategies that cost most accuracy."""
    clean = next((one for one in cells if one.is_clean), None) or cells[0].clean
    order = rows["top1_change"].sort_values().index
    found = {} if clean is None else {"": clean}
    for place in order:
        one = cells[place]
        if not one.is_clean and len(found) < _LOOKED_AT:
            found.setdefault(one.strategy, one)
    return list(found.values()) or [cells[0]]


def _counted(rows: pd.DataFrame, cells: Sequence[Result]) -> str:
    """Return the number of cells of each kind, as text."""
    clean = sum(one.is_clean for one in cells)
    kinds = {"with a mask or noise": len(rows) - clean, "clean": clean}
    counts = [f"{many} {kind}" for kind, many in kinds.items() if many]
    return (
        f"{len(rows)} cells ({', '.join(counts)})" if len(rows) > 1 else f"1 cell ({counts[0][2:]})"
    )


def _protocol_line(cells: Sequence[Result]) -> str:
    models = dict.fromkeys(Path(str(one.protocol["model"]["checkpoint"])).name for one in cells)
    data = dict.fromkeys(str(one.protocol["data"]) for one in cells)
    return f"{', '.join(models)} on {', '.join(data)}"


def _caution(cells: Sequence[Result]) -> str:
    """Return the warning about the package's own model and rendered clips."""
    found = []
    if any(str(one.protocol["data"]).startswith("synthetic") for one in cells):
        found.append("the clips are rendered")
    models = {str(one.protocol["model"]): one.cell.model for one in cells}
    found += sorted({model.caution for model in models.values()} - {""})
    if not found:
        return ""
    text = " and ".join(found)
    return f"{text[0].upper()}{text[1:]}: these numbers say nothing about CLIP on real video."


def _markdown(text: object) -> str:
    """Return text that does not break a Markdown table or start HTML."""
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(escaped.split())


def _latex(rows: pd.DataFrame) -> str:
    """Return the cells as a LaTeX table (booktabs), in characters that every TeX engine knows."""
    shown = pd.DataFrame(
        {
            "Cell": rows["cell"] + rows["leaks"].map({True: " (uses the true label)", False: ""}),
            "Top-1": rows["top1"].map(share),
            "95 % interval": [
                f"{share(low)} to {share(high)}".replace("–", "--")
                for low, high in zip(rows["top1_low"], rows["top1_high"], strict=True)
            ],
            "Change": rows["top1_change"].map(points).str.replace("−", "-").str.replace("–", "--"),
            "p (Holm)": rows["mcnemar_p_holm"].map(p_value).str.replace("–", "--"),
            "ECE": rows["ece"].map(number),
        }
    )
    styled = shown.style.hide(axis="index").format(escape="latex")
    styled = styled.format_index(axis="columns", escape="latex")
    text = str(styled.to_latex(hrules=True, column_format="lrrrrr"))
    return text.replace("& < ", "& $<$ ")
