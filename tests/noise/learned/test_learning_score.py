"""The score of the validation clips, which says what is kept and when to stop."""

from dataclasses import replace

import pytest
import torch

from clip_har.models.dual_encoder import DualEncoder
from clip_har.noise.learned import learning
from clip_har.noise.learned.learning import validate
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.settings import ClassSpecificNoise
from tests.noise.made import KINDS, WHOLE, kind, planted_classifier, started


@pytest.mark.parametrize("noise", KINDS, ids=kind)
def test_less_confidence_alone_is_no_progress(small_training, noise):
    """A model that says the same with half the confidence: cross-entropy falls, the score stays."""
    noise = noise.model_copy(update={"train_masking": ("percent",)})
    classifier = planted_classifier()
    calm = replace(classifier, model=replace(classifier.model, logit_scale=5.0))
    batch, start = small_training.validation(noise), started(noise, classifier)
    embeddings = classifier.model.encode_frames(batch.frames)
    losses = [
        torch.nn.functional.cross_entropy(model.frame_logits(embeddings), batch.labels)
        for model in (classifier, calm)
    ]
    assert losses[1] < 0.95 * losses[0], "confidence is lower, and so is the naive loss"
    scores = [validate(noise, start, model, batch) for model in (classifier, calm)]
    assert scores[1] == pytest.approx(scores[0], abs=1e-5)


def test_a_classes_own_noise_counts_and_only_that(small_training):
    """Each candidate is scored on x + δ_c: naming δ does not help, however strong it is."""
    classifier = planted_classifier()
    noise = ClassSpecificNoise(epsilon=16, **WHOLE)
    start, batch = started(noise, classifier), small_training.validation(noise)
    own = classifier.model.network.patterns[:, None, None].expand_as(start.parts["own"])
    before = validate(noise, start, classifier, batch)
    naming = start.with_parts({"own": 16 * own.clone()})
    assert validate(noise, naming, classifier, batch) == pytest.approx(before, abs=0.1)
    mending = start.with_parts({"own": 16 * own.clone()})
    mending.parts["own"][0] = 0  # all are raised but the one that wins by bias
    assert validate(noise, mending, classifier, batch) > before + 0.5


def test_candidates_are_the_true_class_and_those_that_are_likely_without_noise(
    small_training, monkeypatch
):
    classifier, noise = planted_classifier(), ClassSpecificNoise(epsilon=64, **WHOLE)
    monkeypatch.setattr(learning, "_CANDIDATES", 2)
    asked: list[torch.Tensor] = []
    embed = PixelNoise.embed

    def watched(noise: PixelNoise, model: DualEncoder, *given: torch.Tensor) -> torch.Tensor:
        asked.append(given[2].clone())
        return embed(noise, model, *given)

    monkeypatch.setattr(PixelNoise, "embed", watched)
    start, batch = started(noise, classifier), small_training.validation(noise)
    validate(noise, start, classifier, batch)
    logits = classifier.frame_logits(classifier.model.encode_frames(batch.frames))
    assert len(asked) == 3
    for row, label in enumerate(batch.labels.tolist()):
        order = logits[row].argsort(descending=True).tolist()
        order.remove(label)
        assert [int(column[row]) for column in asked] == [label, *order[:2]]
