"""Gradient-weighted attention, against a forward pass and a roll-out written apart from it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import layer_norm, normalize
from transformers import CLIPConfig, CLIPModel, SiglipConfig, SiglipModel

from clip_har.core.errors import ClipHarError
from clip_har.models import attribution as module
from clip_har.models.attribution import (
    attribution,
    class_token_row,
    clip_attribution,
    clip_logit,
    embed_clip,
)
from clip_har.models.clip import CLIP
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.pooling import Pooling, clip_scores
from clip_har.models.zero_shot import ZeroShot
from tests.checkpoints import SMALL

CPU = torch.device("cpu")
SIDE = 64
LAYERS, HEADS, GRID, PATCH = 2, 3, 3, 16  # of the model that the oracle evaluates
STEP = 1e-5  # of the finite differences, in float64


@pytest.fixture(scope="module")
def model(small_clip: Path) -> DualEncoder:
    return CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="fp32")


@pytest.fixture
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="module")
def smaller(model: DualEncoder) -> DualEncoder:
    """A model of random weights with so few tokens that each attention can be changed alone."""
    config: Any = CLIPConfig(**json.loads(json.dumps(SMALL)))
    config.vision_config.image_size = GRID * PATCH
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = CLIPModel(config).eval().requires_grad_(requires_grad=False)
    return replace(model, network=network, image_size=GRID * PATCH)


def random_clip(frames: int, seed: int, *, side: int = SIDE) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (frames, 3, side, side), dtype=torch.uint8, generator=generator)


def random_text(seed: int = 0) -> Tensor:
    return normalize(torch.randn(32, generator=torch.Generator().manual_seed(seed)), dim=-1)


def of_clip(model: DualEncoder, clip: Tensor, text: Tensor, **settings: Any) -> Tensor:
    return clip_attribution(model, clip, text, embed_clip(model, clip), **settings)


# The oracle: a vision transformer written by hand, with changes to its attention


def own_forward(model: DualEncoder, pixels: Tensor, change: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Embed frames ``(B, 3, S, S)`` with ``(B, L, heads, N, N)`` added to the attention."""
    state: dict[str, Tensor] = model.network.state_dict()
    weights = {name: value.double() for name, value in state.items()}

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: Tensor, name: str) -> Tensor:
        return layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-5)

    tower = "vision_model"
    kernel = weights[f"{tower}.embeddings.patch_embedding.weight"]  # (d, 3, p, p)
    edge = kernel.shape[-1]
    cut = pixels.unfold(2, edge, edge).unfold(3, edge, edge)  # (B, 3, g, g, p, p)
    patches = torch.einsum("bcyxhw,dchw->byxd", cut, kernel).flatten(1, 2)
    first = weights[f"{tower}.embeddings.class_embedding"].expand(len(pixels), 1, -1)
    x = (
        torch.cat([first, patches], dim=1)
        + weights[f"{tower}.embeddings.position_embedding.weight"]
    )
    x = norm(x, f"{tower}.pre_layrnorm")
    seen = []
    for number in range(LAYERS):
        layer = f"{tower}.encoder.layers.{number}"
        y = norm(x, f"{layer}.layer_norm1")
        q, k, v = (
            linear(y, f"{layer}.self_attn.{name}_proj").unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for name in "qkv"
        )
        attention = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(dim=-1)
        seen.append(attention)
        mixed = ((attention + change[:, number]) @ v).transpose(1, 2).flatten(2)
        x = x + linear(mixed, f"{layer}.self_attn.out_proj")
        y = linear(norm(x, f"{layer}.layer_norm2"), f"{layer}.mlp.fc1")
        x = x + linear(y * torch.sigmoid(1.702 * y), f"{layer}.mlp.fc2")
    pooled = norm(x[:, 0], f"{tower}.post_layernorm")
    return normalize(pooled @ weights["visual_projection.weight"].T, dim=-1), seen


