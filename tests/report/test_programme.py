"""The parts of a sweep in the report: in their order, each number with its command."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from clip_har.report.page import MARKDOWN, PAGE, write_report
from clip_har.report.programme import Programme, programme_of
from clip_har.report.selection import of_sweep
from clip_har.results.sweep import Parts, Sweep
from clip_har.sweeps.measures import SweepMeasures, sweep_measures
from clip_har.sweeps.table import cell_rows
from tests.report.made import made_cell, made_sweep, table


def with_parts(sweep: Path, about: str, **jobs: int) -> Path:
    """Divide a sweep into parts."""
    told = Sweep.read(sweep)
    assert told is not None
    replace(told, parts=Parts(about, tuple(jobs.items()))).write(sweep)
    return sweep


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Write a sweep in which one cell failed and two jobs have one result."""
    clean = table(0.9)
    none = made_cell(tmp_path, "clean", clean, "masking=none")
    percent = made_cell(tmp_path, "p", table(0.5), "masking=percent", clean=clean)
    shape = made_cell(tmp_path, "s", table(0.7), "masking=shape", clean=clean)
    cells: dict[str, Path | str] = {
        "none": none,
        "shape": shape,
        "percent": percent,
        "feature": "broken",
        "again": shape,
    }
    return made_sweep(tmp_path, cells)


def programme(sweep: Path) -> Programme | None:
    chosen = of_sweep(sweep)
    return programme_of(chosen, cell_rows(chosen.cells), [sweep_measures(chosen.jobs)])


def test_a_sweep_without_parts_has_none(sweep: Path) -> None:
    assert programme(sweep) is None


def test_each_part_has_its_own_cells_in_their_order(sweep: Path) -> None:
    found = programme(with_parts(sweep, "About it.", masks=3, aimed=2))
    assert found is not None
    masks, aimed = found.parts
    assert [row["cell"] for row in masks.cells] == ["none", "shape", "percent"]
    assert [row["top1"] for row in masks.cells] == sorted(
        [row["top1"] for row in masks.cells],
        key=lambda top1: (top1 != masks.cells[0]["top1"], -top1),
    )
    assert (masks.missing, aimed.missing) == (0, 1)
    assert len(aimed.cells) == 1
    assert not found.several
    assert not masks.noise
    assert not masks.scene


def test_the_page_shows_them_before_all_else(sweep: Path, tmp_path: Path) -> None:
    chosen = of_sweep(with_parts(sweep, "About <it>.", masks=3, aimed=2))
    text = write_report(chosen, tmp_path / "report").read_text(encoding="utf-8")
    shown = text[text.index('id="programme"') : text.index('id="cells"')]
    assert "About &lt;it&gt;." in shown
    assert shown.index("<h3>masks</h3>") < shown.index("<h3>aimed</h3>")
    commands = pd.Series(row["command"] for row in cell_rows(chosen.cells).to_dict("records"))
    assert all(command in shown for command in commands)
    assert "1 of its cells has no result" in shown
    note = (tmp_path / "report" / MARKDOWN).read_text(encoding="utf-8")
    assert note.index("### masks") < note.index("### aimed")
    assert all(f"`{command}`" in note for command in commands)
    plain = write_report(replace(chosen, folder=None), tmp_path / PAGE).read_text(encoding="utf-8")
    assert 'id="programme"' not in plain


def test_noise_and_swaps_stand_in_their_parts(tmp_path: Path) -> None:
    """The numbers are tested where they are computed; here: which of them a part shows."""
    clean = table(0.9)
    learned = ("noise=universal", "region=motion")
    cells: dict[str, Path | str] = {
        "none": made_cell(tmp_path, "clean", clean, "masking=none"),
        "percent": made_cell(tmp_path, "p", table(0.5), "masking=percent", *learned, clean=clean),
        "shape": made_cell(tmp_path, "s", table(0.5), "masking=shape", *learned, clean=clean),
        "swap": made_cell(tmp_path, "w", table(0.5), "masking=swap", "region=motion", clean=clean),
    }
    chosen = of_sweep(with_parts(made_sweep(tmp_path, cells), "", clean=1, noise=1, bias=2))
    rows = [
        {"mask": mask, "noise": "universal", "variant": variant, "against": against,
         "measure": measure, "before": 0.5, "after": 0.6, "difference": 0.1}
        for mask in ("percent", "shape")
        for variant in ("learned", "random")
        for against in ("none", "random")
        for measure in ("top1", "bias/skew_kl", "ece")
    ]  # fmt: skip
    scene = [
        {"measure": name, "of": "", "value": 0.3, "low": 0.2, "high": 0.4, "clips": 9, "groups": 9}
        for name in ("scene/swap_error", "robustness/seed_consistency")
    ]
    measures = SweepMeasures(
        pd.DataFrame(scene), pd.DataFrame(), pd.DataFrame(rows), pd.DataFrame()
    )
    found = programme_of(chosen, cell_rows(chosen.cells), [measures])
    assert found is not None
    plain, noise, bias = found.parts
    assert not plain.noise
    assert not plain.scene
    assert not noise.scene
    assert [(row["mask"], row["variant"]) for row in noise.noise] == [
        ("percent", "learned"),
        ("percent", "random"),
    ]
    assert {row["mask"] for row in bias.noise} == {"shape"}
    assert noise.noise[0]["top1"]["after"] == 0.6
    assert noise.noise[0]["skew"]["measure"] == "bias/skew_kl"
    assert [row["key"] for row in bias.scene] == ["scene/swap_error"]
