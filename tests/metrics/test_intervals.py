"""Intervals against the textbook, and that each holds its estimate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.weightstats import DescrStatsW

from clip_har.metrics.bootstrap import group_draws
from clip_har.metrics.calibration import calibration_error, gaps_by_bin
from clip_har.metrics.intervals import (
    error_of_none,
    error_over_seeds,
    share_difference_interval,
    share_interval,
    standard_error,
    t_interval,
)
from clip_har.metrics.prediction_bias import recall_sd_of_sums
from tests.metrics.structure import split1


def test_a_t_interval_is_that_of_a_sample() -> None:
    sample = np.random.default_rng(0).normal(size=12)
    expected = DescrStatsW(sample).tconfint_mean()
    error = float(sample.std(ddof=1) / np.sqrt(12))
    assert t_interval(float(sample.mean()), error, 11) == pytest.approx(expected)


@given(st.integers(1, 300), st.data())
def test_the_share_of_independent_clips_has_wilson_s_interval(
    clips: int, data: st.DataObject
) -> None:
    hits = data.draw(st.integers(0, clips))
    share = hits / clips
    error = np.sqrt(share * (1 - share) / clips)
    expected = binomtest(hits, clips).proportion_ci(method="wilson")
    low, high = share_interval(share, error, groups=clips, degrees=1e9)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert 0 <= low <= share <= high <= 1


def test_groups_that_agree_count_as_one_clip_each() -> None:
    low, high = share_interval(0.5, 0.0, groups=10, degrees=9)
    expected = binomtest(5, 10).proportion_ci(method="wilson")
    assert low < expected.low < expected.high < high, "wider: the error has 9 degrees of freedom"
    assert share_interval(0.5, 0.0, groups=100, degrees=99)[0] > low


def test_a_share_of_one_among_samples_that_differ_counts_groups_too() -> None:
    """As of the most certain clips, which are others in each sample."""
    assert share_interval(1.0, 0.01, groups=40, degrees=39) == share_interval(
        1.0, 0.0, groups=40, degrees=39
    )


def test_rounding_is_no_spread() -> None:
    assert standard_error(0.1 + np.array([0.0, 1e-17, 3e-17])) == 0
    assert standard_error(np.array([0.0, 0.2])) == pytest.approx(0.1 * np.sqrt(2))
    assert np.isnan(standard_error(np.array([0.5, np.nan])))
    assert np.isnan(t_interval(0.5, 0.0, 9)).all()
    assert np.isnan(t_interval(0.5, np.nan, 9)).all()
    assert np.isnan(share_interval(0.5, np.nan, groups=9, degrees=8)).all()


def test_what_no_group_shows_is_still_as_uncertain_as_a_share_of_none() -> None:
    _, high = share_interval(0.0, 0.0, groups=707, degrees=606)
    assert t_interval(0.0, error_of_none(707, 606), 606) == pytest.approx((-high, high))
    assert high < 0.01, "UCF-101 is large enough to show that less than a point changes"


@given(st.floats(-0.99, 0.99), st.floats(0.001, 0.7), st.integers(6, 800), st.integers(5, 700))
def test_the_interval_of_a_difference_keeps_its_range_and_holds_it(
    difference: float, error: float, groups: int, degrees: int
) -> None:
    given = {"groups": groups, "degrees": degrees}
    low, high = share_difference_interval(difference, error, **given)
    student = t_interval(difference, error, degrees)
    assert low <= max(-1, student[0]) + 1e-12
    assert high >= min(1, student[1]) - 1e-12
    assert -1 <= low <= difference + 1e-12
    assert difference - 1e-12 <= high <= 1
    turned = share_difference_interval(-difference, error, **given)
    assert turned == pytest.approx((-high, -low), abs=1e-9)


def test_a_small_difference_has_student_s_interval() -> None:
    found = share_difference_interval(0.02, 0.01, groups=700, degrees=606)
    assert found == pytest.approx(t_interval(0.02, 0.01, 606), abs=1e-5)


def test_a_difference_of_all_clips_is_as_sure_as_a_share_of_all() -> None:
    low, high = share_difference_interval(-1.0, 0.0, groups=200, degrees=199)
    assert low == -1
    assert high == pytest.approx(share_interval(0.0, 0.0, groups=200, degrees=199)[1] - 1, rel=0.01)


def test_seeds_that_agree_add_nothing_and_seeds_that_differ_decide() -> None:
    of_groups = np.random.default_rng(0).normal(size=(1001, 1)) * 0.02
    same = np.repeat(of_groups, 3, axis=1)
    same[0] = 0.1
    assert error_over_seeds(same, 40) == pytest.approx((standard_error(of_groups[1:, 0]), 40))
    apart = same + np.array([-0.5, 0.0, 0.5])
    error, degrees = error_over_seeds(apart, 40)
    assert error == pytest.approx(0.5 / np.sqrt(3), rel=0.01)
    assert 2 < degrees < 2.1
    assert error_over_seeds(apart[:, :1], 40)[1] == 40, "one seed says nothing about others"


def test_what_the_clips_differ_by_is_not_counted_twice() -> None:
    """Three seeds whose clips react each in its own way, and whose means do not differ."""
    random = np.random.default_rng(1)
    samples = group_draws([str(n) for n in range(60)], draws=500)
    found = []
    for _ in range(200):
        changes = samples.sums(random.normal(size=(60, 3))) / 60
        error, _ = error_over_seeds(changes, samples.degrees)
        found.append((error**2, changes[0].mean() ** 2))
    claimed, true = np.mean(found, axis=0)
    assert 0.85 < claimed / true < 1.5, "2 if counted twice"


def test_biased_measures_lie_inside_their_own_intervals() -> None:
    """Of few clips a calibration error is larger in most samples than in the data."""
    labels, groups = split1(classes=10)
    random = np.random.default_rng(0)
    samples = group_draws(groups, labels, draws=400)
    clips = samples.sums(np.ones(len(labels)))
    missed = 0
    for _ in range(20):
        probabilities = random.dirichlet(np.full(10, 0.3), len(labels))
        truth = (random.random((len(labels), 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
        gaps = samples.sums(gaps_by_bin(np.minimum(truth, 9), probabilities))
        own = labels[:, None] == np.arange(10)
        hits = samples.sums(own & (random.random((len(labels), 1)) < 0.7))
        of_class = samples.sums(own)
        for values in (calibration_error(gaps, clips), recall_sd_of_sums(hits, of_class)):
            low, high = t_interval(values[0], standard_error(values[1:]), samples.degrees)
            assert low < values[0] < high
            missed += not np.quantile(values[1:], 0.025) <= values[0]
    assert missed > 1, "quantiles of the samples miss it: the test shows something"
