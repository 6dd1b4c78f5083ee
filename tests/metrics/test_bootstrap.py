"""The cluster bootstrap against theory, and its coverage of clustered data by simulation."""

import numpy as np
import pytest

from clip_har.metrics.bootstrap import cluster_bootstrap, group_draws
from clip_har.metrics.intervals import quantile, share_interval


def same(means):
    return means


def test_the_value_is_the_plain_mean_over_clips():
    hits = np.array([1.0, 0, 1, 1, 0])
    value, _, _ = cluster_bootstrap({"a": hits}, list("xxxyz"), same)["a"]
    assert value == pytest.approx(0.6)


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
    assert found["gap"][0] == pytest.approx(0.25)
    assert np.isnan(found["gap"][1:]).all(), "no sample differs: no error, and no interval"


@pytest.mark.parametrize("groups", [1, 2, 5, 6])
def test_fewer_than_six_groups_have_no_interval(groups):
    hits = (np.arange(30) % 3 > 0).astype(float)
    names = [str(number % groups) for number in range(30)]
    value, low, high = cluster_bootstrap({"a": hits}, names, same, shares={"a"})["a"]
    assert value == pytest.approx(2 / 3)
    assert np.isnan([low, high]).all() == (groups < 6)


def test_shares_of_nothing_and_of_all_have_an_interval_of_groups():
    columns = {"none": np.zeros(40), "all": np.ones(40)}
    names = [str(number // 4) for number in range(40)]
    found = cluster_bootstrap(columns, names, same, shares=columns)
    expected = share_interval(0.0, 0.0, groups=10, degrees=9)
    assert found["none"] == (0.0, *expected)
    assert found["all"] == pytest.approx((1.0, 1 - expected[1], 1 - expected[0]))
    assert 0 == expected[0] < expected[1] < 0.4
    assert np.isnan(cluster_bootstrap(columns, names, same)["all"][1:]).all(), "not a share"


def test_no_clip_is_refused():
    with pytest.raises(ValueError, match="at least one clip"):
        cluster_bootstrap({"a": np.zeros(0)}, [], same)


def test_sums_are_those_of_the_clips_of_the_sampled_groups():
    groups = list("babcca")
    samples = group_draws(groups, draws=20, seed=3)
    numbers = np.random.default_rng(0).random((6, 4))
    for row, sums in zip(samples.weights, samples.sums(numbers), strict=True):
        weights = row[["abc".index(name) for name in groups]]
        np.testing.assert_allclose(sums, weights @ numbers)
    np.testing.assert_allclose(samples.sums(numbers[:, 1]), samples.sums(numbers)[:, 1])
    np.testing.assert_array_equal(samples.sums(numbers > 0.5), samples.sums((numbers > 0.5) * 1.0))


def test_one_fewer_than_the_groups_of_a_class_are_drawn_and_weigh_as_all():
    """Rao and Wu: the mean of a class's sums is its sum, the variance that of a sample."""
    sizes = {"a": 2, "b": 7, "c": 7, "d": 3}
    groups = [f"{name}{n}" for name, many in sizes.items() for n in range(many) for _ in range(2)]
    classes = np.array(["abcd".index(name[0]) for name in groups])
    samples = group_draws(groups, classes, draws=4000)
    assert (samples.strata, samples.groups, samples.degrees) == (4, 19, 15)
    assert (samples.weights[0] == 1).all()
    own = np.array(["abcd".index(name[0]) for name in sorted(set(groups))])
    numbers = np.random.default_rng(0).random(len(groups))
    for which, many in enumerate(sizes.values()):
        weights = samples.weights[1:, own == which]
        assert weights.sum(axis=1) == pytest.approx(np.full(4000, many))
        assert set(np.unique((weights * (many - 1) / many).round(9))) <= set(range(many))
        of_class = samples.sums(np.where(classes == which, numbers, 0))
        of_groups = numbers[classes == which].reshape(-1, 2).sum(axis=1)
        assert of_class[0] == pytest.approx(of_groups.sum())
        assert of_class[1:].mean() == pytest.approx(of_groups.sum(), rel=0.02)
        assert of_class[1:].var() == pytest.approx(many * of_groups.var(ddof=1), rel=0.1)


def test_groups_that_cross_classes_are_sampled_over_all_classes():
    classes = np.array([0, 0, 1, 1, 0, 1])
    samples = group_draws(list("aabbcc"), classes, draws=50)
    assert samples.strata == 1
    np.testing.assert_array_equal(samples.weights, group_draws(list("aabbcc"), draws=50).weights)


@pytest.mark.parametrize(
    ("groups_of_class", "strata"),
    [([1, 1, 1], 1), ([1, 1, 3], 2), ([1, 3, 2, 4], 3), ([2], 1), ([1], 1)],
)
def test_classes_with_one_group_form_a_stratum_together_or_join_the_smallest(
    groups_of_class, strata
):
    classes = np.repeat(np.arange(len(groups_of_class)), groups_of_class)
    samples = group_draws([str(n) for n in range(len(classes))], classes, draws=100)
    assert samples.strata == strata
    if len(classes) > 1:
        assert (samples.weights[1:].std(axis=0) > 0).all(), "each group adds to the variance"


def test_draws_are_uniform_and_change_with_the_seed():
    groups = [str(number) for number in range(4)]
    weights = group_draws(groups, draws=4000).weights
    assert weights[1:].mean(axis=0) == pytest.approx(np.ones(4), abs=0.05)
    assert weights[1:].var(axis=0) == pytest.approx(np.full(4, 1.0), abs=0.08)  # as of a sample
    assert (weights != group_draws(groups, draws=4000, seed=1).weights).any()
    np.testing.assert_array_equal(weights, group_draws(groups, draws=4000).weights)


def test_draws_without_a_value_are_left_out():
    columns = {"rare": np.eye(8)[0], "hits": np.eye(8)[0]}
    names = [str(number) for number in range(8)]
    found = cluster_bootstrap(
        columns, names, lambda m: {"ratio": m["hits"] / np.where(m["rare"] > 0, m["rare"], np.nan)}
    )
    assert found["ratio"][0] == 1
    clips = cluster_bootstrap({"a": np.arange(8.0)}, names, same)["a"]
    error = np.arange(8).std(ddof=1) / np.sqrt(8)
    assert clips[2] - 3.5 == pytest.approx(quantile(7) * error, rel=0.05)
