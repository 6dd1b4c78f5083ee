"""Probes and halves of the classes on the page, apart from zero-shot numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from clip_har.config.measures import MeasureSettings
from clip_har.core.checksum import write_manifest
from clip_har.engine.probe_files import write_probes
from clip_har.metrics.summary import summarise
from clip_har.report.page import write_report
from clip_har.report.protocols import half_class_rows, probe_rows
from clip_har.report.selection import of_sweep
from clip_har.results.files import METRICS_CODE
from clip_har.results.measured import Measured
from clip_har.results.result import Result, metrics_code
from tests.report.made import made_cell, made_sweep, table

SETTINGS = MeasureSettings(reference="train", probe=(1, "all"), probe_seeds=2)
MEASURES = ("measures.reference=train", "measures.probe=[1,all]", "measures.probe_seeds=2")


def probed(results: Path) -> dict[str, Path | str]:
    """Return a clean and a masked cell with probes, and the cell that these are trained on."""
    draws = np.random.default_rng(0)
    clean, masked, train = table(0.9), table(0.5), table(0.8, groups=16)
    centres = draws.normal(size=(8, 5))
    vectors = [
        (centres[one.labels] + draws.normal(size=(160, 5)) / 2).astype(np.float32)
        for one in (clean, masked, train)
    ]
    clean, masked = (
        replace(one, embeddings=own) for one, own in zip((clean, masked), vectors, strict=False)
    )
    names = tuple(f"t{number % 16}" for number in range(160))
    train = replace(train, embeddings=vectors[2], groups=names)
    trained_on = made_cell(results, "train", train, data_digest="t")
    cells: dict[str, Path | str] = {}
    for name, answers in (("none", clean), ("percent r=0.3", masked)):
        folder = made_cell(results, name, answers, f"masking={name.split()[0]}", *MEASURES)
        write_probes(folder, answers, Result(trained_on), SETTINGS)
        numbers = tuple(summarise(answers, None, train, SETTINGS))
        numbers = tuple(one for one in numbers if one.startswith("probe/"))
        facts = Measured(SETTINGS, {"train": trained_on.name}, numbers).facts()
        write_manifest(folder, {METRICS_CODE: metrics_code(), **facts})
        cells[name] = folder
    return cells


def test_probes_stand_in_a_table_of_their_own_with_a_word(tmp_path: Path) -> None:
    chosen = of_sweep(made_sweep(tmp_path, probed(tmp_path)))
    found = probe_rows(chosen.cells)
    assert found is not None
    assert list(found.shots) == ["1", "all"]
    assert [row["cell"] for row in found.rows] == ["none", "percent r=0.3"]
    assert " ± " in found.rows[0]["probes"][0]
    assert " ± " not in found.rows[0]["probes"][1], "there is one draw of all clips"
    page = write_report(chosen, tmp_path / "report", clips=0)
    text = page.read_text(encoding="utf-8")
    section = text[text.index('id="probes"') :].split("<h2")[0]
    assert "<strong>Not zero-shot.</strong>" in section
    assert "Trained on clean clips of made (160 clips of 16 groups" in section
    assert found.rows[1]["probes"][0] in section
    cells = text[text.index('id="cells"') : text.index('id="halves"')]
    assert "probe" not in cells
    markdown = page.with_name("report.md").read_text(encoding="utf-8")
    assert "not zero-shot" in markdown


def test_cells_without_probes_or_halves_show_none(tmp_path: Path) -> None:
    three = table(0.9, names=("a", "b", "c"))
    cell = Result(made_cell(tmp_path, "none", three), {"masking": "none"})
    assert probe_rows([cell]) is None
    assert half_class_rows([cell]) == []
