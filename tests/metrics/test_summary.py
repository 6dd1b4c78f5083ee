"""A cell's numbers with its clean twin, and that every name stands for its own measure."""

from dataclasses import replace

import numpy as np
import pytest

from clip_har.metrics import summary
from clip_har.metrics.measure import Measure
from clip_har.metrics.measures import MEASURES
from clip_har.metrics.robustness import robustness
from clip_har.metrics.summary import summarise
from tests.report.made import table

CLEAN, CELL = table(0.9), table(0.4, seed=1)


def test_a_new_measure_is_one_function_and_one_entry(monkeypatch):
    def sure(probabilities: np.ndarray) -> float:
        return float((probabilities.max(axis=1) > 0.5).mean())

    entry = Measure("sure", "sure", "%", "neither", (0, 1), sure, "Share of sure predictions.")
    monkeypatch.setattr(summary, "MEASURES", (*MEASURES, entry))
    assert summarise(CELL)["sure"] == sure(CELL.probabilities())


def test_the_twin_adds_robustness_and_changes_nothing_else():
    alone, found = summarise(CELL), summarise(CELL, CLEAN)
    added = robustness(CELL, CLEAN)
    assert not alone.keys() & added.keys()
    assert found == {**alone, **added}
    assert found["robustness/absolute"] < 0.7  # the cell's, not the twin's
    assert found["flip_rate/harmful"] > found["flip_rate/helpful"]
    assert found["bias/amplification"] == pytest.approx(
        found["bias/skew_kl"] - summarise(CLEAN)["bias/skew_kl"]
    )
    assert found["robustness/relative"] == pytest.approx(found["top1"] / summarise(CLEAN)["top1"])


def test_a_twin_of_other_clips_adds_nothing():
    stranger = replace(CLEAN, clip_ids=tuple(f"other {number}" for number in range(160)))
    assert summarise(CELL, stranger) == summarise(CELL)


def test_clips_in_which_the_target_was_not_found_are_not_compared():
    gone = CELL.clip_ids[:60]
    found = summarise(replace(CELL, empty=gone), CLEAN)
    rest = CELL.predictions()[60:] != CLEAN.predictions()[60:]
    assert found["flip_rate"] == pytest.approx(rest.mean())
    assert found["top1"] == summarise(CELL)["top1"]


def test_one_clip_of_one_group():
    one = table(1.0, clips=1, groups=1)
    found = summarise(one, one)
    assert found["top1"] == found["robustness/absolute"] == 1
    assert found["bias/recall_gap"] == found["bias/recall_sd"] == 0
    assert all(np.isfinite(list(found.values())))


def test_a_twin_that_is_never_right():
    never = table(0.0)
    found = summarise(CELL, never)
    assert "robustness/relative" not in found
    assert found["robustness/absolute"] > 1
    assert found["flip_rate/harmful"] == 0
