"""Pairs of models, their ranks, and the front of accuracy and cost."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata

from clip_har.metrics.bootstrap import group_draws
from clip_har.metrics.models import (
    average_ranks,
    dominance,
    interval_of,
    means_of_models,
    model_pairs,
    rank_shares,
    sampled_seeds,
    wider_with_seeds,
)
from clip_har.metrics.ranks import rank_intervals
from clip_har.metrics.significance import corrected

GROUPS, CLIPS = 20, 6


def answers(accuracies: list[float], *, seed: int, spread: float = 0.15) -> np.ndarray:
    """Return ``(M, 1, N)``: clips of a group are hard or easy together, for all models."""
    draws = np.random.default_rng(seed)
    ease = np.repeat(draws.normal(0, spread, GROUPS), CLIPS)
    lots = draws.random((len(accuracies), GROUPS * CLIPS))
    return (lots < np.array(accuracies)[:, None] + ease).astype(float)[:, None]


def names() -> list[str]:
    return [str(group) for group in range(GROUPS) for _ in range(CLIPS)]


def test_pairs_are_those_of_a_paired_bootstrap_of_whole_groups():
    right, groups = answers([0.6, 0.5, 0.7], seed=1), names()
    rows = model_pairs(right, groups, group_draws(groups)).to_dict("records")
    draws = np.random.default_rng(0)
    for row, (model, other) in zip(rows, ((0, 1), (0, 2), (1, 2)), strict=True):
        change = (right[model] - right[other])[0].reshape(GROUPS, CLIPS)
        sampled = [
            change[draws.integers(GROUPS, size=GROUPS)].mean() for _ in range(3000)
        ]  # of all groups: its variance is (G - 1) / G of what it should be
        half = 2.093 * np.std(sampled) * np.sqrt(GROUPS / (GROUPS - 1))  # t of 19 degrees
        assert row["difference"] == pytest.approx(change.mean())
        assert row["high"] - row["difference"] == pytest.approx(half, rel=0.08)
        assert row["difference"] - row["low"] == pytest.approx(half, rel=0.08)


def test_the_test_flips_whole_groups():
    right, groups = answers([0.7, 0.45], seed=3)[:, :, : 8 * CLIPS], names()[: 8 * CLIPS]
    (row,) = model_pairs(right, groups, group_draws(groups)).to_dict("records")
    sums = (right[0] - right[1])[0].reshape(8, CLIPS).sum(axis=1)
    patterns = np.array(list(product((-1, 1), repeat=8)))
    far = np.abs(patterns @ sums) >= abs(sums.sum()) - 1e-9
    assert row["p"] == pytest.approx(far.mean())


def test_seeds_that_differ_widen_the_interval():
    one, groups = answers([0.6, 0.5], seed=5), names()
    same = np.repeat(one, 3, axis=1)
    other = same.copy()
    other[0, 1, ::2], other[0, 2, ::3] = 0, 1  # the first model depends on the seed
    samples = group_draws(groups)
    widths = [
        float((found["high"] - found["low"]).iloc[0])
        for found in (model_pairs(numbers, groups, samples) for numbers in (one, same, other))
    ]
    assert widths[0] == pytest.approx(widths[1])
    assert widths[2] > 2 * widths[0]


@pytest.mark.parametrize(("models", "seeds"), [(2, 2), (2, 3), (4, 3)])
def test_equal_models_with_a_seed_effect_are_seldom_told_apart(models, seeds):
    groups = names()
    samples, found = group_draws(groups, draws=100), []
    for number in range(150):
        lots = np.random.default_rng(number)
        level = 0.5 + lots.normal(0, 0.1, (models, seeds, 1))  # of each mask, common to all clips
        right = (lots.random((models, seeds, GROUPS * CLIPS)) < level).astype(float)
        row = model_pairs(right, groups, samples).iloc[0]
        means = means_of_models(right, samples)
        wider = wider_with_seeds(means, samples)
        ranks = rank_intervals(-means.mean(axis=2), samples, wider=wider)
        ranked_apart = (ranks[:, 1:] != [1, models]).any()
        found.append((row["p"] < 0.05, not row["low"] <= 0 <= row["high"], ranked_apart))
    of_test, of_interval, of_ranks = np.mean(found, axis=0)
    assert of_interval <= of_test <= 0.1
    assert of_ranks <= 0.1


def test_seeds_widen_ranks_only_where_they_differ():
    groups = names()
    samples, right = group_draws(groups), np.repeat(answers([0.6, 0.5], seed=5), 3, axis=1)
    assert wider_with_seeds(means_of_models(right, samples), samples) == pytest.approx(1)
    right[0] = np.array([[1.0], [1.0], [0.0]])  # of all clips alike
    right[1] = 0
    assert wider_with_seeds(means_of_models(right, samples), samples) == np.inf


def test_few_groups_have_no_interval_and_equal_models_have_one():
    right = np.ones((2, 1, 10))
    few = model_pairs(right, list("aabbccddee"), group_draws(list("aabbccddee")))
    assert np.isnan(few[["low", "high"]].to_numpy()).all()
    assert few["p"].tolist() == [1.0]
    many = [str(clip) for clip in range(10)]
    (row,) = model_pairs(right, many, group_draws(many)).to_dict("records")
    assert row["low"] < 0 < row["high"], "that all groups agree does not mean that the next will"


def test_intervals_of_shares_stay_between_0_and_1():
    groups = names()
    samples = group_draws(groups)
    means = means_of_models(answers([0.99, 0.5], seed=2), samples)
    value, low, high = interval_of(means[:, 0], samples, kind="share")
    assert 0 < low < value < high <= 1
    value, low, high = interval_of(means[:, 1] - means[:, 0], samples, kind="difference")
    assert -1 < low < value < high < 1
    assert high - value == pytest.approx(value - low, rel=0.1)


def test_a_change_that_no_group_shows_has_the_interval_of_a_pair():
    groups = names()
    samples, right = group_draws(groups), np.ones((2, 1, GROUPS * CLIPS))
    (pair,) = model_pairs(right, groups, samples).to_dict("records")
    none = np.zeros((len(samples.weights), 1))
    assert interval_of(none, samples, kind="difference") == (0, pair["low"], pair["high"])
    assert pair["low"] < 0 < pair["high"]
    assert np.isnan(interval_of(1 + none, samples, kind="ratio")[1:]).all()


def test_rank_shares_are_those_of_a_loop():
    values = np.random.default_rng(0).integers(0, 4, size=(201, 5)) / 4  # with many ties
    expected = np.zeros((5, 5))
    for row in values[1:]:
        above = rankdata(-row, method="min").astype(int) - 1
        for model, first in enumerate(above):
            equal = int((row == row[model]).sum())
            expected[model, first : first + equal] += 1 / equal / 200
    found = rank_shares(values)
    assert found == pytest.approx(expected)
    assert found.sum(axis=0) == pytest.approx(np.ones(5))
    assert found.sum(axis=1) == pytest.approx(np.ones(5))


def test_the_front_is_that_of_brute_force():
    draws = np.random.default_rng(0)
    for _ in range(50):
        accuracy, cost = draws.integers(0, 5, 7) / 5, draws.integers(1, 5, 7).astype(float)
        found = dominance(accuracy, cost, cost)
        for one, other in product(range(7), repeat=2):
            no_worse = accuracy[other] >= accuracy[one] and cost[other] <= cost[one]
            better = accuracy[other] > accuracy[one] or cost[other] < cost[one]
            assert found[one, other] == (no_worse and better)
        assert not found.any(axis=1).all(), "someone is on the front"


def test_a_model_of_unknown_cost_takes_no_part():
    cost = np.array([np.nan, 1.0, 2.0])
    found = dominance(np.array([[0.9, 0.5, 0.4]]), cost, cost)
    assert found.tolist() == [[[False] * 3, [False] * 3, [False, True, False]]]


@pytest.mark.parametrize(
    ("accuracies", "dominated"),
    [([0.5, 0.5, 0.5], [False, False, True]), ([0.5, 0.6, 0.5], [True, False, True])],
    ids=["equally accurate", "one is better"],
)
def test_times_that_overlap_are_equal(accuracies, dominated):
    least, most = np.array([9.0, 10.0, 14.0]), np.array([11.0, 13.0, 15.0])
    found = dominance(np.array(accuracies), least, most)
    assert found.any(axis=1).tolist() == dominated


def test_a_front_is_never_empty_whatever_overlaps():
    draws = np.random.default_rng(1)
    for _ in range(200):
        least = draws.random(6)
        found = dominance(draws.integers(0, 3, 6) / 2, least, least + draws.random(6) / 2)
        assert not found.any(axis=1).all()


def test_equal_models_have_the_mean_of_their_ranks_wherever_they_stand():
    draws = np.random.default_rng(0)
    for _ in range(50):
        values = draws.integers(0, 4, 6) / 4
        order = draws.permutation(6)
        ranks = average_ranks(values)
        assert average_ranks(values[order]) == pytest.approx(ranks[order])
        shares = rank_shares(np.stack([values, values]))
        assert ranks == pytest.approx(shares @ np.arange(1, 7))
    assert average_ranks(np.array([0.1 + 0.2, 0.3])).tolist() == [1.5, 1.5], "rounding"


def test_ranks_hold_for_other_seeds_too():
    """Two models: one is better with the first seed, the other with the second, in all groups."""
    means = np.zeros((2001, 2, 2))
    means[:, 0, 0], means[:, 1, 1] = 0.9, 0.8
    sampled = sampled_seeds(means)
    assert sampled[0] == pytest.approx([0.45, 0.4])
    assert rank_shares(means.mean(axis=2))[0, 0] == 1, "with these seeds alone"
    assert rank_shares(sampled)[0, 0] == pytest.approx(0.5, abs=0.04)
    one = sampled_seeds(means[..., :1])
    assert one == pytest.approx(means[..., 0])
    spread = np.random.default_rng(0).normal(size=(1, 1, 5)) + np.zeros((4001, 1, 1))
    expected = spread[0, 0].var(ddof=1) / 5
    assert sampled_seeds(spread)[1:].var() == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(
    ("accuracies", "least", "most"),
    [([0.6, 0.6, 0.6], 0.0, 0.09), ([0.6, 0.6, 0.82], 0.9, 1.0)],
    ids=["equal", "one is better"],
)
def test_a_pair_is_told_apart_only_if_its_models_differ(accuracies, least, most):
    groups = names()
    samples, found = group_draws(groups, draws=50), []
    for seed in range(120):
        pairs = model_pairs(answers(accuracies, seed=seed), groups, samples)
        p = corrected(pairs["p"].tolist())
        found.append(bool((p[pairs["other"] == 2] < 0.05).any()))
    assert least <= np.mean(found) <= most
