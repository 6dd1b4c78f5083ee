"""The tables of a page: clean rows, settings, clips left out, classes, models."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_har.figures.style import STYLE
from clip_har.report.cells_table import cells_table
from clip_har.report.classes import class_table, hardest_class
from clip_har.report.matrix import matrix
from clip_har.report.page import FIGURES, LATEX, MARKDOWN, PAGE, write_report
from clip_har.report.selection import of_sweep
from clip_har.results.result import Result
from clip_har.sweeps.comparisons import comparisons_of
from clip_har.sweeps.table import cell_rows
from tests.report.made import made_cell, made_sweep, table, varies
from tests.tables import rows_of


def cells_of(results: Path, *specs: tuple[str, tuple[str, ...]], **card: Any) -> list[Result]:
    """Return cells that share the clean twin ``clean``, which is no cell of the sweep."""
    clean = table(0.9)
    made_cell(results, "clean", clean, "masking=none")
    return [
        Result(made_cell(results, name, table(0.6, ratio=ratio), *overrides, clean=clean, **card))
        for name, overrides in specs
        for ratio in [float(varies(name).get("ratio", 0))]
    ]


def test_a_clean_row_comes_first_also_if_none_is_not_swept(tmp_path):
    (one,) = cells_of(tmp_path, ("percent r=0.3", ("masking=percent", "ratio=0.3")))
    out = write_report(of_sweep(made_sweep(tmp_path, {one.name: one.folder})), tmp_path / "out")
    rows = re.findall(r'<tr data-cell="([^"]+)"', out.read_text())
    assert rows == ["none (clean twin)", "percent r=0.3"]
    for name in (MARKDOWN, LATEX):
        lines = out.with_name(name).read_text().splitlines()
        first = next(n for n, line in enumerate(lines) if "none (clean twin)" in line)
        assert "percent r=0.3" in lines[first + 1]


@pytest.mark.parametrize(
    ("overrides", "title", "text"),
    [
        (("masking=percent", "fill=mean"), "fill", "mean"),
        (("masking=percent", "masking.patch=32"), "patch, px", "32"),
        (("masking=percent", "masking.phase=aligned"), "phase", "aligned"),
        (("masking=shape", "masking.shape=star"), "shape", "star"),
        (("masking=percent",), "", ""),
    ],
)
def test_settings_stand_in_the_table_where_they_are_not_the_default(
    tmp_path, overrides, title, text
):
    cells = cells_of(tmp_path, ("mask", overrides))
    found = cells_table(cells, cell_rows(cells))
    assert found.settings == ([title] if title else [])
    assert found.rows[0]["settings"] == ([text] if text else [])


def test_the_source_of_regions_is_shown_and_whether_it_estimates(tmp_path):
    card = {"region": {"kind": "MotionRegion", "exact": False}}
    overrides = ("masking=feature", "region=motion")
    cells = cells_of(tmp_path, ("feature", overrides), **card)
    (row,) = cells_table(cells, cell_rows(cells)).rows
    assert row["settings"] == ["motion, estimated"]


def test_clips_that_are_left_out_are_told_and_the_twin_is_over_the_same_ones(tmp_path):
    clean, masked = table(0.9), table(0.6)
    kept = np.arange(40, 160)
    part = rows_of(masked, kept.tolist())
    made_cell(tmp_path, "clean", clean, "masking=none")
    card: dict[str, Any] = {"clips_left_out": 40, "clips_nothing_found": 38, "clips_covered": 2}
    one = Result(made_cell(tmp_path, "m", part, "masking=percent", clean=clean, **card))
    rows = cell_rows([one])
    right = (clean.predictions() == clean.labels)[kept]
    assert rows["top1_clean"].item() == pytest.approx(right.mean())
    assert rows["top1_clean_low"].item() < right.mean() < rows["top1_clean_high"].item()
    assert right.mean() != (clean.predictions() == clean.labels).mean()
    page = write_report(of_sweep(made_sweep(tmp_path, {"m": one.folder})), tmp_path / "out")
    text = page.read_text()
    assert "of 160 clips: 38 target not found, 2 too little left to see" in text.split("<nav")[0]
    assert ">38 target not found, 2 too little left to see<" in text


def test_the_class_that_loses_most_is_marked(tmp_path):
    clean = table(1.0)
    scores = clean.scores.copy()
    for label, share in ((2, 1.0), (5, 0.5)):  # all of class 2 are wrong, half of class 5
        rows = np.flatnonzero(clean.labels == label)
        scores[rows[: int(share * len(rows))]] = np.eye(8, dtype=np.float32)[0]
    made_cell(tmp_path, "clean", clean, "masking=none")
    answers = replace(clean, scores=scores)
    one = Result(made_cell(tmp_path, "m", answers, "masking=percent", clean=clean))
    assert hardest_class(one) == "class 2 −100.0"
    found = class_table([one])
    changes = {row["name"]: row["changes"][0] for row in found.rows}
    assert changes["class 2"] == {"change": -1.0, "worst": True}
    assert changes["class 5"] == {"change": -0.5, "worst": False}
    assert changes["class 0"] == {"change": 0.0, "worst": False}


def test_models_are_columns_and_masks_are_rows(tmp_path):
    cells = []
    for model, accuracy in (("runs/a/final", 0.9), ("runs/b/final", 0.5)):
        clean = table(accuracy)
        extra: dict[str, Any] = {"weights_digest": model}
        options = (f"model.checkpoint={model}",)
        twin = made_cell(tmp_path, f"none {model}", clean, *options, **extra)
        for name in ("percent r=0.3", "shape r=0.3")[: 2 if accuracy == 0.9 else 1]:
            folder = made_cell(
                tmp_path, f"{name} model.checkpoint={model}", table(accuracy - 0.3),
                f"masking={name.split()[0]}", "ratio=0.3", *options, clean=clean,
                clean_twin=twin.name, **extra,
            )  # fmt: skip
            cells.append(Result(folder))
    found = comparisons_of(cells)
    tables = [cell_rows([*one.cells, one.cells[0].clean]) for one in found]  # type: ignore[list-item]
    shown = matrix(found, tables)
    assert shown.columns == ["a/final", "b/final"]
    assert [row["name"] for row in shown.rows] == ["unchanged", "percent r=0.3", "shape r=0.3"]
    by_name = {row["name"]: row["cells"] for row in shown.rows}
    assert by_name["shape r=0.3"][1] is None
    for place, table_ in enumerate(tables):
        assert by_name["percent r=0.3"][place]["top1"] == table_["top1"].iloc[0]
        assert by_name["unchanged"][place]["top1"] == table_["top1"].iloc[-1]


def test_figures_are_written_for_print_in_one_style(tmp_path):
    cells = cells_of(
        tmp_path,
        *((f"percent r={r}", ("masking=percent", f"ratio={r}")) for r in ("0.1", "0.3")),
    )
    sweep = made_sweep(tmp_path, {one.name: one.folder for one in cells})
    folder = write_report(of_sweep(sweep), tmp_path / "out", printed=True).parent / FIGURES
    names = {path.name for path in folder.iterdir()}
    assert {"top1_over_ratio.pdf", "ece_over_ratio.pdf", "risk_over_coverage.pdf"} <= names
    assert {STYLE.name, "confusion_none_clean_twin.pdf"} <= names
    text = (folder / "top1_over_ratio.pdf").read_bytes()
    assert b"/Subtype /Type3" not in text, "publishers want whole fonts"
    assert b"/FontFile2" in text


def test_the_latex_table_compiles(tmp_path):
    program = shutil.which("tectonic") or shutil.which("pdflatex")
    if program is None:
        pytest.skip("no LaTeX on this machine (Debian: texlive-latex-recommended)")
    name = "percent r=0.3 feature=x"
    cells = cells_of(tmp_path, (name, ("masking=percent", "ratio=0.3")))
    known = {"masking": "percent", "ratio": 0.3, "feature": "人_&%#$~^{x}\\ café <2 − 1"}
    sweep = made_sweep(tmp_path, {name: cells[0].folder}, named={name: known})
    out = write_report(of_sweep(sweep), tmp_path / "out").with_name(LATEX)
    packages = r"\usepackage[T1]{fontenc}\usepackage{booktabs}"
    text = rf"\documentclass{{article}}{packages}\begin{{document}}\input{{{out}}}\end{{document}}"
    (tmp_path / "paper.tex").write_text(text, encoding="utf-8")
    more = [] if "tectonic" in program else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run(
        [program, *more, "paper.tex"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").is_file()


def test_names_of_a_hundred_classes_stand_in_the_confusion_matrix(tmp_path):
    names = tuple(f"ClassNumber{number}" for number in range(101))
    clean = table(0.9, names=names, clips=202)
    folder = made_cell(tmp_path, "clean", clean, "masking=none")
    page = write_report(of_sweep(made_sweep(tmp_path, {"none": folder})), tmp_path / "out")
    (picture,) = re.findall(r'<svg class="confusion large".*?</svg>', (page).read_text(), re.DOTALL)
    assert page.name == PAGE
    assert all(picture.count(f">{name}<") == 2 for name in names)
