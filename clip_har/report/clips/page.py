"""The page of clips: every answer of every cell, with the frames of some of them."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from clip_har.report.clips.answers import ATTRIBUTE, Change, shown_cells
from clip_har.report.clips.choose import choose
from clip_har.report.clips.links import DATA, PAGE
from clip_har.report.clips.sheets import FRAMES, SIDE
from clip_har.report.clips.strips import Strips, strips_of
from clip_har.results.result import Result
from clip_har.sweeps.comparisons import Comparison

_MOST = 500_000  # answers on the page; more would not open
_STEPS = 10_000  # shares are whole steps on the page


def write_clips(
    folder: Path,
    comparisons: Sequence[Comparison],
    rows: pd.DataFrame,
    *,
    title: str,
    cautions: Sequence[str],
    limit: int,
) -> None:
    """Write the page of clips, and the table of all answers for scripts.

    Args:
        folder: the folder of the report.
        comparisons: the cells.
        rows: their answers, see `clip_har.report.clips.answers.answers_of`.
        title: of the report.
        cautions: of each comparison, what its numbers cannot say; empty for nothing.
        limit: largest number of answers whose frames are shown.
    """
    listed = _listed(rows)
    picked = listed.iloc[choose(listed, limit)]
    cells = {one.folder.name: one for each in comparisons for one in shown_cells(each)}
    strips = strips_of(
        [(cells[str(name)], list(part["clip_id"])) for name, part in picked.groupby("result")]
    )
    pictured = np.array(rows["clip_id"].isin({clip_id for _, clip_id in strips.strips}), bool)
    keys = zip(rows["result"][pictured], rows["clip_id"][pictured], strict=True)
    pictured[pictured] = np.fromiter((key in strips.strips for key in keys), bool)
    rows.assign(pictured=pictured).to_parquet(folder / DATA, index=False)
    data = {
        "title": title,
        "changes": {str(one): one.label for one in Change},
        "comparisons": [
            _comparison(one, part, strips, caution)
            for one, caution in zip(comparisons, cautions, strict=True)
            for part in [listed[listed["comparison"] == one.name]]
        ],
    }
    content = {
        "title": title,
        "data": _json(data),
        "sheets": [base64.b64encode(one).decode() for one in strips.sheets],
        "answers": len(rows),
        "listed": len(listed),
        "pictured": len(strips.strips),
        "missing": strips.missing,
        "learned": [one.name for one in cells.values() if one.cell.noise.is_learned],
        "limit": limit,
        "frames": FRAMES,
        "side": SIDE,
        "file": DATA,
        "style": _own("clips.css"),
        "script": _own("clips.js"),
        "script_digest": _digest(_own("clips.js")),
    }
    templates = Environment(
        loader=PackageLoader("clip_har.report"),
        autoescape=select_autoescape(("html.j2",)),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = templates.get_template(f"{PAGE}.j2").render(content)
    (folder / PAGE).write_text(text, encoding="utf-8")


def flips(rows: pd.DataFrame) -> Mapping[str, Mapping[str, int]]:
    """Return the number of answers of each kind of change, by the folder of a cell's files.

    Args:
        rows: see `clip_har.report.clips.answers.answers_of`.
    """
    counts = rows.groupby(["result", "change"]).size()
    return {str(name): dict(counts[name]) for name in counts.index.get_level_values(0).unique()}


def _listed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the first cells, at most `_MOST`; a cell is listed whole or not at all."""
    ends = rows.groupby("result", sort=False).size().cumsum()
    kept = set(ends[ends <= max(_MOST, ends.iloc[0])].index)
    return rows[rows["result"].isin(kept)].reset_index(drop=True)


def _comparison(
    one: Comparison, rows: pd.DataFrame, strips: Strips, caution: str
) -> dict[str, Any]:
    """Return the answers of a comparison as lists of whole numbers."""
    classes = one.cells[0].table.class_names
    clips = rows.drop_duplicates("clip_id").reset_index(drop=True)
    place = pd.Series(clips.index, index=clips["clip_id"])
    attributes = {}
    for name in [str(name) for name in rows if str(name).startswith(ATTRIBUTE)]:
        codes, values = pd.factorize(clips[name], sort=True)
        if len(values):
            known = {"values": list(values), "of": codes.tolist()}
            attributes[name.removeprefix(ATTRIBUTE)] = known
    cells = {cell.folder.name: cell for cell in shown_cells(one)}
    return {
        "name": one.name,
        "caution": caution,
        "classes": list(classes),
        "clips": list(clips["clip_id"]),
        "labels": _codes(clips["class"], classes),
        "groups": list(clips["group"]),
        "attributes": attributes,
        "cells": [
            _cell(cells[name], part, classes, place, strips) for name, part in _by_result(rows)
        ],
    }


def _by_result(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of each result: they stand together."""
    codes, names = pd.factorize(rows["result"])
    ends = np.searchsorted(codes, np.arange(len(names) + 1))
    for name, start, end in zip(names, ends, ends[1:], strict=False):
        yield str(name), rows.iloc[start:end]


def _cell(
    one: Result, rows: pd.DataFrame, classes: Sequence[str], place: pd.Series, strips: Strips
) -> dict[str, Any]:
    own = one.folder.name
    pictured = rows["clip_id"].isin({clip_id for name, clip_id in strips.strips if name == own})
    return {
        "name": one.name,
        "result": own,
        "leaks": one.leaks,
        "clean": one.is_clean,
        "clips": place[rows["clip_id"]].tolist(),
        "predicted": _codes(rows["predicted"], classes),
        "before": _codes(rows["predicted_before"], classes),
        "scene": _codes(rows["scene_class"], classes),
        "change": _codes(rows["change"], [str(change) for change in Change]),
        **{
            name: _in_steps(rows[name])
            for name in (
                *("confidence", "confidence_before", "true_probability", "true_probability_before"),
                *("hidden", "drift"),
            )
        },
        "strips": {
            int(place[clip_id]): [strip.seen, strip.whole, strip.frames, strip.of]
            for clip_id in rows["clip_id"][pictured]
            for strip in [strips.strips[own, clip_id]]
        },
    }


def _codes(column: pd.Series, names: Sequence[str]) -> list[int]:
    """Return the index of each name; -1 for none."""
    codes: list[int] = pd.Index(names).get_indexer(pd.Index(column)).tolist()
    return codes


def _in_steps(column: pd.Series) -> list[int]:
    """Return a column as whole steps of `_STEPS`; -1 for an unknown value."""
    values = column.to_numpy(np.float64)
    steps = np.where(np.isnan(values), -1, np.rint(np.nan_to_num(values) * _STEPS).clip(0))
    whole: list[int] = steps.astype(np.int64).tolist()
    return whole


def _json(data: object) -> Markup:
    """Return JSON that cannot end the script element that holds it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704, no tag can start


def _own(name: str) -> Markup:
    text = (files("clip_har.report") / "templates" / name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704, a file of this package


def _digest(script: str) -> str:
    """Return the hash of a script for the page's policy: no other script runs."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
