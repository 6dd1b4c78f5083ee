"""Parts per class of a few patterns: their sums, their gradient, their budget."""

from typing import Any

import pytest
import torch

from clip_har.noise.learned.controls import random_like
from clip_har.noise.learned.low_rank import PATTERNS, WEIGHTS, LowRank
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.settings import NestedNoise
from clip_har.noise.learned.start import make_perturbation
from tests.noise.linear import SIDE, WIDTH, linear_model

CLASSES, RANK, FRAMES = 4, 2, 3


def made(*, factor: float = 1.0, **changes: Any) -> PixelNoise:
    """Return random noise of low rank on random frozen noise; nothing is projected."""
    noise = NestedNoise(**{"rank": RANK, "static": False, "epsilon_class": 4, **changes})
    found = make_perturbation(
        noise, model=linear_model(), class_embeddings=torch.eye(WIDTH)[:CLASSES], frames=FRAMES
    )
    assert isinstance(found, PixelNoise)
    assert found.frozen is not None
    draws = torch.Generator().manual_seed(0)
    parts = {
        name: factor * torch.randn(part.shape, generator=draws)
        for name, part in found.parts.items()
    }
    return found.with_parts(parts).on(torch.randn(found.frozen.shape, generator=draws))


def each(noise: PixelNoise) -> torch.Tensor:
    """Return the part of each class in each frame without frozen noise, ``(C, F, 3, S, S)``."""
    rows = [torch.full((FRAMES,), label) for label in range(CLASSES)]
    alone = noise.on(None)
    return torch.stack([alone.delta(row, torch.arange(FRAMES)) for row in rows])


def test_a_part_is_the_sum_of_weighed_patterns_on_frozen_noise():
    noise = made()
    weights, patterns, frozen = noise.parts[WEIGHTS], noise.parts[PATTERNS], noise.frozen
    assert frozen is not None
    assert weights.shape == (CLASSES, RANK)
    assert patterns.shape == (RANK, FRAMES, 3, SIDE, SIDE)
    assert noise.columns == CLASSES
    classes, times = torch.tensor([3, 0, 3, 1]), torch.tensor([2, 0, 0, 2])
    found = noise.delta(classes, times)
    for row, label, time in zip(found, classes, times, strict=True):
        expected = frozen[0, time] + sum(weights[label, k] * patterns[k, time] for k in range(RANK))
        torch.testing.assert_close(row, expected)
    torch.testing.assert_close(each(noise), LowRank(weights, patterns).full())


def test_the_gradient_reaches_weights_and_patterns_and_not_what_is_frozen():
    noise = made()
    for part in noise.parts.values():
        part.requires_grad_()
    noise.delta(torch.tensor([1, 1]), torch.tensor([0, 2])).square().sum().backward()
    weights, patterns = noise.parts[WEIGHTS].grad, noise.parts[PATTERNS].grad
    assert weights is not None
    assert patterns is not None
    assert (weights.abs().sum(dim=1) > 0).tolist() == [False, True, False, False]
    assert (patterns.abs().flatten(2).sum(dim=(0, 2)) > 0).tolist() == [True, False, True]
    assert noise.frozen is not None
    assert noise.frozen.grad is None


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("resolution", [None, 5])
def test_each_classs_part_is_within_the_budget_in_each_frame(norm, resolution):
    noise = made(factor=9, norm=norm, resolution=resolution)
    noise.project()
    parts = each(noise)
    sizes = parts.abs().amax(dim=(2, 3, 4))
    if norm == "l2":
        sizes = parts.square().mean(dim=(2, 3, 4)).sqrt()
    torch.testing.assert_close(sizes.amax(dim=1), torch.full((CLASSES,), 4.0), rtol=1e-5, atol=0)
    patterns = noise.parts[PATTERNS]
    assert float(patterns.abs().max()) <= 4 or norm == "l2"
    kept = {name: part.clone() for name, part in noise.parts.items()}
    noise.project()
    for name, part in noise.parts.items():
        torch.testing.assert_close(part, kept[name], rtol=1e-5, atol=0)


def test_parts_within_the_budget_stay_as_they_are():
    noise = made(factor=0.1)
    kept = {name: part.clone() for name, part in noise.parts.items()}
    noise.project()
    assert all(torch.equal(part, kept[name]) for name, part in noise.parts.items())


def test_random_noise_beside_it_is_free_and_as_strong_without_what_is_frozen():
    noise = made(resolution=5)
    random = random_like(noise, seed=0)
    assert isinstance(random, PixelNoise)
    assert {name: part.shape for name, part in random.parts.items()} == {
        "own": (CLASSES, FRAMES, 3, 5, 5)
    }
    assert noise.frozen is not None
    assert random.frozen is not None
    assert torch.equal(random.frozen, noise.frozen)
    strong, own = (each(one).square().mean(dim=(2, 3, 4)).sqrt() for one in (random, noise))
    torch.testing.assert_close(strong, own, rtol=1e-3, atol=1e-6)
    flat = each(random).flatten(1)
    assert torch.linalg.matrix_rank(flat - flat.mean()) == CLASSES  # no longer of low rank
