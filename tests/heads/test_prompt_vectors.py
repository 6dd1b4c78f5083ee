"""Prompt vectors: learned through the text tower, kept by validation, the towers unchanged."""

from pathlib import Path

import numpy as np
import pytest
import torch

from clip_har.heads.clips import LabelledClips
from clip_har.heads.context import open_texts
from clip_har.heads.head import TextClasses
from clip_har.heads.learn import Schedule
from clip_har.heads.prompt_vectors import learn_prompt_vectors
from clip_har.heads.validation import validation_score
from clip_har.models.clip import CLIP
from clip_har.models.dual_encoder import DualEncoder
from tests.heads.made import CPU, relabelled, top1, unit

NAMES = ["apply eye makeup", "biking", "walking with a dog"]
EFFORT = Schedule(steps=60, batch=24, validate_every=20)


@pytest.fixture(scope="module")
def model(small_clip: Path) -> DualEncoder:
    return CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="fp32")


def clips_of(model: DualEncoder, seed: int, count: int = 90) -> LabelledClips:
    """Return clips near the class embeddings of other vectors than those of the words."""
    texts = open_texts(model, NAMES)
    draws = torch.Generator().manual_seed(5)
    other = texts.words + 2 * texts.words.std() * torch.randn(texts.words.shape, generator=draws)
    with torch.no_grad():
        classes = texts.embed(other).numpy().astype(np.float64)
    labels = np.arange(count) % len(NAMES)
    noise = np.random.default_rng(seed).normal(size=(count, classes.shape[1]))
    spread = np.linalg.norm(classes - classes.mean(axis=0), axis=1).mean() / classes.shape[1] ** 0.5
    return LabelledClips(
        unit(classes[labels] + 2 * spread * noise), labels, [f"{seed} {row}" for row in labels]
    )


def test_learned_vectors_are_better_than_the_words(model):
    train, validation, test = (clips_of(model, seed) for seed in (1, 2, 3))
    texts = open_texts(model, NAMES)
    before = {name: weight.clone() for name, weight in model.network.named_parameters()}
    start = TextClasses(texts.embed(texts.words).numpy(), model.logit_scale)
    found = learn_prompt_vectors(train, validation, model, NAMES, EFFORT)
    assert found.step > 0
    assert top1(found, test) > top1(start, test) + 0.1
    np.testing.assert_allclose(
        found.classes.vectors, texts.embed(torch.from_numpy(found.vectors)).detach(), atol=1e-6
    )
    for name, weight in model.network.named_parameters():
        assert torch.equal(weight, before[name]), "both towers are frozen"


def test_what_does_not_help_other_groups_is_not_kept(model):
    train, validation = clips_of(model, 1), clips_of(model, 2)
    shuffled = relabelled(train, np.random.default_rng(0).permutation(train.labels))
    texts = open_texts(model, NAMES)
    start = TextClasses(texts.embed(texts.words).numpy(), model.logit_scale)
    found = learn_prompt_vectors(shuffled, validation, model, NAMES, EFFORT)

    def score(head):
        return validation_score(head.logits(validation.embeddings), validation.labels)

    assert score(found) >= score(start)


def test_it_also_works_within_inference_mode(model):
    train, validation = clips_of(model, 1, 30), clips_of(model, 2, 30)
    schedule = Schedule(steps=3, batch=8, validate_every=1)
    with torch.inference_mode():
        inside = learn_prompt_vectors(train, validation, model, NAMES, schedule)
    outside = learn_prompt_vectors(train, validation, model, NAMES, schedule)
    np.testing.assert_array_equal(inside.vectors, outside.vectors)


def test_half_precision_learns_about_the_same(model, small_clip):
    narrow = CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="bf16")
    train, validation, test = (clips_of(model, seed) for seed in (1, 2, 3))
    exact, found = (
        learn_prompt_vectors(train, validation, one, NAMES, EFFORT) for one in (model, narrow)
    )
    assert found.vectors.dtype == np.float32
    assert top1(found, test) > top1(exact, test) - 0.1
