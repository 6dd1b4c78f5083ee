"""Curves over the hidden share: by mask, in percent, from the clean twin where it is comparable."""

from pathlib import Path

import pytest

from clip_har.results.result import Result
from clip_har.sweeps.curves import curves_over_ratio
from tests.report.made import made_cell, table

CLEAN = table(0.9)


def shape(results: Path, ratio: float, accuracy: float, *, clips: int = 160) -> Result:
    answers = table(accuracy, ratio=ratio, clips=clips)
    words = ("masking=shape", f"ratio={ratio}")
    return Result(made_cell(results, f"shape r={ratio:g}", answers, *words, clean=CLEAN))


@pytest.fixture
def clean(tmp_path: Path) -> Result:
    return Result(made_cell(tmp_path, "clean", CLEAN, "masking=none"))


def test_the_clean_twin_is_at_zero(tmp_path: Path, clean: Result) -> None:
    cells = [shape(tmp_path, 0.3, 0.5), shape(tmp_path, 0.1, 0.8)]
    found = curves_over_ratio([clean, *cells, cells[0]])
    assert set(found) == {f"{name}_over_ratio/shape" for name in ("top1", "confidence", "ece")}
    expected = {0: clean, 10: cells[1], 30: cells[0]}
    for name in ("top1", "confidence", "ece"):
        numbers = {percent: one.metrics[name] for percent, one in expected.items()}
        assert found[f"{name}_over_ratio/shape"] == numbers


def test_a_twin_of_other_clips_is_no_point_of_the_curve(tmp_path: Path, clean: Result) -> None:
    found = curves_over_ratio([shape(tmp_path, 0.3, 0.5, clips=120)])
    assert set(found["top1_over_ratio/shape"]) == {30}


def test_two_cells_at_the_same_percent_give_no_curve(tmp_path: Path, clean: Result) -> None:
    cells = [shape(tmp_path, 0.3, 0.5), shape(tmp_path, 0.301, 0.4)]
    assert curves_over_ratio(cells) == {}


def test_a_mask_without_a_ratio_has_no_curve(tmp_path: Path, clean: Result) -> None:
    words = ("masking=feature", "region=annotation", "ratio=null")
    whole = Result(made_cell(tmp_path, "feature", table(0.4, ratio=0.2), *words, clean=CLEAN))
    assert curves_over_ratio([whole]) == {}
