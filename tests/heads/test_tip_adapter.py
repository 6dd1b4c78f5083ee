"""Tip-Adapter against the authors' formula, its keys, and what is learned."""

from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import cross_entropy, one_hot

from clip_har.heads.tip_adapter import (
    ALPHAS,
    BETAS,
    TipAdapter,
    _differentiable,
    fit_tip_adapter,
    learn_tip_adapter,
    make_keys,
)
from clip_har.heads.validation import validation_score
from tests.heads.made import (
    CLASSES,
    QUICK,
    TEST,
    TRAIN,
    VALIDATION,
    clips,
    relabelled,
    texts,
    top1,
    unit,
)

FEW = clips(4, 6 * CLASSES)  # as many of each class, and fewer than a class may have keys


def by_hand(features: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """Return the logits as the authors' code computes them, in their order and with torch."""
    words = texts()
    f, keys = torch.from_numpy(features).double(), torch.from_numpy(FEW.embeddings).double()
    affinity = f @ keys.T
    cache_values = one_hot(torch.from_numpy(FEW.labels), CLASSES).double()
    cache_logits = ((-1) * (beta - beta * affinity)).exp() @ cache_values
    clip_logits = words.logit_scale * f @ torch.from_numpy(words.vectors).double().T
    return (clip_logits + words.logit_bias + cache_logits * alpha).numpy()


def score(tip: TipAdapter) -> float:
    return validation_score(tip.logits(VALIDATION.embeddings), VALIDATION.labels)


def test_logits_are_those_of_the_authors_formula() -> None:
    tip = fit_tip_adapter(FEW, VALIDATION, texts(), seed=0)
    for alpha, beta in ((tip.alpha, tip.beta), (1.17, 5.5)):
        found = replace(tip, alpha=alpha, beta=beta).logits(TEST.embeddings)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, by_hand(TEST.embeddings, alpha, beta), atol=1e-4)


def test_alpha_and_beta_are_the_best_of_the_grid() -> None:
    tip = fit_tip_adapter(FEW, VALIDATION, texts(), seed=0)
    scores = {
        (alpha, beta): validation_score(
            by_hand(VALIDATION.embeddings, alpha * texts().logit_scale / 100, beta).astype("f4"),
            VALIDATION.labels,
        )
        for alpha in ALPHAS[::3]
        for beta in BETAS[::4]
    }
    assert score(tip) >= max(scores.values()) - 1e-6
    assert tip.alpha > 0
    assert tip.alpha / texts().logit_scale * 100 in ALPHAS, "in proportion to the logits"
    assert score(replace(tip, alpha=0.0)) < score(tip)


def test_a_class_has_at_most_so_many_keys_and_every_clip_counts() -> None:
    few = make_keys(FEW, seed=0)
    for label in range(CLASSES):
        own, given = few[0][few[1] == label], FEW.embeddings[FEW.labels == label]
        np.testing.assert_allclose(
            own[own[:, 0].argsort()], given[given[:, 0].argsort()], atol=1e-6
        )
    keys, labels = make_keys(TRAIN, seed=0, shots=4)
    assert np.bincount(labels).tolist() == [4] * CLASSES
    np.testing.assert_allclose(np.linalg.norm(keys, axis=1), 1, atol=1e-6)
    whole, _ = make_keys(TRAIN, seed=0, shots=1)
    for label in range(CLASSES):
        mean = TRAIN.embeddings[TRAIN.labels == label].mean(axis=0, keepdims=True)
        np.testing.assert_allclose(whole[label], unit(mean.astype(np.float64))[0], atol=1e-6)
    other, _ = make_keys(TRAIN, seed=1, shots=4)
    assert not np.array_equal(keys, other)


def test_all_classes_have_the_same_sum_of_values() -> None:
    rows = [row for row in range(len(FEW)) if FEW.labels[row] or row < 2 * CLASSES]
    uneven = type(FEW)(FEW.embeddings[rows], FEW.labels[rows], [FEW.groups[row] for row in rows])
    tip = fit_tip_adapter(uneven, VALIDATION, texts(), seed=0)
    assert np.bincount(uneven.labels)[0] == 2
    np.testing.assert_allclose(tip.values.sum(axis=0), 6)


def test_the_logits_with_a_gradient_are_those_without() -> None:
    tip = fit_tip_adapter(FEW, VALIDATION, texts(), seed=0)
    found = _differentiable(tip)(torch.from_numpy(tip.keys), torch.from_numpy(TEST.embeddings))
    np.testing.assert_allclose(found, tip.logits(TEST.embeddings), rtol=1e-5, atol=1e-4)


def test_learning_starts_at_the_keys_and_lowers_the_loss_of_training() -> None:
    tip = fit_tip_adapter(TRAIN, VALIDATION, texts(), seed=0)
    used = tip.searched(VALIDATION, alphas=ALPHAS[1:])
    learned = learn_tip_adapter(TRAIN, VALIDATION, tip, QUICK)
    assert score(learned) >= score(tip)
    assert not np.array_equal(learned.keys, tip.keys)
    labels = torch.from_numpy(TRAIN.labels)
    before, after = (
        float(cross_entropy(torch.from_numpy(head.logits(TRAIN.embeddings)), labels))
        for head in (used, replace(used, keys=learned.keys))
    )
    assert after < before


def test_learned_keys_that_are_worse_on_other_groups_are_not_kept() -> None:
    """The labels of training are shuffled: what is learned from them cannot help."""
    draws = np.random.default_rng(0)
    shuffled = relabelled(TRAIN, draws.permutation(TRAIN.labels))
    tip = fit_tip_adapter(shuffled, VALIDATION, texts(error=0.4), seed=0)
    learned = learn_tip_adapter(shuffled, VALIDATION, tip, QUICK)
    alone = replace(tip, alpha=0.0)
    assert score(learned) >= score(tip) >= score(alone)
    assert top1(learned, TEST) >= top1(alone, TEST) - 0.03
