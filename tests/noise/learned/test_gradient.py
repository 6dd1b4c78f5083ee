"""The gradient in parts is that of one pass over all frames, in the memory of few."""

from typing import Any

import pytest
import torch

from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.gradient import add_gradient
from clip_har.noise.learned.learning_settings import LearningSettings, LossWeights
from clip_har.noise.learned.settings import (
    ClassSpecificNoise,
    EmbeddingNoise,
    NestedNoise,
    UniversalNoise,
)
from clip_har.noise.learned.training_clips import Batch
from tests.noise.made import (
    planted_classifier,
    random_classifier,
    random_noise,
    split,
    subject_maps,
)
from tests.planted import open_planted

PRIOR = torch.tensor([0.1, 0.2, 0.3, 0.3, 0.1])
WRONG = torch.tensor([[1, 2], [2, 3], [3, 4], [4, 0], [0, 1], [4, 3], [0, 2]])
EVERY = {"cross_entropy": 0.3, "contrast": 0.2, "ranking": 1.0, "bias": 0.7}


def found(
    noise: Learned, classifier: ZeroShot, batch: Batch, at_once: int
) -> tuple[list[torch.Tensor], dict[str, float], list[int]]:
    """Return the gradient, the terms, and the sizes of the passes with a gradient."""
    perturbation = random_noise(noise, classifier, factor=40)
    parts = [part.requires_grad_() for part in perturbation.parts.values()]
    noise = noise.model_copy(update={"learning": LearningSettings(batch=at_once)})
    sizes: list[int] = []
    network, features = classifier.model.network, classifier.model.network.get_image_features

    def counted(pixel_values: torch.Tensor, **more: Any) -> Any:
        if pixel_values.requires_grad:
            sizes.append(len(pixel_values))
        return features(pixel_values=pixel_values, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "get_image_features", counted)
        terms = add_gradient(
            noise,
            perturbation,
            classifier,
            batch,
            WRONG if noise.per_class else None,
            PRIOR,
            backward=torch.Tensor.backward,
        )
    gradients = [part.grad for part in parts if part.grad is not None]
    assert len(gradients) == len(parts)
    return gradients, terms, sizes


@pytest.mark.parametrize(
    ("noise", "at_once", "expected"),
    [
        (NestedNoise(loss=LossWeights(**EVERY)), 9, [9, 9, 3]),
        (NestedNoise(loss=LossWeights(**EVERY), rank=2), 2, [3] * 7),
        (ClassSpecificNoise(loss=LossWeights(**EVERY)), 9, [9, 9, 3]),
        (UniversalNoise(loss=LossWeights(cross_entropy=1, bias=1)), 4, [4, 3]),
    ],
)
def test_parts_give_the_gradient_of_one_pass(small_training, noise, at_once, expected):
    classifier = planted_classifier()
    noise = noise.model_copy(update={"wrong": 2}) if noise.per_class else noise
    batch = small_training.batch(noise, 7, 0)
    whole, terms, passes = found(noise, classifier, batch, 999)
    parts, same, sizes = found(noise, classifier, batch, at_once)
    assert len(passes) == 1
    assert sizes == expected
    assert terms.keys() == {*noise.weights(), "total"}
    assert same == pytest.approx(terms, rel=1e-5)
    for one, other in zip(parts, whole, strict=True):
        assert float(other.abs().max()) > 0
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7 * float(other.abs().max()))


def test_attention_is_weighted_by_the_frames_with_a_subject(planted_set, small_clip, tmp_path):
    classifier = random_classifier(small_clip, batch_size=32)
    frames = open_planted(planted_set, tmp_path)
    training = split(frames, subject=subject_maps(frames, tmp_path))
    noise = UniversalNoise(loss=LossWeights(attention=1.0), resolution=8, train_masking=("none",))
    batch = training.batch(noise, 5, 0)
    assert batch.subject is not None
    batch.subject[1] = 0  # nobody is there
    (whole,), terms, _ = found(noise, classifier, batch, 999)
    (parts,), same, _ = found(noise, classifier, batch, 2)
    assert same == pytest.approx(terms, rel=1e-5)
    torch.testing.assert_close(parts, whole, rtol=1e-3, atol=1e-6 * float(whole.abs().max()))


def test_in_feature_space_all_frames_pass_at_once():
    assert EmbeddingNoise(learning=LearningSettings(batch=9)).frames_at_once(5) == 9