def own_attribution(model: DualEncoder, clip: Tensor, text: Tensor, *, first_layer: int) -> Tensor:
    """Return Chefer et al.'s attribution from finite differences of T times the clip's logit."""
    tokens, count = GRID**2 + 1, len(clip)
    mean, std = (
        torch.tensor(v).double().view(1, 3, 1, 1) for v in (model.scale.mean, model.scale.std)
    )
    pixels = (clip.double() / 255 - mean) / std
    shape = (LAYERS, HEADS, tokens, tokens)
    embeddings, attentions = own_forward(model, pixels, torch.zeros(count, *shape).double())
    steps = STEP * torch.eye(LAYERS * HEADS * tokens**2, dtype=torch.float64).view(-1, *shape)
    found = []
    for time in range(count):

        def logits(change: Tensor, time: int = time) -> Tensor:
            moved, _ = own_forward(model, pixels[[time]].expand(len(change), -1, -1, -1), change)
            total = embeddings.sum(dim=0) - embeddings[time] + moved
            cosine: Tensor = total / total.norm(dim=-1, keepdim=True) @ text.double()
            return cosine * (count * model.logit_scale)

        ends = [
            torch.cat([logits(part) for part in torch.split(sign * steps, 256)]) for sign in (1, -1)
        ]
        slope = ((ends[0] - ends[1]) / (2 * STEP)).view(shape)
        rolled = torch.eye(tokens, dtype=torch.float64)
        for number in range(first_layer, LAYERS):
            weighted = (slope[number] * attentions[number][time]).clamp(min=0).mean(dim=0)
            rolled = rolled + weighted @ rolled
        found.append(rolled[0, 1:].view(GRID, GRID))
    return torch.stack(found)


@pytest.mark.parametrize("first_layer", [0, 1])
def test_attribution_is_what_finite_differences_say(smaller: DualEncoder, first_layer: int) -> None:
    clip, text = random_clip(2, seed=3, side=GRID * PATCH), random_text()
    theirs = own_attribution(smaller, clip, text, first_layer=first_layer)
    ours = of_clip(smaller, clip, text, first_layer=first_layer)
    assert ours.shape == (2, GRID, GRID)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(
        ours / theirs.max(), (theirs / theirs.max()).float(), atol=1e-5, rtol=0
    )
    assert theirs.std() > 0.1 * theirs.max()


def test_the_oracles_forward_is_the_models(smaller: DualEncoder) -> None:
    clip = random_clip(2, seed=3, side=GRID * PATCH)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (smaller.scale.mean, smaller.scale.std))
    nothing = torch.zeros(2, LAYERS, HEADS, GRID**2 + 1, GRID**2 + 1).double()
    theirs, _ = own_forward(smaller, ((clip / 255 - mean) / std).double(), nothing)
    torch.testing.assert_close(smaller.encode_frames(clip), theirs.float(), atol=1e-5, rtol=0)


def test_the_row_is_that_of_the_whole_product(seeded: None) -> None:
    attentions = list(torch.rand(3, 2, 4, 5, 5))
    gradients = list(torch.randn(3, 2, 4, 5, 5))
    rolled = torch.eye(5).expand(2, 5, 5)
    for attention, gradient in zip(attentions, gradients, strict=True):
        rolled = rolled + (attention * gradient).clamp(min=0).mean(dim=1) @ rolled
    torch.testing.assert_close(class_token_row(attentions, gradients), rolled[:, 0])


# Pooling


@pytest.mark.parametrize("pooling", ["mean", "mean_probability", "max"])
def test_a_repeated_frame_has_the_attribution_of_the_frame(
    model: DualEncoder, pooling: Pooling
) -> None:
    frame, text = random_clip(1, seed=1), random_text()
    once = of_clip(model, frame, text, pooling=pooling)
    often = of_clip(model, frame.expand(5, -1, -1, -1), text, pooling=pooling)
    torch.testing.assert_close(
        often / once.max(), once.expand(5, -1, -1) / once.max(), atol=1e-5, rtol=0
    )


def test_the_mean_has_the_clips_logit_and_the_others_that_of_the_frames(seeded: None) -> None:
    embeddings, text = normalize(torch.randn(4, 32), dim=-1), random_text()
    clip = clip_scores(embeddings, [4], text[None], logit_scale=7.0, pooling="mean")
    frames = clip_scores(embeddings, [1] * 4, text[None], logit_scale=7.0, pooling="mean")
    logits = {
        pooling: clip_logit(embeddings, text, logit_scale=7.0, pooling=pooling)
        for pooling in ("mean", "mean_probability", "max")
    }
    torch.testing.assert_close(logits["mean"], clip[0, 0])
    torch.testing.assert_close(logits["max"], frames.mean())
    assert logits["max"] == logits["mean_probability"]
    assert abs(clip[0, 0] - frames.mean()) > 0.1


# What must not matter


