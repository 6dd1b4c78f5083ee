"""Sentences follow the numbers: no verdict without test and interval."""

import pandas as pd
import pytest

from clip_har.core.errors import ClipHarError
from experiments.effects import CLEAN, COLUMNS
from experiments.words import Words


def row(condition: str, difference: float, low: float, high: float, p: float, **more: object):
    interval = (0.9, 0.9 + difference, difference, low, high)
    values = (condition, 0.3, CLEAN, "top1", *interval, p, p, 400, 16, 3, False)
    return dict(zip(COLUMNS, values, strict=True)) | more


ROWS = pd.DataFrame(
    [
        row("falls", -0.5, -0.6, -0.4, 0.0004),
        row("rises", 0.03, 0.01, 0.05, 0.02),
        row("untested", -0.1, -0.2, -0.05, 0.2),  # Holm's correction says no
        row("wide", -0.1, -0.2, 0.01, 0.01),  # the interval says no
        row("oracle", 0.2, 0.1, 0.3, 0.01, leaks=True),
        row("falls", 0.2, 0.1, 0.3, float("nan"), measure="bias/skew_kl"),
    ]
)
SWAPPED = {"measure": "scene/swap_error", "value": 0.255, "low": 0.22, "high": 0.29}
SCENE = pd.DataFrame([SWAPPED | {"of": "scene_bias=0.9"}])


@pytest.fixture
def words() -> Words:
    return Words(ROWS, SCENE)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("falls", "lowers top-1 by 50.0 points (−60.0 to −40.0, p < 0.001)"),
        ("rises", "raises top-1 by 3.0 points (+1.0 to +5.0, p = 0.020)"),
        ("untested", "does not clearly change top-1: −10.0 points (−20.0 to −5.0, p = 0.200)"),
        ("wide", "does not clearly change top-1: −10.0 points (−20.0 to +1.0, p = 0.010)"),
    ],
)
def test_a_verdict_needs_the_test_and_the_interval(words: Words, condition: str, said: str) -> None:
    assert words.effect(condition) == said


def test_what_is_not_tested_goes_by_its_interval_in_its_own_unit(words: Words) -> None:
    said = words.effect("falls", measure="bias/skew_kl")
    assert said == "raises skew by 0.200 (+0.100 to +0.300)"


def test_scene_measures_are_said_with_their_interval(words: Words) -> None:
    assert words.scene("swap_error", "scene_bias=0.9") == "25.5 % (22.0 to 29.0)"
    with pytest.raises(ClipHarError, match="there is no scene/swap_error of"):
        words.scene("swap_error", "scene_bias=0.5")


def test_a_page_that_asks_for_what_is_not_there_is_refused(words: Words) -> None:
    with pytest.raises(ClipHarError, match="expected one row of top1 of gone against clean"):
        words.change("gone")


def test_what_leaks_is_marked_in_the_table(words: Words) -> None:
    lines = words.effects_table().splitlines()
    assert [line for line in lines if "leaks the label" in line] == [lines[-1]]
    assert lines[-1].startswith("| oracle **(leaks the label)** |")


def test_tests_are_counted_as_they_were_corrected(words: Words) -> None:
    assert words.tests() == 5
