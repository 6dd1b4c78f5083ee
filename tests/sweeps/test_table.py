"""The numbers of a report, against an independent computation."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test
from scipy.stats import t as student

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
        assert row["top1"] == pytest.approx(right.mean())
        assert row["top1_low"] < row["top1"] < row["top1_high"]
        assert not row["same_classes"], "its groups have clips of several classes"
        if one.is_clean:
            assert np.isnan([row["top1_change"], row["top1_p"], row["top1_detectable"]]).all()
            continue
        was = clean.predictions() == clean.labels
        change = pd.Series(right.astype(int) - was).groupby(np.array(one.table.groups)).sum()
        expected = permutation_test(
            (change.to_numpy(),), np.sum, permutation_type="samples", n_resamples=20_000,
            vectorized=True, rng=np.random.default_rng(0),
        ).pvalue  # fmt: skip
        assert row["top1_p"] == pytest.approx(expected, abs=0.015)
        p_values.append(row["top1_p"])
        assert row["top1_change"] == pytest.approx(right.mean() - was.mean())
        assert row["top1_change_low"] <= row["top1_change"] <= row["top1_change_high"]
        # Near an end of the range the interval is wider there; the other side is Student's.
        factor = (student(19).ppf(0.975) + student(19).ppf(0.8)) / student(19).ppf(0.975)
        change = row["top1_change"]
        side = min(change - row["top1_change_low"], row["top1_change_high"] - change)
        assert row["top1_detectable"] == pytest.approx(side * factor, rel=1e-6)
        assert row["command"].startswith("python -m clip_har masking=")
    # Holm by hand: the smallest times how many there are, and never below the one before.
    order = np.argsort(p_values)
    held = np.maximum.accumulate(
        [min(1, p_values[k] * (len(order) - rank)) for rank, k in enumerate(order)]
    )
    found = rows["top1_p_holm"].dropna().to_numpy()[order]
    np.testing.assert_allclose(found, held)


def verdicts(rows: pd.DataFrame) -> dict[str, str]:
    known = rows.dropna(subset="verdict")
    return dict(zip(known["cell"], known["verdict"], strict=True))


def test_seeds_are_one_test_and_cells_that_leak_none(tmp_path):
    clean = table(0.9)
    cells = {"none": made_cell(tmp_path, "clean", clean, "masking=none")}
    for seed in (0, 1, 2):
        name = f"percent r=0.3 seed={seed}"
        cells[name] = made_cell(
            tmp_path, name, table(0.4 + seed / 100), "masking=percent", f"seed={seed}", clean=clean
        )
    cells["shape"] = made_cell(tmp_path, "shape", table(0.89), "masking=shape", clean=clean)
    cells["oracle"] = made_cell(
        tmp_path, "oracle", table(1.0), "masking=percent", "ratio=0.5", clean=clean, leaks=True
    )
    rows = cell_rows(of_sweep(made_sweep(tmp_path, cells)).cells)
    known = rows.dropna(subset="top1_p")
    assert len(known) == 4
    assert (known["tests"] == 2).all()
    assert known["condition"].nunique() == known["top1_p"].nunique() == 2
    assert known["family"].nunique() == 1
    assert known["top1_p_holm"].max() <= 2 * known["top1_p"].max()
    found = verdicts(rows)
    assert {found.pop("shape")} <= {"undecided", "no change"}
    assert set(found.values()) == {"lower"}
    assert len(found) == 3


def test_seeds_of_random_noise_are_one_test_unless_they_are_swept_by_themselves(tmp_path):
    clean = table(0.9)
    cells = {"none": made_cell(tmp_path, "clean", clean, "masking=none")}
    for seed in (0, 1, 2):
        name = f"percent noise=gaussian seed={seed}"
        cells[name] = made_cell(
            tmp_path, name, table(0.4 + seed / 100), "masking=percent", "noise=gaussian",
            f"seed={seed}", clean=clean,
        )  # fmt: skip
    for seed in (5, 6):
        name = f"shape noise=gaussian noise.seed={seed}"
        cells[name] = made_cell(
            tmp_path, name, table(0.6 + seed / 100), "masking=shape", "noise=gaussian",
            f"noise.seed={seed}", clean=clean,
        )  # fmt: skip
    known = cell_rows(of_sweep(made_sweep(tmp_path, cells)).cells).dropna(subset="top1_p")
    assert (known["tests"] == 3).all()
    assert known.groupby("condition", sort=False).size().tolist() == [3, 1, 1]
    assert known["condition"].iloc[0] == "percent noise=gaussian"


@pytest.mark.parametrize(("margin", "verdict"), [(0.01, "undecided"), (0.5, "no change")])
def test_no_change_is_said_within_the_margin_only(tmp_path, margin, verdict):
    """Nothing changes in 20 groups: the next group may differ by much more than a point."""
    clean = table(0.9)
    cells = {
        "none": made_cell(tmp_path, "clean", clean, "masking=none"),
        "percent": made_cell(
            tmp_path, "percent", clean, "masking=percent", f"report.margin={margin}", clean=clean
        ),
    }
    chosen = of_sweep(made_sweep(tmp_path, cells))
    rows = cell_rows(chosen.cells)
    assert verdicts(rows) == {"percent": verdict}
    assert rows["top1_p"].dropna().tolist() == [1]
    assert verdicts(cell_rows(chosen.cells, margin=0.5)) == {"percent": "no change"}


def test_one_clean_cell_has_no_comparison(tmp_path):
    folder = made_cell(tmp_path, "clean", table(0.9), "masking=none")
    rows = cell_rows(of_sweep(made_sweep(tmp_path, {"none": folder})).cells)
    assert rows["top1_p_holm"].isna().all()
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
