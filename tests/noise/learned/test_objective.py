"""What each term of the loss sees: whose noise, which frames, against answers worked by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned import loss
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.learning_settings import LossWeights
from clip_har.noise.learned.objective import class_prior, sample_wrong, terms
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.settings import ClassSpecificNoise, UniversalNoise
from clip_har.noise.learned.start import make_perturbation
from clip_har.noise.learned.training_clips import Batch, TrainingClips
from tests.noise.made import planted_classifier

EVERY = LossWeights(**dict.fromkeys(set(LossWeights.model_fields) - {"attention"}, 1.0))
PRIOR = torch.tensor([0.1, 0.2, 0.3, 0.3, 0.1])


@pytest.fixture
def classifier() -> ZeroShot:
    return planted_classifier()


def strong(noise: Learned, classifier: ZeroShot) -> PixelNoise:
    """Return random noise that fills its budget."""
    made = make_perturbation(
        noise, model=classifier.model, class_embeddings=classifier.class_embeddings, frames=4
    )
    assert isinstance(made, PixelNoise)
    return made.with_parts({name: 100 * part for name, part in made.parts.items()})


def answers(classifier: ZeroShot, noise: PixelNoise, batch: Batch, classes: Tensor) -> Tensor:
    """Return the logits of frames, one by one, with δ of a class added to what is shown."""
    rows = []
    for number, column in enumerate(classes.tolist()):
        (part,) = noise.parts.values()
        delta = part[min(column, len(part) - 1), 0]
        delta = delta if noise.where == "everywhere" else delta * batch.visible[number]
        picture = (batch.frames[number].float() + delta).clamp(0, 255)
        scale = classifier.model.scale
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (scale.mean, scale.std))
        pixels = (picture / 255 - mean) / std
        features = classifier.model.network.get_image_features(pixels[None]).pooler_output[0]
        rows.append(10 * features / features.norm())
    return torch.stack(rows)


def batch_of(training: TrainingClips, noise: Learned) -> Batch:
    return training.batch(noise, 6, 0)


@pytest.mark.parametrize("where", ["everywhere", "visible"])
def test_each_term_sees_the_answers_that_it_is_about(classifier, small_training, where):
    noise = ClassSpecificNoise(
        loss=EVERY, where=where, train_masking=("percent",), train_ratios=(0.5,)
    )
    batch, delta = batch_of(small_training, noise), strong(noise, classifier)
    wrong = torch.stack([(batch.labels + 1) % 5, (batch.labels + 3) % 5], dim=1)
    found = terms(noise, delta, classifier, batch, wrong, PRIOR)
    own = answers(classifier, delta, batch, batch.labels)
    others = torch.stack([answers(classifier, delta, batch, wrong[:, j]) for j in (0, 1)], dim=1)
    candidates = [
        [own[n, label], others[n, 0, wrong[n, 0]], others[n, 1, wrong[n, 1]]]
        for n, label in enumerate(batch.labels)
    ]
    expected = {
        "cross_entropy": loss.cross_entropy(own, batch.labels),
        "contrast": loss.contrast(others, wrong),
        "ranking": loss.ranking(torch.tensor(candidates)),
        "bias": loss.bias(others.reshape(-1, 5), PRIOR),
    }
    assert list(found) == list(EVERY.given()), "in the order of the settings"
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=1e-5, rtol=1e-4, msg=name)


def test_noise_for_all_classes_is_the_same_for_every_clip(classifier, small_training):
    noise = UniversalNoise(loss=EVERY)
    batch, delta = batch_of(small_training, noise), strong(noise, classifier)
    found = terms(noise, delta, classifier, batch, None, PRIOR)
    own = answers(classifier, delta, batch, torch.zeros_like(batch.labels))
    assert set(found) == set(EVERY.given()) - {"contrast", "ranking"}
    torch.testing.assert_close(found["cross_entropy"], loss.cross_entropy(own, batch.labels))
    torch.testing.assert_close(found["bias"], loss.bias(own, PRIOR))


def test_terms_without_a_weight_are_not_worked_out(classifier, small_training):
    noise = ClassSpecificNoise(loss=LossWeights(bias=0.1))
    batch = batch_of(small_training, noise)
    wrong = ((batch.labels + 1) % 5)[:, None]
    found = terms(noise, strong(noise, classifier), classifier, batch, wrong, PRIOR)
    assert list(found) == ["bias"]


def test_the_gradient_reaches_the_noise_that_is_shown_and_no_other(classifier, small_training):
    noise = ClassSpecificNoise(loss=EVERY, train_masking=("none",))
    batch: Any = batch_of(small_training, noise)
    batch = Batch(**{**vars(batch), "labels": torch.tensor([0, 1, 0, 1, 0, 1])})
    wrong = torch.full((6, 1), 3)
    delta: Perturbation = strong(noise, classifier)
    part = delta.parts["own"].requires_grad_()
    torch.stack(
        list(terms(noise, delta, classifier, batch, wrong, PRIOR).values())
    ).sum().backward()
    assert part.grad is not None
    reached = part.grad.flatten(1).abs().sum(dim=1) > 0
    assert reached.tolist() == [True, True, False, True, False]


# Wrong classes


@given(
    classes=st.integers(2, 9), count=st.integers(1, 12), clips=st.integers(1, 6), seed=st.integers()
)
def test_wrong_classes_are_distinct_and_wrong_and_half_of_them_hard(classes, count, clips, seed):
    draws = np.random.default_rng(abs(seed))
    clean = torch.from_numpy(draws.normal(size=(clips, classes)))
    labels = torch.from_numpy(draws.integers(classes, size=clips))
    found = sample_wrong(clean, labels, count=count, draws=draws)
    sampled = min(count, classes - 1)
    assert found.shape == (clips, sampled)
    for row, label, scores in zip(found.tolist(), labels.tolist(), clean.tolist(), strict=True):
        assert len(set(row)) == sampled
        assert label not in row
        others = sorted(set(range(classes)) - {label}, key=lambda c: -scores[c])
        hard = (sampled + 1) // 2
        assert row[:hard] == others[:hard]


def test_easy_wrong_classes_have_equal_chances():
    clean = torch.tensor([[9.0, 8, 0, -1, -2, -3]]).expand(2000, -1)
    labels = torch.zeros(2000, dtype=torch.long)
    found = sample_wrong(clean, labels, count=2, draws=np.random.default_rng(0))
    assert set(found[:, 0].tolist()) == {1}
    shares = np.bincount(found[:, 1], minlength=6) / 2000
    np.testing.assert_allclose(shares, [0, 0, 0.25, 0.25, 0.25, 0.25], atol=0.04)


def test_wrong_classes_are_of_the_draws_alone():
    clean, labels = torch.randn(8, 20), torch.arange(8)
    one, again, other = (
        sample_wrong(clean, labels, count=5, draws=np.random.default_rng(seed))
        for seed in (0, 0, 1)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_the_prior_is_even_over_the_classes_that_are_there():
    prior = class_prior(np.array([3, 0, 0, 0, 3]), 5)
    assert float(prior.sum()) == pytest.approx(1)
    assert prior[0] == prior[3]
    assert float(prior[0]) == pytest.approx(1 / 2.003)
    assert (prior[[1, 2, 4]] / prior[0]).tolist() == pytest.approx([1e-3] * 3)
