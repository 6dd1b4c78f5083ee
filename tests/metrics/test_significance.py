"""Intervals, tests and corrections, against scipy and by hand."""

import itertools
import time
import tracemalloc

import numpy as np
import pytest
from scipy.stats import binom, false_discovery_control, norm
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

from clip_har.metrics.significance import (
    corrected,
    equivalence,
    minimum_detectable,
    sign_flip,
)


@pytest.mark.parametrize("seed", range(8))
def test_corrections_are_those_of_the_books(seed):
    draws = np.random.default_rng(seed)
    p_values = [*(draws.random(1 + 3 * seed) ** 4), 0.0, 1.0][: 1 + 3 * seed]
    found = corrected(p_values, "benjamini_hochberg")
    np.testing.assert_allclose(found, false_discovery_control(p_values), atol=1e-12)
    order = np.argsort(p_values, kind="stable")
    steps = [min(1, p_values[k] * (len(order) - rank)) for rank, k in enumerate(order)]
    np.testing.assert_allclose(corrected(p_values)[order], np.maximum.accumulate(steps))
    assert (corrected(p_values) >= found - 1e-12).all()
    np.testing.assert_array_equal(found, multipletests(p_values, method="fdr_bh")[1])
    np.testing.assert_array_equal(corrected(p_values), multipletests(p_values, method="holm")[1])


def test_what_is_not_known_is_not_counted():
    found = corrected([0.01, np.nan, 0.03])
    assert np.isnan(found[1])
    np.testing.assert_allclose(found[[0, 2]], [0.02, 0.03])
    assert np.isnan(corrected([np.nan])).all()
    assert len(corrected([])) == 0


def test_a_difference_of_the_detectable_size_is_found_four_times_in_five():
    draws = np.random.default_rng(0)
    error = 0.02
    true = minimum_detectable(error)
    found = np.abs(true + error * draws.standard_normal(40_000)) > norm.ppf(0.975) * error
    assert found.mean() == pytest.approx(0.8, abs=0.01)
    assert minimum_detectable(error, power=0.9) > true
    assert minimum_detectable(0.0) == 0


def every_pattern(sums: np.ndarray) -> float:
    """Return how often random signs take the sum as far from 0 as it is, by trying all."""
    patterns = np.array(list(itertools.product((-1, 1), repeat=len(sums))))
    return float((np.abs(patterns @ sums) >= abs(sums.sum()) - 1e-9).mean())


@pytest.mark.parametrize("seeds", [1, 2, 3, 7])
@pytest.mark.parametrize("groups", [2, 5, 11])
def test_a_sign_flip_test_is_that_over_all_patterns_of_whole_groups(groups, seeds):
    """Also of means over seeds, whose sums are fractions."""
    draws = np.random.default_rng(groups)
    names = [f"g{number % groups}" for number in range(60)]
    differences = draws.choice([-1.0, 0.0, 1.0], size=(seeds, 60), p=[0.1, 0.5, 0.4]).mean(axis=0)
    sums = np.array([differences[number::groups].sum() for number in range(groups)])
    assert sign_flip(differences, names) == pytest.approx(every_pattern(sums))


def test_clips_of_one_group_are_one_observation():
    assert sign_flip(np.ones(200), ["a"] * 100 + ["b"] * 100) == 0.5
    assert sign_flip(np.ones(200), ["a"] * 200) == 1.0
    assert sign_flip(np.zeros(4), list("abcd")) == 1.0
    assert sign_flip(np.array([1.0, -1.0, 1.0]), list("aab")) == 1.0, "a group without a change"


def test_random_patterns_agree_with_the_exact_count():
    """Numbers without a common fraction are not counted, but sampled."""
    draws = np.random.default_rng(0)
    names = [str(number) for number in range(14)]
    differences = draws.normal(0.4, 1, 14)
    assert sign_flip(differences, names) == pytest.approx(every_pattern(differences), abs=0.005)
    whole = draws.choice([-1.0, 1.0], 400, p=[0.45, 0.55])
    many = [str(number) for number in range(400)]
    exact = 2 * binom(400, 0.5).sf(200 + abs(whole.sum()) / 2 - 1)
    assert sign_flip(whole, many) == pytest.approx(exact, rel=1e-9)
    assert sign_flip(whole * np.pi, many) == pytest.approx(exact, abs=0.005)


@pytest.mark.parametrize("whole", [True, False])
def test_a_test_of_the_size_of_ucf101_is_quick_and_small(whole):
    draws = np.random.default_rng(0)
    names = [str(number % 707) for number in range(3783)]
    differences = draws.choice([-1.0, 0.0, 1.0], 3783, p=[0.1, 0.8, 0.1])
    differences = differences if whole else draws.normal(size=3783)
    tracemalloc.start()
    sign_flip(differences, names)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6
    seconds = []
    for _ in range(3):
        start = time.process_time()
        sign_flip(differences, names)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.3


@pytest.mark.parametrize("difference", [-0.004, 0.0, 0.006, 0.012])
def test_equivalence_is_a_ninety_percent_interval_inside_the_margin(difference):
    for error in (0.001, 0.003, 0.01):
        p = equivalence(difference, error, 20, margin=0.01)
        half = student(20).ppf(0.95) * error
        assert (p < 0.05) == (difference - half > -0.01 and difference + half < 0.01)
        assert p == equivalence(-difference, error, 20, margin=0.01)
    assert np.isnan(equivalence(0.0, 0.0, 20, margin=0.01)), "no error is no knowledge"