def test_clips_do_not_see_each_other(model: DualEncoder) -> None:
    clips = [random_clip(count, seed=count) for count in (3, 1, 4)]
    texts = torch.stack([random_text(seed) for seed in range(3)])
    together = torch.split(attribution(model, clips, texts), [3, 1, 4])
    backwards = torch.split(attribution(model, clips[::-1], texts.flip(0)), [4, 1, 3])[::-1]
    for clip, text, one, other in zip(clips, texts, together, backwards, strict=True):
        assert torch.equal(of_clip(model, clip, text), one)
        assert torch.equal(one, other)


@pytest.mark.parametrize(("name", "most"), [("_FRAMES", 3), ("_WEIGHTS", 1)])
def test_a_long_clip_is_taken_in_parts(
    model: DualEncoder, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    clip, text = random_clip(7, seed=2), random_text()
    whole = of_clip(model, clip, text)
    monkeypatch.setattr(module, name, most)
    parts = of_clip(model, clip, text)
    torch.testing.assert_close(parts, whole, atol=float(whole.max()) * 1e-5, rtol=0)


@pytest.mark.parametrize(
    "mode", [torch.inference_mode, torch.no_grad], ids=["inference", "no_grad"]
)
def test_the_callers_mode_does_not_matter(model: DualEncoder, mode: Any) -> None:
    plain = of_clip(model, random_clip(2, seed=0), random_text())
    with mode():
        made = of_clip(model, random_clip(2, seed=0), random_text())  # of the mode's own tensors
        assert not torch.is_grad_enabled()
    assert torch.equal(made, plain)


def test_the_model_is_left_as_it_was(model: DualEncoder) -> None:
    texts = torch.stack([random_text(seed) for seed in range(4)])
    classifier = ZeroShot(model, texts, "mean", 32)
    clips, tower = [random_clip(3, seed=5)], model.network.vision_model
    before, kernel = classifier.scores(clips), tower.config._attn_implementation
    assert kernel == "sdpa"
    of_clip(model, clips[0], texts[0])
    assert torch.equal(classifier.scores(clips), before)
    with pytest.raises(ClipHarError):
        of_clip(model, clips[0], texts[0], first_layer=9)
    assert tower.config._attn_implementation == kernel
    assert all(weight.grad is None and not weight.requires_grad for weight in tower.parameters())


def test_half_precision_shows_about_the_same(small_clip: Path, model: DualEncoder) -> None:
    half = CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="bf16")
    clip, text = random_clip(2, seed=1), random_text()
    ours, theirs = of_clip(half, clip, text), of_clip(model, clip, text)
    assert ours.dtype == torch.float32
    assert torch.corrcoef(torch.stack([ours.flatten(), theirs.flatten()]))[0, 1] > 0.95


# Models that have no such attribution


@pytest.mark.parametrize("first_layer", [-3, 2])
def test_a_layer_that_is_not_there(model: DualEncoder, first_layer: int) -> None:
    with pytest.raises(
        ClipHarError, match=rf"first_layer={first_layer}: expected -2 to 1, .* 2 la"
    ):
        of_clip(model, random_clip(1, seed=0), random_text(), first_layer=first_layer)


def refused(model: DualEncoder, message: str) -> None:
    with pytest.raises(ClipHarError, match=message) as caught:
        of_clip(model, random_clip(1, seed=0), random_text())
    assert "\n" not in str(caught.value)
    assert "region=relevance" in str(caught.value)


def test_a_model_without_a_vision_tower_or_a_class_token(model: DualEncoder, seeded: None) -> None:
    refused(replace(model, network=SimpleNamespace()), "no vision tower")
    shape = dict.fromkeys(("num_hidden_layers", "num_attention_heads"), 2) | {
        "hidden_size": 32, "intermediate_size": 64,
    }  # fmt: skip
    sizes = {"patch_size": 16, "image_size": SIDE}
    config = SiglipConfig(text_config={**shape, "vocab_size": 9}, vision_config=shape | sizes)
    network = SiglipModel(config).eval().requires_grad_(requires_grad=False)
    refused(replace(model, network=network), "16 tokens are not a class token and a square")


def test_a_tower_without_attention(model: DualEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    once = type(model.network).get_image_features

    def without(self: Any, **inputs: Any) -> Any:
        return once(self, pixel_values=inputs["pixel_values"])

    monkeypatch.setattr(type(model.network), "get_image_features", without)
    refused(model, "gives no attention")
