"""The report: one page that needs nothing beside it, Markdown, CSV and LaTeX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from clip_har.core.atomic import whole_folder
from clip_har.figures.over_ratio import Measured, over_ratio_figure
from clip_har.figures.reliability import reliability_figure
from clip_har.metrics.accuracy import confusion_matrix
from clip_har.metrics.attributes import attribute_table
from clip_har.metrics.calibration import reliability
from clip_har.metrics.tables import confused_pairs
from clip_har.report.glossary import BIAS, explained, term
from clip_har.report.numbers import UNKNOWN, count, number, p_value, points, share
from clip_har.report.pictures import both_themes, confusion_picture, photograph
from clip_har.report.selection import Chosen, ReportCell
from clip_har.report.tables import DRAWS, cell_rows, class_changes
from clip_har.report.text import answer, question
from clip_har.results.costs import Part
from clip_har.results.files import read_cost
from clip_har.sweep.measures import SweepMeasures, sweep_measures

Records = Sequence[Mapping[Any, Any]]

PAGE, MARKDOWN, TABLE, LATEX = "report.html", "report.md", "cells.csv", "cells.tex"
_LINES = 8  # strategies in one figure
_LOOKED_AT = 4  # cells that are shown in detail
_MOVED = 5  # classes at either end
_VALUES = 30  # of an attribute
_FEW_ERRORS = 20  # of which a measure of the errors says nothing


@dataclass(frozen=True)
class Detail:
    """What is shown of a single cell.

    Attributes:
        name: of the cell.
        clips: how many it answered.
        confusion: a picture.
        pairs: the most confused ones.
        losing: classes whose recall falls most; empty for a clean cell.
        gaining: classes whose recall rises most.
    """

    name: str
    clips: int
    confusion: Markup
    pairs: Records
    losing: list[Any]
    gaining: list[Any]


def write_report(
    chosen: Chosen,
    folder: Path,
    *,
    measures: SweepMeasures | None = None,
    base_model: str | None = None,
) -> Path:
    """Write the report, in place of an older one.

    Args:
        chosen: its cells.
        folder: for its files.
        measures: what the cells tell together, where that is known already.
        base_model: that other models are compared with, see `sweep_measures`.

    Returns:
        The page.
    """
    rows = cell_rows(chosen.cells)
    if measures is None:
        finished = [one.finished() for one in chosen.cells]
        measures = sweep_measures(finished, base_model=base_model)
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
        "over_ratio": _over_ratio(rows, chance=1 / classes),
        "reliability": _reliability(detailed),
        "bias": _bias(chosen.cells),
        "bias_terms": list(BIAS.values()),
        "kinds": _kinds(detailed),
        "measures": _measures(measures.rows),
        "measure_terms": explained(measures.rows["measure"]),
        "several": bool(measures.rows["of"].astype(bool).any()),
        "noise": (noise := _noise(measures)),
        "noise_leaks": any("leaks" in row["variant"] for row in noise),
        "details": [_detail(one) for one in detailed],
        "costs": _costs(chosen.cells),
        "cost_parts": get_args(Part),
        "gallery": _gallery(chosen, detailed),
        "protocol": _protocol(chosen.cells),
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
        rows.to_csv(out / TABLE, index=False)
        (out / LATEX).write_text(_latex(rows), encoding="utf-8")
    return folder / PAGE


def _looked_at(cells: Sequence[ReportCell], rows: pd.DataFrame) -> list[ReportCell]:
    """Return a clean cell, and of the strategies that cost most the costliest cell each."""
    clean = next((one for one in cells if one.is_clean), None) or cells[0].clean
    order = rows["top1_change"].sort_values().index
    found = {} if clean is None else {"": clean}
    for place in order:
        one = cells[place]
        if not one.is_clean and len(found) < _LOOKED_AT:
            found.setdefault(one.strategy, one)
    return list(found.values()) or [cells[0]]


def _over_ratio(rows: pd.DataFrame, *, chance: float) -> list[Markup]:
    known = rows[rows["ratio"].notna()]
    several = known.groupby("strategy")["ratio"].nunique()
    if not len(several) or several.max() < 2:
        return []
    worst = known.groupby("strategy")["top1"].min().sort_values().index[:_LINES]
    drawn = [strategy for strategy in known["strategy"].unique() if strategy in worst]
    pictures = []
    shown = {"top-1": "top1", "confidence": "confidence", "calibration error": "ece"}
    for title, name in shown.items():
        lines = {
            str(strategy): _line(known[known["strategy"] == strategy], name) for strategy in drawn
        }
        drawn_chance = chance if name == "top1" else None
        draw = partial(over_ratio_figure, lines, measure=title, chance=drawn_chance)
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


def _reliability(cells: Sequence[ReportCell]) -> list[Markup]:
    pictures = []
    for one in cells:
        table = reliability(one.table.labels, one.table.probabilities())
        draw = partial(reliability_figure, table, title=one.name)
        pictures.append(both_themes(draw, f"reliability diagram of {one.name}"))
    return pictures


def _bias(cells: Sequence[ReportCell]) -> Records:
    return [
        {
            "cell": one.name,
            "values": [
                tuple(_bias_value(found, name) for found in (one.clean, one) if found is not None)
                for name in BIAS
            ],
        }
        for one in cells
    ]


def _bias_value(one: ReportCell, name: str) -> str:
    errors = round((1 - one.metrics["top1"]) * one.metrics["data/clips"])
    if name == "bias/confusion_asymmetry" and errors < _FEW_ERRORS:
        return UNKNOWN
    return BIAS[name].shown(one.metrics[name])


def _measures(rows: pd.DataFrame) -> Records:
    """Return the measures over several cells in plain words."""
    found = []
    for row in rows.to_dict("records"):
        known = term(str(row["measure"]))
        interval = ""
        if pd.notna(row["low"]):
            interval = f"{known.shown(row['low'])} to {known.shown(row['high'])}"
        shown = {"name": known.name, "value": known.shown(row["value"]), "interval": interval}
        found.append({**shown, "key": row["measure"], "of": row["of"], "clips": row["clips"]})
    return found


@dataclass(frozen=True)
class Kinds:
    """Accuracy for the values of an attribute.

    Attributes:
        attribute: its name.
        cells: names of the cells.
        rows: ``value``, and ``cells``, a row of `attribute_table` or None for each cell.
        left_out: how many values there is no room for; those that fare worst are shown.
    """

    attribute: str
    cells: Sequence[str]
    rows: Records
    left_out: int


def _kinds(cells: Sequence[ReportCell]) -> list[Kinds]:
    tables = [attribute_table(one.table, draws=DRAWS) for one in cells]
    found = []
    for attribute in dict.fromkeys(name for table in tables for name in table["attribute"]):
        parts = [table[table["attribute"] == attribute].set_index("value") for table in tables]
        worst = pd.concat(part["top1"] for part in parts).groupby(level=0).min().sort_values()
        rows = [
            {
                "value": value,
                "cells": [dict(part.loc[value]) if value in part.index else None for part in parts],
            }
            for value in sorted(worst.index[:_VALUES])
        ]
        if len(worst) > 1:
            names = [one.name for one in cells]
            found.append(Kinds(str(attribute), names, rows, max(0, len(worst) - _VALUES)))
    return found


def _costs(cells: Sequence[ReportCell]) -> Records:
    costs = [(one.name, read_cost(one.folder)) for one in cells]
    return [{"cell": name, **cost} for name, cost in costs if cost]


def _counted(rows: pd.DataFrame, cells: Sequence[ReportCell]) -> str:
    """Return how many cells there are of which kind."""
    clean = sum(one.is_clean for one in cells)
    kinds = {"with a mask or noise": len(rows) - clean, "clean": clean}
    message = [f"{many} {kind}" for kind, many in kinds.items() if many]
    return (
        f"{len(rows)} cells ({', '.join(message)})"
        if len(rows) > 1
        else f"1 cell ({message[0][2:]})"
    )


def _detail(one: ReportCell) -> Detail:
    table = one.table
    confusion = confusion_matrix(table.labels, table.scores)
    losing: list[Any] = []
    gaining: list[Any] = []
    if one.clean is not None:
        changes = class_changes(one, one.clean)
        losing = changes[changes["change"] < 0].head(_MOVED).to_dict("records")
        gaining = changes[changes["change"] > 0].tail(_MOVED)[::-1].to_dict("records")
    return Detail(
        name=one.name,
        clips=len(table.clip_ids),
        confusion=confusion_picture(confusion, table.class_names),
        pairs=confused_pairs(confusion, table.class_names, most=_MOVED).to_dict("records"),
        losing=losing,
        gaining=gaining,
    )


def _gallery(chosen: Chosen, cells: Sequence[ReportCell]) -> list[tuple[str, Markup]]:
    whole = None if chosen.folder is None else chosen.folder / "mask_gallery.png"
    if whole is not None and whole.is_file():
        return [("All masks on clips of this run", photograph(whole, "clips under each mask"))]
    return [
        (one.name, photograph(one.folder / "masked_clips.png", f"clips under {one.name}"))
        for one in cells
    ]


def _noise(measures: SweepMeasures) -> Records:
    if not len(measures.noise):
        return []
    shown = measures.noise[
        (measures.noise["measure"] == "top1") & (measures.noise["against"] == "none")
    ]
    return shown.to_dict("records")


def _protocol(cells: Sequence[ReportCell]) -> list[tuple[str, str]]:
    """Return what the cells have in common, and how many values else there are."""
    keys = [key for key in cells[0].protocol if key not in ("command", "clean_twin", "notes")]
    found = []
    for key in keys:
        values = list(dict.fromkeys(str(one.protocol.get(key)) for one in cells))
        found.append((key, values[0] if len(values) == 1 else f"{len(values)} values"))
    return found


def _protocol_line(cells: Sequence[ReportCell]) -> str:
    models = dict.fromkeys(Path(str(one.protocol["model"]["checkpoint"])).name for one in cells)
    data = dict.fromkeys(str(one.protocol["data"]) for one in cells)
    return f"{', '.join(models)} on {', '.join(data)}"


def _caution(cells: Sequence[ReportCell]) -> str:
    """Return what must be said of the package's own model and drawings."""
    found = []
    if any(str(one.protocol["data"]).startswith("synthetic") for one in cells):
        found.append("the clips are rendered")
    models = {str(one.protocol["model"]): one.cell.model for one in cells}
    found += sorted({model.caution for model in models.values()} - {""})
    if not found:
        return ""
    said = " and ".join(found)
    return f"{said[0].upper()}{said[1:]}: these numbers say nothing about CLIP on real video."


def _markdown(text: object) -> str:
    """Return text that does not break a Markdown table or start HTML."""
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(escaped.split())


def _latex(rows: pd.DataFrame) -> str:
    """Return the cells as a LaTeX table (booktabs), in letters that every engine knows."""
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
