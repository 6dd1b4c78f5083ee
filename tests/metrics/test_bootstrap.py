"""The cluster bootstrap against theory, and its coverage of clustered data by simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest

from clip_har.metrics.bootstrap import (
    cluster_bootstrap,
    group_draws,
    multiplicities,
    percentile_interval,
)


def same(means):
    return means


def test_the_value_is_the_plain_mean_over_clips():
    hits = np.array([1.0, 0, 1, 1, 0])
    value, low, high = cluster_bootstrap({"a": hits}, list("xxxyz"), same)["a"]
    assert value == pytest.approx(0.6)
    assert 0 <= low <= value <= high <= 1


def test_ungrouped_clips_have_the_binomial_spread():
    hits = (np.arange(400) < 120).astype(float)
    groups = [str(number) for number in range(400)]
    _, low, high = cluster_bootstrap({"a": hits}, groups, same)["a"]
    spread = 1.96 * np.sqrt(0.3 * 0.7 / 400)
    assert (0.3 - low, high - 0.3) == pytest.approx((spread, spread), rel=0.15)


def test_clips_of_one_group_add_little_information():
    hits = np.repeat((np.arange(40) < 12).astype(float), 10)
    alone = cluster_bootstrap({"a": hits}, [str(n) for n in range(400)], same)["a"]
    grouped = cluster_bootstrap({"a": hits}, [str(n // 10) for n in range(400)], same)["a"]
    assert (grouped[2] - grouped[1]) / (alone[2] - alone[1]) == pytest.approx(np.sqrt(10), rel=0.2)


def test_measures_see_the_same_draws():
    first = np.random.default_rng(0).random(60)
    columns = {"a": first, "b": first + 0.25}
    groups = [str(n // 3) for n in range(60)]
    found = cluster_bootstrap(columns, groups, lambda means: {"gap": means["b"] - means["a"]})
    assert found["gap"] == pytest.approx((0.25, 0.25, 0.25))


@pytest.mark.parametrize("hit", [0.0, 1.0])
@pytest.mark.parametrize(("clips", "groups"), [(8, 8), (8, 4)])
def test_none_or_all_of_the_clips_give_wilsons_interval_over_groups(hit, clips, groups):
    names = [str(n % groups) for n in range(clips)]
    columns = {"a": np.full(clips, hit)}
    found = cluster_bootstrap(columns, names, same, shares={"a"})["a"]
    expected = binomtest(int(hit * groups), groups).proportion_ci(method="wilson")
    assert found == pytest.approx((hit, expected.low, expected.high))
    # A difference of 0 is no share: it keeps the bootstrap's interval.
    assert cluster_bootstrap(columns, names, same)["a"] == (hit, hit, hit)


def test_one_group_has_no_interval():
    value, low, high = cluster_bootstrap({"a": np.ones(3)}, ["x"] * 3, same)["a"]
    assert value == 1
    assert np.isnan([low, high]).all()


def test_no_clip_is_refused():
    with pytest.raises(ValueError, match="at least one clip"):
        cluster_bootstrap({"a": np.zeros(0)}, [], same)


def test_results_of_earlier_releases_stay():
    numbers = (np.arange(24) * 7 % 11) / 10
    found = cluster_bootstrap(
        {"a": numbers, "b": numbers**2},
        [str(n * n % 7) for n in range(24)],
        lambda means: {"a": means["a"], "ratio": means["b"] / means["a"]},
        draws=200,
        seed=5,
    )
    assert found["a"] == pytest.approx((0.4875, 0.44268571428571435, 0.53035), rel=1e-12)
    assert found["ratio"] == pytest.approx((0.7, 0.6289257176679491, 0.7528301886792453), rel=1e-12)


def test_sums_are_those_of_the_clips_of_the_sampled_groups():
    groups = list("babcca")
    samples = group_draws(groups, draws=20, seed=3)
    numbers = np.random.default_rng(0).random((6, 4))
    for row, sums in zip(samples.times, samples.sums(numbers), strict=True):
        clips = [clip for clip, name in enumerate(groups) for _ in range(row["abc".index(name)])]
        np.testing.assert_allclose(sums, numbers[clips].sum(axis=0))
    np.testing.assert_array_equal(samples.sums(numbers[:, 1]), samples.sums(numbers)[:, 1])
    np.testing.assert_array_equal(samples.sums(numbers > 0.5), samples.sums((numbers > 0.5) * 1.0))


def test_draws_are_uniform_and_of_independent_streams():
    times = multiplicities(4, draws=4000, seed=0, of="seeds")
    assert times[0].tolist() == [1, 1, 1, 1]
    assert (times.sum(axis=1) == 4).all()
    assert times[1:].mean(axis=0) == pytest.approx(np.ones(4), abs=0.05)
    assert times[1:].var(axis=0) == pytest.approx(np.full(4, 0.75), abs=0.06)  # n p (1 − p)
    assert (times != multiplicities(4, draws=4000, seed=0, of="groups")).any()
    assert (times != multiplicities(4, draws=4000, seed=1, of="seeds")).any()


def test_draws_without_a_value_are_left_out_of_the_interval():
    values = np.array([np.nan, *np.linspace(0, 1, 41), np.inf])
    assert percentile_interval(values) == pytest.approx((0.025, 0.975))
    assert np.isnan(percentile_interval(np.full(5, np.nan))).all()
