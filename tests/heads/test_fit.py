"""All heads together: better than the texts alone, harmless, the same again, and kept on disk."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import softmax

from clip_har.core.errors import ClipHarError
from clip_har.heads.file import read_heads, save_heads
from clip_har.heads.fit import KINDS, fit_heads
from clip_har.heads.head import Head, TextClasses
from clip_har.models.clip import CLIP
from clip_har.models.pooling import clip_scores
from clip_har.models.zero_shot import ZeroShot
from tests.heads.made import (
    CPU,
    QUICK,
    TEST,
    TRAIN,
    VALIDATION,
    clips,
    relabelled,
    texts,
    top1,
    without,
)
from tests.heads.test_prompt_vectors import NAMES, clips_of
from tests.noise.made import planted_classifier

WITHOUT_WORDS = [name for name in KINDS if name != "prompt vectors"]


@pytest.fixture(scope="module")
def fitted() -> dict[str, Head]:
    return fit_heads(TRAIN, VALIDATION, texts(), QUICK)


@pytest.mark.parametrize("name", ["linear probe", "tip-adapter", "tip-adapter-f"])
def test_what_can_be_read_from_the_embeddings_is_read(fitted, name):
    assert top1(fitted[name], TEST) > top1(texts(), TEST) + 0.1


def test_a_head_without_a_use_for_the_labels_is_left_to_them(fitted):
    assert list(fitted) == WITHOUT_WORDS
    assert top1(fitted["logit adjustment"], TEST) > top1(texts(), TEST) - 0.03


def test_it_does_no_harm_where_the_texts_are_the_best_answer():
    """Labels are sampled from the model's own probabilities: nothing can be better than it."""
    model = texts(scale=8.0)
    parts = []
    for number, part in enumerate((TRAIN, VALIDATION, clips(5, 2000))):
        draws = np.random.default_rng(number)
        odds = softmax(model.logits(part.embeddings).astype(np.float64), axis=1)
        parts.append(relabelled(part, np.array([draws.choice(4, p=row) for row in odds])))
    train, validation, test = parts
    found = fit_heads(train, validation, model, QUICK)
    best = top1(model, test)
    for name in ("tip-adapter", "tip-adapter-f", "logit adjustment"):
        assert top1(found[name], test) > best - 0.04, name
    assert top1(found["linear probe"], test) <= best + 0.02, "nor is it better"


def test_labels_that_say_nothing_give_chance():
    draws = np.random.default_rng(3)
    train, validation, test = (
        relabelled(part, draws.permutation(part.labels)) for part in (TRAIN, VALIDATION, TEST)
    )
    for name, head in fit_heads(train, validation, texts(), QUICK).items():
        assert top1(head, test) == pytest.approx(0.25, abs=0.05), name


def test_the_same_seed_gives_the_same_heads(fitted):
    again = fit_heads(TRAIN, VALIDATION, texts(), QUICK)
    for name, head in fitted.items():
        np.testing.assert_array_equal(
            again[name].logits(TEST.embeddings), head.logits(TEST.embeddings)
        )


def test_a_clips_logits_do_not_depend_on_the_others(fitted):
    for head in fitted.values():
        alone = np.concatenate([head.logits(row[None]) for row in TEST.embeddings[:20]])
        np.testing.assert_allclose(alone, head.logits(TEST.embeddings)[:20], rtol=1e-6)


def test_classes_without_a_clip_are_no_fault(caplog):
    part = without(TRAIN, 0, 2, 3)
    found = fit_heads(part, VALIDATION, texts(), QUICK)
    assert "linear probe" not in found
    assert "at least 2 classes" in caplog.text
    for head in found.values():
        assert np.isfinite(head.logits(TEST.embeddings)).all()


def test_a_group_in_both_parts_is_refused():
    with pytest.raises(ClipHarError, match="1 g0"):
        fit_heads(TRAIN, TRAIN, texts(), QUICK)


def test_a_model_without_texts_has_no_prompt_vectors_and_a_line_says_so(caplog):
    with caplog.at_level(logging.WARNING):
        model, short = planted_classifier().model, replace(QUICK, steps=2)
        found = fit_heads(TRAIN, VALIDATION, texts(), short, model=model, names=["a", "b"])
    assert list(found) == WITHOUT_WORDS
    assert "no baseline 'prompt vectors'" in caplog.text


@pytest.fixture(scope="module")
def of_a_model(small_clip: Path, tmp_path_factory):
    """All heads of a small CLIP, with the zero-shot classifier that they start from."""
    model = CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="fp32")
    classifier = ZeroShot.build(
        model, [[name] for name in NAMES], pooling="mean", batch_size=8,
        cache_dir=tmp_path_factory.mktemp("cache"),
    )  # fmt: skip
    heads = fit_heads(
        clips_of(model, 1, 30), clips_of(model, 2, 30), TextClasses.of(classifier), QUICK,
        model=model, names=NAMES,
    )  # fmt: skip
    return classifier, heads, clips_of(model, 3, 30)


def test_the_classes_of_a_classifier_give_its_scores(of_a_model):
    classifier, _, test = of_a_model
    expected = clip_scores(
        torch.from_numpy(test.embeddings), [1] * len(test), classifier.class_embeddings,
        logit_scale=classifier.model.logit_scale, pooling="mean",
    )  # fmt: skip
    found = TextClasses.of(classifier).logits(test.embeddings)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_heads_are_found_again_equal_to_the_bit(of_a_model, tmp_path):
    _, heads, test = of_a_model
    assert list(heads) == list(KINDS)
    save_heads(tmp_path / "heads.safetensors", heads)
    again = read_heads(tmp_path / "heads.safetensors")
    assert again is not None
    assert list(again) == list(heads)
    for name, head in heads.items():
        assert type(again[name]) is type(head) is KINDS[name]
        np.testing.assert_array_equal(
            again[name].logits(test.embeddings), head.logits(test.embeddings)
        )


def test_what_is_damaged_or_missing_is_not_there(of_a_model, tmp_path):
    path = tmp_path / "heads.safetensors"
    assert read_heads(path) is None
    save_heads(path, of_a_model[1])
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)
    assert read_heads(path) is None
