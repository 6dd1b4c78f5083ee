"""Selective prediction by brute force: over all orders of equally certain clips."""

from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_har.metrics.bootstrap import cluster_bootstrap
from clip_har.metrics.selective import (
    COVERAGES,
    _of_weights,
    rank,
    risk_coverage,
    selective_intervals,
    selective_measures,
)
from clip_har.results.score_table import ScoreTable
from tests.tables import made_table


def sure(
    confidence: list[float] | np.ndarray, right: list[int] | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and probabilities of three classes with these confidences."""
    confidence = np.asarray(confidence, float)
    probabilities = np.stack([confidence, *[(1 - confidence) / 2] * 2], axis=1)
    return np.where(np.asarray(right, bool), 0, 1), probabilities


def brute_force(confidence: list[float], right: list[int]) -> dict[str, float]:
    """Return the means over all orders in which confidence never rises."""
    orders = [
        order
        for order in permutations(range(len(right)))
        if all(confidence[a] >= confidence[b] for a, b in pairwise(order))
    ]
    found: dict[str, list[float]] = {"aurc": [], "accuracy_80": [], "accuracy_90": []}
    for order in orders:
        errors = np.concatenate([[0.0], np.cumsum([1 - right[clip] for clip in order])])
        kept = np.arange(1, len(right) + 1)
        found["aurc"].append((errors[1:] / kept).mean())
        for name, coverage in (("accuracy_80", 0.8), ("accuracy_90", 0.9)):
            end = coverage * len(right)
            found[name].append(1 - np.interp(end, np.arange(len(errors)), errors) / end)
    return {f"selective/{name}": float(np.mean(values)) for name, values in found.items()}


@given(
    st.lists(st.tuples(st.sampled_from([0.4, 0.6, 0.7, 0.9]), st.integers(0, 1)), min_size=1,
             max_size=6)
)  # fmt: skip
def test_against_all_orders_of_equally_certain_clips(clips: list[tuple[float, int]]) -> None:
    confidence, right = map(list, zip(*clips, strict=True))
    found = selective_measures(*sure(confidence, right))
    for name, value in brute_force(confidence, right).items():
        assert found[name] == pytest.approx(value), name
    best = brute_force([0.9 if one else 0.4 for one in right], right)["selective/aurc"]
    assert found["selective/excess_aurc"] == pytest.approx(found["selective/aurc"] - best)
    assert found["selective/aurc_by_chance"] == pytest.approx(1 - np.mean(right))


def test_a_random_order_has_the_area_by_chance_and_one_certainty_exactly() -> None:
    draws = np.random.default_rng(0)
    right = draws.random(400) < 0.7
    areas = [
        selective_measures(*sure(draws.uniform(0.4, 1, 400), right))["selective/aurc"]
        for _ in range(60)
    ]
    found = selective_measures(*sure(np.full(400, 0.8), right))
    assert found["selective/aurc"] == pytest.approx(1 - right.mean())
    assert found["selective/accuracy_80"] == pytest.approx(right.mean())
    assert np.mean(areas) == pytest.approx(found["selective/aurc_by_chance"], abs=0.01)


def test_the_order_of_the_table_does_not_count() -> None:
    draws = np.random.default_rng(1)
    labels, probabilities = sure(draws.choice([0.5, 0.8, 0.9], 50), draws.integers(0, 2, 50))
    found = selective_measures(labels, probabilities)
    for _ in range(3):
        order = draws.permutation(50)
        classes = draws.permutation(3)
        moved = np.empty_like(probabilities[order])
        moved[:, classes] = probabilities[order]
        assert selective_measures(classes[labels[order]], moved) == pytest.approx(found)


def test_confidences_that_round_to_one_still_have_an_order() -> None:
    labels, probabilities = sure([1.0, 1.0], [0, 1])
    probabilities[:, 1:] = [[1e-18, 1e-18], [1e-20, 1e-20]]
    assert risk_coverage(labels, probabilities).tolist() == [0, 0.5]
    assert risk_coverage(labels, probabilities[::-1]).tolist() == [1, 0.5]


@pytest.mark.parametrize(("right", "area"), [(1, 0.0), (0, 1.0)])
def test_all_right_and_all_wrong(right: int, area: float) -> None:
    found = selective_measures(*sure([0.9, 0.7, 0.5], [right] * 3))
    assert found["selective/aurc"] == found["selective/aurc_by_chance"] == area
    assert found["selective/excess_aurc"] == 0
    assert found["selective/accuracy_80"] == right


def clustered(draws: np.random.Generator, groups: int, *, ability: float = 1.2) -> ScoreTable:
    """Return clips whose group decides how sure and how often right they are."""
    own = np.repeat(draws.normal(ability, 1.2, groups), 6)
    confidence = 1 / (1 + np.exp(-(own + draws.normal(0, 0.7, len(own)))))
    labels, probabilities = sure(0.34 + 0.65 * confidence, draws.random(len(own)) < confidence)
    found = made_table(labels=labels.tolist(), classes=3, right=[1] * len(labels))
    names = tuple(str(number // 6) for number in range(len(own)))
    return replace(found, scores=np.log(probabilities).astype(np.float32), groups=names)


def test_an_interval_is_about_the_measure_itself() -> None:
    table = clustered(np.random.default_rng(0), 40)
    expected = selective_measures(table.labels, table.probabilities())
    found = selective_intervals(table, draws=50)
    assert set(found) == {"selective/aurc", *COVERAGES}
    for name, (value, low, high) in found.items():
        assert value == pytest.approx(expected[name]), name
        assert low < value < high
        assert high - low > 1e-3


def test_without_any_difference_in_certainty_it_is_that_of_top_1() -> None:
    table = clustered(np.random.default_rng(1), 30)
    right = table.predictions() == table.labels
    same = replace(table, scores=np.eye(3, dtype=np.float32)[table.predictions()])
    expected = cluster_bootstrap(
        {"top1": right * 1.0}, table.groups, lambda means: means, classes=table.labels,
        shares={"top1"}, draws=300,
    )["top1"]  # fmt: skip
    for name in COVERAGES:
        assert selective_intervals(same)[name] == pytest.approx(expected)


def test_the_order_of_the_table_does_not_count_for_intervals() -> None:
    draws = np.random.default_rng(4)
    table = clustered(draws, 30)
    order = draws.permutation(len(table.labels))
    moved = replace(
        table,
        labels=table.labels[order],
        scores=table.scores[order],
        groups=tuple(table.groups[row] for row in order),
    )
    before, after = selective_intervals(table), selective_intervals(moved)
    for name, found in before.items():
        assert after[name] == pytest.approx(found)


def test_samples_are_the_measures_of_the_sampled_clips() -> None:
    """With two groups a class a sample's weights are 0 or 2: each clip that many times."""
    draws = np.random.default_rng(2)
    labels, probabilities = sure(draws.choice([0.5, 0.6, 0.8, 0.9], 40), draws.integers(0, 2, 40))
    ranked = rank(labels, probabilities)
    for _ in range(5):
        weights = 2 * draws.integers(0, 2, 40).astype(np.float64)
        kept = np.repeat(np.arange(40), weights.astype(int))
        expected = selective_measures(labels[kept], probabilities[kept])
        found = _of_weights(ranked, weights[None, ranked.order])
        for name, values in found.items():
            # A clip that counts twice enters at once: the area differs in the second digit.
            close = 0.02 if name == "selective/aurc" else 1e-9
            assert values[0] == pytest.approx(expected[name], abs=close), name


def test_the_interval_of_a_small_area_is_above_0() -> None:
    table = clustered(np.random.default_rng(0), 16, ability=3.5)
    value, low, high = selective_intervals(table, draws=50)["selective/aurc"]
    assert 0 < low < value < high
    assert value - low < high - value, "an area near 0 is surer to one side"


@pytest.mark.long
def test_the_intervals_hold_the_truth_for_new_groups() -> None:
    draws = np.random.default_rng(3)
    large = clustered(draws, 20_000)
    truth = selective_measures(large.labels, large.probabilities())
    held = dict.fromkeys(("selective/aurc", *COVERAGES), 0)
    for _ in range(400):
        for name, (_, low, high) in selective_intervals(clustered(draws, 40)).items():
            held[name] += low <= truth[name] <= high
    for name, count in held.items():
        assert 0.92 <= count / 400 <= 0.98, name
