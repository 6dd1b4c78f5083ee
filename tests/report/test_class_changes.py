"""The numbers of a report, against an independent computation."""

import numpy as np
import pytest
from scipy.stats import binomtest

from clip_har.report.class_changes import class_changes
from clip_har.report.selection import of_sweep
from clip_har.sweeps.table import cell_rows
from tests.report.made import made_cell, made_sweep, table, usual


def test_rows_hold_what_scipy_finds(tmp_path):
    chosen = of_sweep(usual(tmp_path))
    rows = cell_rows(chosen.cells)
    assert rows["cell"].tolist() == [one.name for one in chosen.cells]
    clean = chosen.cells[0].table
    p_values = []
    for row, one in zip(rows.to_dict("records"), chosen.cells, strict=True):
        right = one.table.predictions() == one.table.labels
        hits = int(right.sum())
        assert row["top1"] == pytest.approx(right.mean())
        assert row["top1_low"] < row["top1"] < row["top1_high"]
        wilson = binomtest(hits, 160).proportion_ci(method="wilson")
        assert row["top1_wilson_low"] == pytest.approx(wilson.low)
        assert row["top1_wilson_high"] == pytest.approx(wilson.high)
        if one.is_clean:
            assert np.isnan([row["top1_change"], row["mcnemar_p"], row["top1_detectable"]]).all()
            continue
        was = clean.predictions() == clean.labels
        lost, gained = int((was & ~right).sum()), int((~was & right).sum())
        expected = binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
        assert row["mcnemar_p"] == pytest.approx(expected)
        p_values.append(expected)
        assert row["top1_change"] == pytest.approx(right.mean() - was.mean())
        assert row["top1_change_low"] <= row["top1_change"] <= row["top1_change_high"]
        width = row["top1_change_high"] - row["top1_change_low"]
        assert row["top1_detectable"] == pytest.approx(width * 2.8016 / 3.92, rel=1e-3)
        assert row["command"].startswith("python -m clip_har masking=")
    # Holm by hand: the smallest times how many there are, and never below the one before.
    order = np.argsort(p_values)
    held = np.maximum.accumulate(
        [min(1, p_values[k] * (len(order) - rank)) for rank, k in enumerate(order)]
    )
    found = rows["mcnemar_p_holm"].dropna().to_numpy()[order]
    np.testing.assert_allclose(found, held)


def test_one_clean_cell_has_no_comparison(tmp_path):
    folder = made_cell(tmp_path, "clean", table(0.9), "masking=none")
    rows = cell_rows(of_sweep(made_sweep(tmp_path, {"none": folder})).cells)
    assert rows["mcnemar_p_holm"].isna().all()
    assert "flip_rate" not in rows


def test_a_cell_that_shares_no_clip_with_its_twin_has_no_comparison(tmp_path):
    from dataclasses import replace

    clean = table(0.9)
    other = replace(clean, clip_ids=tuple(f"other {n}" for n in range(160)))
    cells = {
        "none": made_cell(tmp_path, "clean", clean, "masking=none"),
        "percent": made_cell(tmp_path, "percent", other, "masking=percent", clean=clean),
    }
    rows = cell_rows(of_sweep(made_sweep(tmp_path, cells)).cells)
    assert rows["top1_change"].isna().all()
    assert "flip_rate" not in rows


def test_classes_that_lose_come_first(tmp_path):
    chosen = of_sweep(usual(tmp_path))
    worst = chosen.cells[-1]
    assert worst.clean is not None
    changes = class_changes(worst, worst.clean)
    assert changes["change"].is_monotonic_increasing
    assert changes["clips"].tolist() == [20] * 8
    total = (changes["masked"] * changes["clips"]).sum() / 160
    assert total == pytest.approx(worst.metrics["top1"])
