"""One model in several domains: class-balanced, unpaired, with errors that hold."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind
from sklearn.metrics import balanced_accuracy_score

from clip_har.metrics.bootstrap import group_draws
from clip_har.metrics.calibration import brier_score, expected_calibration_error
from clip_har.metrics.domains import (
    Estimate,
    balanced_error,
    balanced_mean,
    domain_pairs,
    mean_of,
    plain_mean,
    worst_shares,
)
from clip_har.metrics.intervals import share_difference_interval
from clip_har.metrics.models import interval_of

RECALLS = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.55])


def made(
    recalls: NDArray[np.float64], *, crossing: bool, most: tuple[int, ...], seed: int
) -> Estimate:
    """Return the accuracy of one domain, whose groups are easy or hard as a whole.

    Args:
        recalls: of the classes.
        crossing: whether groups have clips of several classes.
        most: largest number of clips of a class in a group.
        seed: of the domain.
    """
    draws = np.random.default_rng(seed)
    labels: list[int] = []
    groups: list[str] = []
    right: list[bool] = []
    for group in range(14 if crossing else 4):
        ease = draws.normal(0, 0.15)
        for label, recall in enumerate(recalls):
            ease = ease if crossing else draws.normal(0, 0.2)
            clips = int(draws.integers(0 if crossing else 2, most[label] + (1 if crossing else 2)))
            labels += [label] * clips
            groups += [f"{group}" if crossing else f"{label} {group}"] * clips
            right += list(draws.random(clips) < np.clip(recall + ease, 0, 1))
    own = np.array(labels)
    samples = group_draws(groups, own, draws=400, seed=seed)
    return balanced_mean(np.array(right, float)[None], own, samples, np.unique(own))


def test_it_is_the_balanced_accuracy_of_scikit_learn() -> None:
    draws = np.random.default_rng(0)
    labels, answers = draws.integers(0, 4, 80), draws.integers(0, 4, 80)
    right = (labels == answers).astype(float)[None]
    groups = [str(number // 4) for number in range(80)]
    found = balanced_mean(right, labels, group_draws(groups, labels), np.arange(4))
    assert found.value == pytest.approx(balanced_accuracy_score(labels, answers))
    plain = plain_mean(right, group_draws(groups, labels))
    assert plain.value == pytest.approx(right.mean())
    error = balanced_mean(
        np.stack([right[0], 1 - right[0]]), labels, group_draws(groups, labels), np.arange(4)
    )
    assert error.values.shape == (2001, 2)
    assert error.value == pytest.approx(0.5)


def test_the_mix_of_the_classes_changes_nothing() -> None:
    right, labels = np.array([1.0, 0, 1, 1]), np.array([0, 0, 1, 1])
    groups = list("abcd")
    more = np.concatenate([right, np.tile(right[labels == 1], 5)])
    often = np.concatenate([labels, np.full(10, 1)])
    first = balanced_mean(right[None], labels, group_draws(groups), np.arange(2))
    other = balanced_mean(more[None], often, group_draws([str(n) for n in range(14)]), np.arange(2))
    assert first.value == other.value == 0.75
    assert plain_mean(more[None], group_draws([str(n) for n in range(14)])).value > 0.9


def test_calibration_of_balanced_classes_is_the_usual_one() -> None:
    draws = np.random.default_rng(1)
    labels = np.arange(60) % 3
    probabilities = draws.dirichlet(np.ones(3), 60)
    samples = group_draws([str(n // 3) for n in range(60)])
    found = balanced_error(labels, probabilities, samples, np.arange(3))
    assert found.value == pytest.approx(expected_calibration_error(labels, probabilities))
    per_clip = ((probabilities - np.eye(3)[labels]) ** 2).sum(axis=1)
    brier = balanced_mean(per_clip[None], labels, samples, np.arange(3))
    assert brier.value == pytest.approx(brier_score(labels, probabilities))
    twice = np.concatenate([np.arange(60), np.flatnonzero(labels == 0)])
    again = balanced_error(
        labels[twice], probabilities[twice], group_draws([str(n) for n in range(80)]), np.arange(3)
    )
    assert again.value == pytest.approx(found.value), "a class that is there twice counts the same"


def test_the_test_of_independent_clips_is_that_of_welch() -> None:
    draws = np.random.default_rng(2)
    one, other = draws.random(90) < 0.7, draws.random(40) < 0.5
    estimates = [
        balanced_mean(
            right.astype(float)[None],
            np.zeros(len(right), np.int64),
            group_draws([str(n) for n in range(len(right))], draws=20_000, seed=place),
            np.arange(1),
        )
        for place, right in enumerate((one, other))
    ]
    (row,) = domain_pairs(estimates).to_dict("records")
    welch = ttest_ind(one.astype(float), other.astype(float), equal_var=False)
    assert row["difference"] == pytest.approx(one.mean() - other.mean())
    assert row["p"] == pytest.approx(welch.pvalue, rel=0.1)
    error = row["difference"] / welch.statistic
    ends = share_difference_interval(row["difference"], error, groups=130, degrees=welch.df)
    assert (row["low"], row["high"]) == pytest.approx(ends, abs=0.004)
    low, high = welch.confidence_interval()
    assert row["low"] < low + 0.004
    assert row["high"] > high - 0.004


def test_domains_count_the_same_in_their_mean() -> None:
    big, small = (
        Estimate(np.array([[value], [value + 0.1], [value - 0.1]]), groups, degrees=groups - 1)
        for value, groups in ((0.9, 100), (0.5, 10))
    )
    assert mean_of([big, small]).value == pytest.approx(0.7)
    assert mean_of([big, small], [900, 100]).value == pytest.approx(0.86)
    assert mean_of([big, small]).degrees == pytest.approx(4 / (1 / 99 + 1 / 9)), "Satterthwaite"
    assert worst_shares([big, small]).tolist() == [0, 1]


def test_too_few_groups_in_one_domain_leave_no_interval() -> None:
    known = made(RECALLS, crossing=True, most=(3,) * 6, seed=0)
    few = Estimate(known.values, 5, 4)
    pooled = mean_of([known, few])
    assert np.isnan(interval_of(pooled.values, pooled, kind="share")[1])
    assert np.isnan(domain_pairs([known, few]).loc[0, ["low", "high", "p"]].astype(float)).all()


def test_a_class_with_one_group_is_not_certain() -> None:
    """Its recall is the same in each sample: the others say how much it may vary."""
    labels = np.array([0, 0, 0, 1, 1, 1, 2])
    right = np.array([[1.0, 0, 1, 0, 1, 1, 0]])
    samples = group_draws(list("abcdefg"), labels)
    own = balanced_mean(right, labels, samples, np.array([0, 1]))
    every = balanced_mean(right, labels, samples, np.arange(3))
    assert every.values[1:].std() > 2 / 3 * own.values[1:].std() * 1.05


@pytest.mark.long
@pytest.mark.parametrize("crossing", [(False, False), (True, True), (False, True)])
def test_equal_domains_are_rarely_told_apart_and_a_worse_one_often(
    crossing: tuple[bool, bool],
) -> None:
    """Two domains of one recall per class, with other mixes of classes and other groups."""
    sets, alarms, found, covered = 300, 0, 0, 0
    for number in range(sets):
        one = made(RECALLS, crossing=crossing[0], most=(3,) * 6, seed=2 * number)
        other = made(RECALLS, crossing=crossing[1], most=(2, 4, 2, 6, 2, 3), seed=2 * number + 1)
        worse = made(
            RECALLS - 0.25, crossing=crossing[1], most=(2, 4, 2, 6, 2, 3), seed=10**6 + number
        )
        alarms += int(domain_pairs([one, other])["p"][0] < 0.05)
        found += int(domain_pairs([one, worse])["p"][0] < 0.05)
        pooled = mean_of([one, other])
        _, low, high = interval_of(pooled.values, pooled, kind="share")
        covered += int(low <= RECALLS.mean() <= high)
    assert alarms / sets <= 0.07
    assert found / sets > 0.6
    assert covered / sets > 0.91
