"""The table of what learned noise changes: which variants are compared, and with what."""

import pandas as pd
import pytest

from clip_har.metrics.effect import paired_effect
from clip_har.metrics.noise_effect import effect_table
from clip_har.noise.learned.arms import pairs
from tests.metrics.made import MEASURED, SOME
from tests.noise.made import ORACLE


def test_every_variant_is_compared_with_none_and_the_headline_with_every_control():
    table = effect_table(SOME, "candidate")
    top = table[table["measure"] == "top1"].drop(
        columns=["measure", "low", "high", "p", "standard_error", "degrees"]
    )
    rows = [tuple(row) for row in top.to_records(index=False).tolist()]
    expected = [
        ("candidate", "none", 3 / 6, 5 / 6, 2 / 6, 6, 3, 1),
        (ORACLE, "none", 3 / 6, 6 / 6, 3 / 6, 6, 3, 1),
        ("random", "none", 3 / 6, 2 / 6, -1 / 6, 6, 3, 1),
        ("universal", "none", 3 / 6, 5 / 6, 2 / 6, 6, 3, 1),
        ("candidate", "random", 2 / 6, 5 / 6, 3 / 6, 6, 3, 1),
        ("candidate", "universal", 5 / 6, 5 / 6, 0, 6, 3, 1),
    ]
    assert [row[:2] for row in rows] == [row[:2] for row in expected]
    for row, wanted in zip(rows, expected, strict=True):
        assert row[2:] == pytest.approx(wanted[2:])
    assert list(table.columns[:3]) == ["variant", "against", "measure"]
    assert table.groupby(["variant", "against"])["measure"].apply(list).tolist() == [MEASURED] * 6
    assert table.index.tolist() == list(range(6 * len(MEASURED)))


def test_intervals_are_those_of_the_paired_effect():
    table = effect_table(SOME, "candidate")
    chosen = table[(table["variant"] == "candidate") & (table["against"] == "random")]
    expected = paired_effect([SOME["random"]], [SOME["candidate"]])
    pd.testing.assert_frame_equal(
        chosen.drop(columns=["variant", "against"]).reset_index(drop=True), expected
    )


def test_pairs_of_noise_for_all_classes():
    names = ["none", "learned", "random", "calibration"]
    assert pairs(names, "learned") == [
        ("learned", "none"),
        ("random", "none"),
        ("calibration", "none"),
        ("learned", "random"),
        ("learned", "calibration"),
    ]
    assert pairs(["none", "learned"], "learned") == [("learned", "none")]


def test_an_oracle_is_compared_with_controls_that_leak_alike():
    leaky = [f"{name} (leaks the label)" for name in ("random", "shuffled")]
    found = pairs(["none", ORACLE, *leaky, "universal", "calibration"], ORACLE)
    assert [pair for pair in found if pair[1] != "none"] == [
        (ORACLE, name) for name in [*leaky, "universal", "calibration"]
    ]
