"""Vectors in front of class names: the words' own vectors give the texts' own embeddings."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from clip_har.core.errors import ClipHarError
from clip_har.heads import context
from clip_har.heads.context import CONTEXT, open_texts
from clip_har.models.any_family import AnyFamily
from clip_har.models.clip import CLIP
from clip_har.models.open_clip.option import OpenCLIP
from clip_har.models.siglip import SigLIP
from clip_har.synthetic.tiny_clip import TinyCLIP
from tests.checkpoints import SMALL, write_checkpoint, write_metaclip2, write_siglip
from tests.families import write_family
from tests.heads.made import CPU
from tests.models.open_clip.made import write as write_open_clip
from tests.noise.made import planted_classifier

NAMES = ["person", "a dog running", "jumping in the room with a dog"]  # 1 to 7 tokens
FAMILIES = ["Align", "AltCLIP", "Blip", "CLIPSeg", "ChineseCLIP", "GroupViT", "Tipsv2"]
OPEN_CLIP = ["open_clip vit", "open_clip coca", "open_clip siglip", "open_clip roberta"]
SLOW = ["CLIPSeg", "ChineseCLIP", "GroupViT", "Tipsv2", "open_clip siglip"]  # as others, or almost


def option(kind: str, folder: Any) -> Any:
    """Return a small model of a kind with random weights."""
    if kind == "tiny":
        return TinyCLIP()
    if kind in FAMILIES:
        return AnyFamily(checkpoint=str(write_family(folder, kind)))
    if kind.startswith("open_clip "):
        return OpenCLIP(checkpoint=str(write_open_clip(folder, kind.removeprefix("open_clip "))))
    if kind == "siglip":
        return SigLIP(checkpoint=str(write_siglip(folder)))
    if kind == "metaclip2":
        return CLIP(checkpoint=str(write_metaclip2(folder)))
    return CLIP(checkpoint=str(write_checkpoint(folder, SMALL)))


def load(kind: str, folder: Any) -> Any:
    return option(kind, folder).load(device=CPU, precision="fp32")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(kind, marks=[pytest.mark.slow] * (kind in SLOW))
        for kind in ("tiny", "clip", "metaclip2", "siglip", *FAMILIES, *OPEN_CLIP)
    ],
)
def model(request, tmp_path_factory):
    return load(request.param, tmp_path_factory.mktemp("models") / "model")


def test_the_words_own_vectors_give_the_texts(model):
    texts = open_texts(model, NAMES)
    expected = model.encode_texts([f"{CONTEXT} {name}" for name in NAMES])
    assert len(texts.words) == 4
    torch.testing.assert_close(texts.embed(texts.words), expected, atol=1e-5, rtol=0)
    assert (expected[0] - expected[1]).abs().max() > 1e-3, "names tell the classes apart"


def test_other_vectors_are_what_the_table_would_give(model):
    """Oracle: a copy of the network in whose table the words' rows are overwritten."""
    words = "photo of person"  # all different, and in no name below
    names = ["dog", "dog running in room"]
    texts = open_texts(model, names, words)
    draws = torch.Generator().manual_seed(0)
    vectors = texts.words + texts.words.std() * torch.randn(texts.words.shape, generator=draws)
    changed = replace(model, network=deepcopy(model.network), tower=None)
    (table,) = (
        own
        for own, given in zip(changed.network.modules(), model.network.modules(), strict=True)
        if given is texts.table
    )
    numbers = texts.tokens["input_ids"][0, texts.first : texts.first + len(vectors)]
    assert len(set(numbers.tolist())) == 3
    table.weight.data[numbers] = vectors
    expected = changed.encode_texts([f"{words} {name}" for name in names])
    found = texts.embed(vectors)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert (found - texts.embed(texts.words)).abs().max() > 1e-3


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return load("clip", tmp_path_factory.mktemp("models") / "clip")


def test_gradients_are_those_of_finite_differences(small):
    exact = replace(small, network=deepcopy(small.network).double(), dtype=torch.float64)
    texts = open_texts(small, NAMES)
    precise = replace(texts, model=exact, table=exact.network.text_model.embeddings.token_embedding)
    weights = torch.randn(3, 32, generator=torch.Generator().manual_seed(1)).double()

    def total(vectors):
        return (precise.embed(vectors).double() * weights).sum()

    vectors = texts.words.double().requires_grad_()
    (found,) = torch.autograd.grad(total(vectors), vectors)
    step = torch.zeros_like(vectors)
    step[1, 3] = 1e-2
    with torch.no_grad():
        expected = (total(vectors + step) - total(vectors - step)) / 2e-2
    assert float(found[1, 3]) == pytest.approx(float(expected), rel=1e-2)
    assert abs(float(expected)) > 1e-4


def test_many_classes_pass_in_parts_with_the_same_gradient(small, monkeypatch):
    names = [f"person {number}" for number in range(7)]
    texts = open_texts(small, names)
    found = []
    for size in (128, 3):
        monkeypatch.setattr(context, "_TEXTS", size)
        vectors = texts.words.clone().requires_grad_()
        embeddings = texts.embed(vectors)
        embeddings[:, :5].sum().backward()
        found.append((embeddings.detach(), vectors.grad))
    torch.testing.assert_close(found[0], found[1], atol=1e-6, rtol=1e-5)


def test_nothing_is_left_behind_in_the_network(small):
    before = small.encode_texts(NAMES)
    texts = open_texts(small, NAMES)
    texts.embed(torch.ones_like(texts.words))
    torch.testing.assert_close(small.encode_texts(NAMES), before, atol=0, rtol=0)
    hooks = [len(module._forward_hooks) for module in small.network.modules()]
    assert not np.any(hooks)
    assert all(not weight.requires_grad for weight in small.network.parameters())


class Otherwise(torch.nn.Module):
    """A text tower that asks no table, or two, or lets no gradient through."""

    def __init__(self, kind: str, network: Any) -> None:
        super().__init__()
        self.kind, self.network = kind, network
        self.more = torch.nn.Embedding(49408, 4)

    def get_text_features(self, input_ids: torch.Tensor, **more: Any) -> Any:
        if self.kind == "two":
            self.more(input_ids)
        if self.kind == "other numbers":
            input_ids = input_ids.roll(1, dims=1)
        with torch.set_grad_enabled(self.kind != "no gradient"):
            return self.network.get_text_features(input_ids=input_ids, **more)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("two", "asks 2 tables"),
        ("other numbers", "asks 0 tables"),
        ("no gradient", "cannot be put before"),
    ],
)
def test_a_tower_that_cannot_be_reached_is_one_line(small, kind, message):
    with pytest.raises(ClipHarError, match=message):
        open_texts(replace(small, network=Otherwise(kind, small.network)), NAMES)


def test_a_model_without_texts_is_one_line():
    with pytest.raises(ClipHarError, match="cannot be put before its texts"):
        open_texts(planted_classifier().model, NAMES)
