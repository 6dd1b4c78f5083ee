"""The curve against a test of each pattern by itself, and its level where nothing is planted."""

from itertools import product

import numpy as np
import pytest

from clip_har.metrics.pooled import pooled_contrast
from clip_har.metrics.significance import sign_flip
from clip_har.metrics.specification import specification_curve
from tests.metrics.test_pooled import GROUPS, LABELS, masks

NAMES = [str(n // 3) for n in range(18)]  # six groups of three clips


def planted(effect: float, seed: int, specifications: int = 7) -> np.ndarray:
    """Return differences -1, 0 or 1 that share much from specification to specification."""
    draws = np.random.default_rng(seed)
    shared = np.repeat(draws.normal(effect, 0.5, 6), 3)
    return np.sign((shared + draws.normal(0, 0.6, (specifications, 18))).round())


@pytest.mark.parametrize("expected", ["lower", "higher"])
def test_it_is_what_a_test_of_every_pattern_gives(expected):
    differences, of = planted(-0.7, 0), np.array(NAMES, int)
    curve = specification_curve(differences, NAMES, expected=expected)
    towards = -1 if expected == "lower" else 1
    found = []
    for signs in product((1, -1), repeat=6):
        flipped = differences * np.array(signs)[of]
        means = towards * flipped.mean(axis=1).round(9)
        p_values = np.array([sign_flip(one, NAMES) for one in flipped])
        significant = ((means > 0) & (p_values < 0.05)).sum()
        found.append((np.median(means), (means > 0).mean(), significant))
    data = np.array(found[0])
    p_values = (np.array(found) >= data).mean(axis=0)
    assert curve.joint["p"].tolist() == pytest.approx(p_values.tolist())
    values = curve.joint["value"] * [towards, 1, 1]
    assert values.tolist() == pytest.approx(data.tolist())
    single = [sign_flip(one, NAMES) for one in differences]
    assert curve.specifications["p"].tolist() == pytest.approx(single)
    assert (curve.clips, curve.groups) == (18, 6)
    if expected == "lower":
        assert curve.joint["value"]["significant"] > 0
        assert (curve.joint["p"][["median", "significant"]] < 0.05).all()


def test_each_interval_is_that_of_its_contrast_alone() -> None:
    before, after = masks(0.1, seed=0, count=3)
    right = [[t.predictions() == LABELS for t in side] for side in (before, after)]
    differences = np.array(right[1], float) - np.array(right[0], float)
    curve = specification_curve(
        differences, GROUPS, expected="lower", classes=np.asarray(LABELS), patterns=64
    )
    for row, b, a in zip(curve.specifications.itertuples(), before, after, strict=True):
        alone = pooled_contrast([b], [a])
        assert alone is not None
        assert (row.difference, row.low, row.high) == pytest.approx(
            (alone.difference, alone.low, alone.high)
        )
    assert curve.specifications["p"].tolist() == [1 / 64] * 3, "the smallest of 64 patterns"
    assert curve.joint["p"][["median", "significant"]].tolist() == [1 / 64] * 2
    assert curve.joint["value"]["expected"] == 1
    assert curve.joint["p"]["expected"] > 0.05, "few and alike: also without an effect, often"


def test_without_an_effect_each_joint_test_keeps_its_level() -> None:
    """5 % of curves without an effect, here of 10 groups and 1,024 patterns, reach p < 5 %."""
    draws, alarms = np.random.default_rng(0), np.zeros(3)
    names = [str(n // 4) for n in range(40)]
    for _ in range(400):
        shared = np.repeat(draws.normal(0, 0.6, 10), 4)
        differences = np.sign((shared + draws.normal(0, 0.5, (9, 40))).round())
        curve = specification_curve(differences, names, expected="lower", draws=8)
        alarms += curve.joint["p"].to_numpy() < 0.05
    assert (alarms / 400 < 0.08).all(), alarms
    assert alarms[0] / 400 > 0.025, "the median's test is not too careful either"


def test_no_difference_and_few_groups() -> None:
    curve = specification_curve(np.zeros((2, 18)), NAMES, expected="lower")
    assert curve.specifications["p"].tolist() == [1, 1]
    assert curve.joint["value"].tolist() == [0, 0, 0]
    assert curve.joint["p"].tolist() == [1, 1, 1]
    assert (curve.specifications["low"] < 0).all()
    few = specification_curve(planted(-1, 0), [str(n % 4) for n in range(18)], expected="lower")
    assert few.specifications["low"].isna().all()


@pytest.mark.parametrize("shape", [(0, 18), (2, 17), (18,)])
def test_what_is_no_curve_is_refused(shape):
    with pytest.raises(ValueError, match="a group for each clip"):
        specification_curve(np.zeros(shape), NAMES, expected="lower")
