"""Intervals, tests and corrections, against scipy and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control, norm

from clip_har.metrics.significance import corrected, mcnemar, minimum_detectable, wilson_interval


@given(st.integers(1, 300), st.data())
def test_wilson_is_scipys(clips, data):
    hits = data.draw(st.integers(0, clips))
    expected = binomtest(hits, clips).proportion_ci(method="wilson")
    low, high = wilson_interval(hits, clips)
    assert low == pytest.approx(expected.low, abs=1e-9)
    assert high == pytest.approx(expected.high, abs=1e-9)
    assert 0 <= low <= hits / clips + 1e-12 <= high + 2e-12 <= 1 + 1e-11


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 5), st.integers(0, 5))
def test_mcnemar_is_a_binomial_test_of_the_clips_that_differ(lost, gained, both, neither):
    right = np.array([True] * lost + [False] * gained + [True] * both + [False] * neither, bool)
    other = np.array([False] * lost + [True] * gained + [True] * both + [False] * neither, bool)
    expected = binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    assert mcnemar(right, other) == pytest.approx(expected)
    assert mcnemar(other, right) == pytest.approx(expected)


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
