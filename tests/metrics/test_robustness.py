"""Robustness against the clean twin: pairs, edges, and the measures over several cells."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import entropy

from clip_har.metrics.robustness import (
    agreement_of_seeds,
    area_over_ratio,
    kl_divergence,
    mean_corruption_error,
    resilience,
    robustness,
    top_overlap,
)
from tests.report.made import table
from tests.tables import rows_of


def test_nothing_changes_against_itself():
    clean = table(0.7)
    assert robustness(clean, clean) == {
        "top1_clean": float((clean.predictions() == clean.labels).mean()),
        "robustness/absolute": 1, "robustness/relative": 1, "robustness/above_chance": 1,
        "flip_rate": 0,
        "flip_rate/harmful": 0, "flip_rate/helpful": 0, "kl_from_clean": 0,
        "bias/amplification": 0, "top5_overlap": 1,
    }  # fmt: skip


def test_clips_pair_by_their_id_and_strangers_count_for_nothing():
    clean, masked = table(0.8), table(0.3, seed=1)
    order = np.random.default_rng(0).permutation(160)[:90]
    some = rows_of(masked, order)
    found = robustness(some, clean)["flip_rate"]
    assert found == pytest.approx((masked.predictions() != clean.predictions())[order].mean())
    others = replace(masked, clip_ids=tuple(f"other {i}" for i in range(160)))
    assert robustness(others, clean) == {}


def test_a_clean_model_that_is_never_right_has_no_relative_robustness():
    assert "robustness/relative" not in robustness(table(0.5, seed=1), table(0.0))
    few = tuple("abcde")
    assert "top5_overlap" not in robustness(table(0.5, names=few), table(0.9, names=few))


@given(st.integers(0, 99))
def test_kl_is_scipys_and_never_infinite(seed):
    draws = np.random.default_rng(seed)
    p, q = (softmax(3 * draws.standard_normal((9, 5)), axis=1) for _ in range(2))
    assert kl_divergence(p, q) == pytest.approx(entropy(p, q, axis=1).mean())
    assert np.isfinite(kl_divergence(np.eye(3), np.eye(3)[[1, 2, 0]]))


def test_overlap_counts_sets_and_ties_go_to_the_first():
    assert top_overlap(np.array([[1.0, 1, 1, 0]]), np.array([[0.0, 1, 1, 1]]), k=2) == 0.5
    assert top_overlap(np.eye(4), np.eye(4), k=4) == 1


def test_area_is_the_trapezoid_in_any_order():
    curve = {0.5: 0.4, 0.0: 1.0, 0.1: 0.8}
    by_hand = (0.1 * 0.9 + 0.4 * 0.6) / 0.5
    assert area_over_ratio(curve) == pytest.approx(by_hand)
    assert area_over_ratio({0.2: 0.7, 0.9: 0.7}) == pytest.approx(0.7)
    with pytest.raises(ValueError, match="two ratios"):
        area_over_ratio({0.1: 1.0})


def test_mean_corruption_error_of_the_base_is_one():
    base = {"shape": [0.2, 0.6], "percent": [0.1, 0.1]}
    assert mean_corruption_error(base, base) == 1
    found = mean_corruption_error({"shape": [0.4, 0.4], "blur": [1.0]}, base)
    assert found == pytest.approx(1)
    worse = mean_corruption_error({"shape": [0.4, 1.2], "percent": [0.3, 0.3]}, base)
    assert worse == pytest.approx((2 + 3) / 2)
    with pytest.raises(ValueError, match="in common"):
        mean_corruption_error({"shape": [0.1]}, {"blur": [0.1]})
    with pytest.raises(ValueError, match="as many ratios"):
        mean_corruption_error({"shape": [0.1]}, {"shape": [0.1, 0.2]})
    with pytest.raises(ValueError, match="errors"):
        mean_corruption_error({"shape": [0.1]}, {"shape": [0.0]})


def test_resilience_and_consistency_at_their_edges():
    assert resilience([0.4], 0.8) == 0.5
    for masked, clean in (([], 0.5), ([0.1], 0.0)):
        with pytest.raises(ValueError, match="expected"):
            resilience(masked, clean)
    same = np.arange(5)
    assert agreement_of_seeds([same, same, same]).mean() == 1
    assert agreement_of_seeds([same, same + 1]).mean() == 0
    found = agreement_of_seeds([np.array([0, 1]), np.array([0, 2]), np.array([0, 1])])
    assert found == pytest.approx([1, 1 / 3])
    with pytest.raises(ValueError, match="two seeds"):
        agreement_of_seeds([same])
