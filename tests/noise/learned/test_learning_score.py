"""The score of the validation clips, which says what is kept and when to stop."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import log_softmax

from clip_har.models.dual_encoder import DualEncoder
from clip_har.noise.learned import learning
from clip_har.noise.learned.learning import best_log_probability, validate
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.settings import ClassSpecificNoise
from tests.noise.made import KINDS, WHOLE, kind, planted_classifier, started

Scores = NDArray[np.float64]


def some_scores(seed: int, *, rows: int = 30, columns: int = 4) -> Scores:
    """Return scores whose best temperature is well inside of what is searched."""
    draws = np.random.default_rng(seed)
    scores = draws.normal(size=(rows, columns))
    scores[:, 0] += 0.7
    return scores


@given(st.integers(0, 99), st.floats(0.2, 4))
def test_the_score_does_not_know_the_scale_of_the_answers(seed, scale):
    scores = some_scores(seed)
    assert best_log_probability(scale * scores) == pytest.approx(
        best_log_probability(scores), abs=1e-6
    )


@settings(max_examples=20)
@given(st.integers(0, 99))
def test_the_score_is_the_best_of_all_temperatures(seed):
    scores = some_scores(seed)
    all_of_them = [
        log_softmax(a * scores, axis=1)[:, 0].mean() for a in np.geomspace(0.02, 18, 999)
    ]
    assert best_log_probability(scores) == pytest.approx(max(all_of_them), abs=1e-4)
    assert best_log_probability(scores) >= max(all_of_them) - 1e-9


@pytest.mark.parametrize("right", [6, 7, 9])
def test_the_score_of_equally_sure_answers_is_what_the_share_of_right_ones_says(right):
    scores = np.array([[3.0, 0.0]] * right + [[0.0, 3.0]] * (10 - right))
    share = right / 10
    expected = share * math.log(share) + (1 - share) * math.log(1 - share)
    assert best_log_probability(scores) == pytest.approx(expected, abs=1e-6)


def test_what_is_no_candidate_does_not_count():
    scores = some_scores(0, columns=3)
    more = np.concatenate([scores, np.full((len(scores), 1), -np.inf)], axis=1)
    assert best_log_probability(more) == pytest.approx(best_log_probability(scores), abs=1e-9)


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
