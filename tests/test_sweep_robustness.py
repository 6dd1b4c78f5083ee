"""What cells over ratios and seeds tell together."""

from pathlib import Path

import pytest

from clip_har.report.cells import of_sweep
from clip_har.sweep_measures import sweep_measures
from tests.report.made import made_cell, made_sweep, table, usual


def rows(sweep: Path) -> dict[tuple[str, str], float]:
    found = sweep_measures([one.finished() for one in of_sweep(sweep).cells]).rows
    return {(row["measure"], row["of"]): row["value"] for row in found.to_dict("records")}


def test_a_strategy_over_its_ratios(tmp_path):
    sweep = usual(tmp_path)
    cells = {one.name: one.metrics["top1"] for one in of_sweep(sweep).cells}
    found = rows(sweep)
    for strategy in ("percent", "shape"):
        clean, *tops = [cells["none"]] + [cells[f"{strategy} r={r}"] for r in (0.1, 0.3, 0.5)]
        by_hand = 0.1 * (clean + tops[0]) / 2 + 0.2 * (tops[0] + tops[1]) / 2
        by_hand += 0.2 * (tops[1] + tops[2]) / 2
        assert found["robustness/area", strategy] == pytest.approx(by_hand / 0.5)
        left = sum(tops) / 3 / clean
        assert found["robustness/resilience", strategy] == pytest.approx(left)
    assert found["robustness/area", "shape"] < found["robustness/area", "percent"]


def test_one_ratio_is_no_curve(tmp_path):
    clean = table(0.9)
    cells = {
        "none": made_cell(tmp_path, "clean", clean, "masking=none"),
        "shape r=0.3": made_cell(
            tmp_path, "shape", table(0.5), "masking=shape", "ratio=0.3", clean=clean
        ),
    }
    assert rows(made_sweep(tmp_path, cells)) == {}


def test_seeds_of_one_mask_agree_or_not(tmp_path):
    answers = [table(0.6, seed=0), table(0.6, seed=0), table(0.6, seed=1)]
    cells = {
        f"percent r=0.3 seed={seed}": made_cell(
            tmp_path, f"seed {seed}", found, "masking=percent", f"seed={seed}"
        )
        for seed, found in enumerate(answers)
    }
    alike = (answers[0].predictions() == answers[2].predictions()).mean()
    found = rows(made_sweep(tmp_path, cells))
    assert found == {
        ("robustness/seed_consistency", "percent r=0.3"): pytest.approx((1 + 2 * alike) / 3)
    }


def test_other_drawings_are_no_other_seed_of_the_mask(tmp_path):
    cells = {
        f"percent seed={seed}": made_cell(
            tmp_path, f"seed {seed}", table(0.6), "masking=percent", f"seed={seed}",
            f"dataset.seed={seed}",
        )
        for seed in (0, 1)
    }  # fmt: skip
    assert rows(made_sweep(tmp_path, cells)) == {}
