"""Logit adjustment undoes a prior that the model has, and only that."""

import numpy as np
import pytest
from scipy.special import softmax

from clip_har.heads.clips import LabelledClips
from clip_har.heads.head import TextClasses
from clip_har.heads.logit_adjustment import fit_logit_adjustment
from tests.heads.made import top1

CLASSES, SCALE = 3, 8.0


def biased(seed: int, count: int, bias: float) -> tuple[LabelledClips, TextClasses]:
    """Return clips of equal classes, and a calibrated model that is told a wrong class prior.

    The last number of an embedding is the same for all clips; class 0's text answers to it.
    """
    draws = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    seen = np.eye(CLASSES)[labels] + draws.normal(scale=1 / np.sqrt(2), size=(count, CLASSES))
    # Gaussian around e_y with variance 1/2: the log-likelihood ratio is 2 x_y, here SCALE · cosine.
    vectors = np.column_stack([seen, np.ones(count)])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = np.eye(CLASSES, CLASSES + 1)
    texts[0, -1] = bias
    clips = LabelledClips((vectors / lengths).astype(np.float32), labels, [str(seed)] * count)
    return clips, TextClasses(texts.astype(np.float32), SCALE)


@pytest.mark.parametrize("bias", [1.5, -1.5])
def test_it_takes_away_a_prior_that_the_model_has(bias: float) -> None:
    (train, model), (validation, _), (test, _) = (
        biased(seed, count, bias) for seed, count in ((1, 600), (2, 300), (3, 1500))
    )
    fair = biased(1, 600, 0.0)[1]
    head = fit_logit_adjustment(train, validation, model)
    assert head.tau > 0.5
    assert np.argmax(np.abs(head.log_prior - head.log_prior.mean())) == 0
    assert top1(model, test) < top1(fair, test) - 0.05
    assert top1(head, test) > max(top1(fair, test) - 0.03, top1(model, test) + 0.03)


def test_the_formula() -> None:
    train, model = biased(1, 90, 0.5)
    head = fit_logit_adjustment(train, biased(2, 60, 0.5)[0], model)
    prior = softmax(model.logits(train.embeddings).astype(np.float64), axis=1).mean(axis=0)
    assert prior.sum() == pytest.approx(1)
    expected = model.logits(train.embeddings) - head.tau * np.log(prior)
    np.testing.assert_allclose(head.logits(train.embeddings), expected, atol=1e-4)


def test_classes_with_more_training_clips_do_not_move_the_prior() -> None:
    train, model = biased(1, 90, 0.5)
    rows = np.concatenate([np.arange(90), *[np.flatnonzero(train.labels == 1)] * 4])
    more = LabelledClips(train.embeddings[rows], train.labels[rows], ["1"] * len(rows))
    validation = biased(2, 60, 0.5)[0]
    found, expected = (fit_logit_adjustment(one, validation, model) for one in (more, train))
    np.testing.assert_allclose(found.log_prior, expected.log_prior, atol=1e-9)


def test_without_a_prior_little_is_changed() -> None:
    train, model = biased(1, 600, 0.0)
    head = fit_logit_adjustment(train, biased(2, 300, 0.0)[0], model)
    test = biased(3, 1500, 0.0)[0]
    assert np.ptp(head.tau * head.log_prior) < 0.5, "of logits with a range of 8"
    assert top1(head, test) == pytest.approx(top1(model, test), abs=0.01)


def test_a_class_that_is_never_predicted_has_a_finite_prior() -> None:
    train, model = biased(1, 90, 0.0)
    sure = TextClasses(model.vectors, 1e5)
    head = fit_logit_adjustment(train, biased(2, 60, 0.0)[0], sure)
    assert np.isfinite(head.log_prior).all()
    assert np.isfinite(head.logits(train.embeddings)).all()
