"""A stack: few weights and a bias per class, held by a penalty that left-out groups choose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from statsmodels.discrete.conditional_models import ConditionalLogit

from clip_har.core.errors import ClipHarError
from clip_har.heads.clips import balanced
from clip_har.noise.learned import stack as module
from clip_har.noise.learned.stack import PENALTIES, Stack, crossed, fit_stack, folds_of

GROUPS = 5


def planted(weights, biases, *, clips, seed=0):
    """Return features, labels sampled from softmax(features · weights + biases), and groups."""
    draws = np.random.default_rng(seed)
    features = draws.standard_normal((clips, len(biases), len(weights)))
    chances = softmax(features @ np.array(weights) + np.array(biases), axis=1)
    lots = draws.random((clips, 1))
    labels = (chances.cumsum(axis=1) < lots).sum(axis=1).clip(max=len(biases) - 1)
    return features, labels, np.arange(clips) % GROUPS


def alone(monkeypatch, penalty, biased=1.0):
    """Let a stack have only these penalties."""
    monkeypatch.setattr(module, "PENALTIES", (penalty,))
    monkeypatch.setattr(module, "BIASES", (biased,))


def test_planted_weights_and_biases_are_recovered():
    biases = np.array([1.0, -0.5, 0.0, -1.5, 1.0])
    features, labels, groups = planted([0.4, -1.0, 0.0, 2.0], biases, clips=20_000)
    found = fit_stack(features, labels, groups)
    np.testing.assert_allclose(found.weights, [0.4, -1.0, 0.0, 2.0], atol=0.06)
    # Every class has the same weight: what its frequency adds to its bias is taken out again.
    expected = biases - np.log(np.bincount(labels))
    np.testing.assert_allclose(
        found.biases - found.biases.mean(), expected - expected.mean(), atol=0.1
    )


def test_without_a_penalty_it_is_the_conditional_logit_of_statsmodels(monkeypatch):
    alone(monkeypatch, 0.0)
    clips, classes, weights = 120, 4, [0.8, -0.5]
    features, _, groups = planted(weights, [0.0] * classes, clips=clips)
    labels = np.arange(clips) % classes  # as many of each: statsmodels has no weights of clips
    features[np.arange(clips), labels] += 0.5
    found = fit_stack(features, labels, groups)
    dummies = np.eye(classes)[:, 1:]  # a bias of each class but the first
    rows = np.concatenate([features, np.broadcast_to(dummies, (clips, *dummies.shape))], axis=2)
    hits = np.eye(classes)[labels].ravel()
    alternatives = rows.reshape(clips * classes, -1)
    expected = ConditionalLogit(
        hits, alternatives, groups=np.repeat(np.arange(clips), classes)
    ).fit(disp=0, method="bfgs", gtol=1e-8)
    np.testing.assert_allclose(found.weights, expected.params[:2], atol=1e-4)
    np.testing.assert_allclose(found.biases[1:] - found.biases[0], expected.params[2:], atol=1e-4)


@pytest.mark.parametrize(("penalty", "biased"), [(1e-3, 1), (0.1, 1), (3.0, 1), (1e-3, 1000)])
def test_with_a_penalty_it_is_the_minimum_that_another_method_finds(monkeypatch, penalty, biased):
    alone(monkeypatch, penalty, biased)
    features, labels, groups = planted([0.7, 2.0], [0.5, 0.0, -0.5], clips=150)
    features *= np.array([3.0, 0.2])  # the penalty must not depend on the units
    centred = features - features.mean(axis=1, keepdims=True)
    sizes = centred.std(axis=(0, 1))

    def objective(values):
        logs = log_softmax(features @ values[:2] + values[2:], axis=1)
        own = [-logs[labels == label, label].mean() for label in np.unique(labels)]
        change = sizes * (values[:2] - [1, 0])
        return np.mean(own) + penalty * ((change**2).sum() + biased * (values[2:] ** 2).sum())

    best = minimize(objective, [1.0, 0, 0, 0, 0], method="Nelder-Mead",
                    options={"xatol": 1e-8, "fatol": 1e-13, "maxiter": 9000}).x  # fmt: skip
    found = fit_stack(features, labels, groups)
    np.testing.assert_allclose([*found.weights, *found.biases], best, atol=1e-3)
    assert (found.penalty, found.biased) == (penalty, biased)


def test_with_few_clips_of_many_classes_weights_are_found_without_biases():
    features, labels, groups = planted([1.0, 2.0], [0.0] * 20, clips=60)
    found = fit_stack(features, labels, groups)
    assert found.weights[1] > 1
    assert np.abs(found.biases).max() < 0.5


def test_features_that_tell_nothing_get_no_weight():
    """On new clips the stack is as good as the first feature: noise in the others adds no error."""
    losses = []
    for seed in range(30):
        features, labels, groups = planted([1.0, 0, 0, 0], [0.0] * 5, clips=400, seed=seed)
        known, new = slice(None, 80), slice(80, None)
        found = fit_stack(features[known], labels[known], groups[known])
        scores = [found.apply(features[new]), features[new, :, 0]]
        rows = np.arange(320)
        losses.append([-log_softmax(one, axis=1)[rows, labels[new]].mean() for one in scores])
    stacked, first = np.array(losses).T
    assert stacked.mean() == pytest.approx(first.mean(), abs=0.01)
    # Free weights and biases would cost about their number over twice the clips.
    assert np.mean(stacked - first) < (4 + 5) / (2 * 80) / 4


@pytest.mark.parametrize("useful", [0.0, 1.5])
def test_the_penalty_is_high_where_nothing_can_be_gained(useful):
    features, labels, groups = planted([1.0, useful], [0.0] * 4, clips=200)
    assert (fit_stack(features, labels, groups).penalty >= 0.1) == (useful == 0)


def test_of_equal_losses_the_higher_penalty_is_taken():
    same = np.zeros((30, 3, 1))  # no scores, and classes alike
    found = fit_stack(same, np.arange(30) % 3, np.arange(30) % 2)
    assert np.isfinite(found.loss)
    assert found.weights.tolist() == [1.0]
    assert found.penalty == max(PENALTIES)


def test_the_loss_is_that_of_groups_that_are_left_out():
    features, labels, groups = planted([0.5, 1.0], [0.0, 0.3, 0.0], clips=90)
    found = fit_stack(features, labels, groups)
    scores = crossed(found, features, labels, groups)
    logs = log_softmax(scores.astype(np.float64), axis=1)[np.arange(90), labels]
    assert found.loss == pytest.approx(-float(balanced(labels) @ logs), rel=1e-5)
    # Labels of a group that are turned round change the other groups' scores, and not its own.
    turned = np.where(groups == 2, (labels + 1) % 3, labels)
    again = crossed(found, features, turned, groups)
    np.testing.assert_allclose(again[groups == 2], scores[groups == 2], atol=0.15)
    assert np.abs(again[groups != 2] - scores[groups != 2]).max() > 0.2


def test_clips_under_another_mask_are_scored_by_the_stacks_of_other_groups():
    features, labels, groups = planted([0.5, 1.0], [0.0, 0.3, 0.0], clips=90)
    found = fit_stack(features, labels, groups)
    scores = crossed(found, features, labels, groups, shown=features)
    np.testing.assert_array_equal(scores, crossed(found, features, labels, groups))
    doubled = crossed(found, features, labels, groups, shown=2 * features)
    zero = crossed(found, features, labels, groups, shown=0 * features)
    np.testing.assert_allclose(doubled - zero, 2 * (scores - zero), atol=1e-5)


@pytest.mark.parametrize("size", [0.01, 1.0, 100.0])
def test_separable_clips_have_finite_weights(size):
    labels = np.arange(40) % 4
    features = (size * np.eye(4)[labels])[:, :, None]
    found = fit_stack(features, labels, np.arange(40) // 4)
    assert np.isfinite([*found.weights, *found.biases, found.loss]).all()
    assert found.weights[0] > 0
    assert (found.apply(features).argmax(axis=1) == labels).all()


@pytest.mark.parametrize("penalty", [1e-4, 0.1])
def test_a_class_without_a_clip_is_not_held_down(monkeypatch, penalty):
    alone(monkeypatch, penalty)
    features, labels, groups = planted([1.0, 1.0], [0.0] * 4, clips=2000)
    known = (labels != 2) & (np.arange(2000) < 300)
    found = fit_stack(features[known], labels[known], groups[known])
    assert found.biases[2] == 0
    assert found.biases.sum() == pytest.approx(0, abs=1e-9)
    assert np.abs(found.biases).max() > 0
    new = slice(300, None)
    recall = [
        np.mean(found.apply(features[new]).argmax(axis=1)[labels[new] == label] == label)
        for label in range(4)
    ]
    assert recall[2] > np.delete(recall, 2).min() - 0.05


def test_a_penalty_is_not_rewarded_for_what_it_says_of_a_class_without_a_clip():
    """Neither the groups that are fitted on nor those that are left out have a clip of it."""
    features, labels, groups = planted([1.0], [0.0] * 6, clips=120)
    known = labels < 3
    found = fit_stack(features[known], labels[known], groups[known])
    assert found.weights[0] == pytest.approx(1, abs=0.6)
    assert found.biased * found.penalty >= 0.1
    assert found.biases[3:].tolist() == [0, 0, 0]


def test_all_classes_count_alike():
    features, labels, groups = planted([1.0, 1.0], [0.0] * 4, clips=300)
    often = np.concatenate([np.arange(300), *[np.flatnonzero(labels == 1)] * 4])
    one = fit_stack(features, labels, groups)
    other = fit_stack(features[often], labels[often], groups[often])
    np.testing.assert_allclose(other.biases, one.biases, atol=2e-3)


def test_one_group_leaves_out_clips():
    features, labels, _ = planted([1.0, 1.5], [0.0] * 3, clips=60)
    found = fit_stack(features, labels, np.zeros(60))
    assert found.weights[1] > 0.5
    assert [len(left_out) for _, left_out in folds_of(np.zeros(12))] == [3, 3, 2, 2, 2]


@pytest.mark.parametrize("groups", [2, 3, 5, 9])
def test_a_group_is_never_in_both_parts(groups):
    names = np.array([f"actor {number % groups}" for number in range(40)])
    folds = folds_of(names)
    assert len(folds) == min(groups, 5)
    assert sorted(np.concatenate([left_out for _, left_out in folds])) == list(range(40))
    for kept, left_out in folds:
        assert not set(names[kept]) & set(names[left_out])


def test_too_few_classes_or_clips_are_refused():
    features, _, groups = planted([1.0], [0.0] * 3, clips=9)
    with pytest.raises(ClipHarError, match="expected at least 2, got 1"):
        fit_stack(features, np.ones(9, np.int64), groups)
    with pytest.raises(ClipHarError, match="at least 2 of them, got 1"):
        folds_of(np.zeros(1))
    features[3, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        fit_stack(features, np.arange(9) % 3, groups)


def test_a_stack_is_applied_in_single_precision():
    stack = Stack(np.array([2.0, 1.0]), np.array([-3.0, 0.5]), penalty=1.0)
    found = stack.apply(np.array([[[1.0, 0.0], [2.0, 1.0]], [[0.0, 1.0], [-1.0, 0.0]]], np.float32))
    assert found.dtype == np.float32
    assert found.tolist() == [[-1.0, 5.5], [-2.0, -1.5]]


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-50, 50), scale=st.floats(0.1, 10))
def test_neither_a_shift_of_all_classes_nor_the_units_of_a_later_feature_matter(shift, scale):
    features, labels, groups = planted([1.0, 0.7], [0.0] * 3, clips=40)
    moved = features.copy()
    moved[:, :, 1] = scale * moved[:, :, 1] + shift
    one, other = fit_stack(features, labels, groups), fit_stack(moved, labels, groups)
    np.testing.assert_allclose(
        softmax(other.apply(moved), axis=1), softmax(one.apply(features), axis=1), atol=2e-3
    )
