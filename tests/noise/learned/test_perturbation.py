"""Noise as tensors: budgets hold in what is shown, and nothing but the parts is learned."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from clip_har.noise.learned.base import Learned, LearnedPixels
from clip_har.noise.learned.pixel_noise import PixelNoise, add
from clip_har.noise.learned.settings import (
    BorderNoise,
    ClassSpecificNoise,
    EmbeddingNoise,
    ResidualNoise,
    UniversalNoise,
)
from clip_har.noise.learned.shift import EmbeddingShift
from clip_har.noise.learned.start import make_perturbation
from tests.noise.linear import SIDE, WIDTH, linear_model, random_frames

CLASSES, FRAMES = 5, 3
PIXELS = [UniversalNoise, BorderNoise, ClassSpecificNoise, ResidualNoise]


def made(
    noise: LearnedPixels, *, classes: int = CLASSES, side: int = SIDE, seed: int = 0
) -> PixelNoise:
    found = make_perturbation(
        noise,
        model=linear_model(side=side, seed=seed),
        class_embeddings=torch.eye(WIDTH)[torch.arange(classes) % WIDTH],
        frames=FRAMES,
    )
    assert isinstance(found, PixelNoise)
    return found


def shift(noise: EmbeddingNoise) -> EmbeddingShift:
    found = make_perturbation(
        noise, model=linear_model(), class_embeddings=torch.eye(WIDTH)[:CLASSES], frames=FRAMES
    )
    assert isinstance(found, EmbeddingShift)
    return found


def blown_up(noise: PixelNoise, factor: float = 1000.0, seed: int = 0) -> PixelNoise:
    """Return noise with random values far outside of its budget."""
    draws = torch.Generator().manual_seed(seed)
    return noise.with_parts(
        {
            name: factor * torch.randn(part.shape, generator=draws)
            for name, part in noise.parts.items()
        }
    )


def every(noise: PixelNoise, name: str) -> Tensor:
    """Return one part for every class and time as it is added, ``(C * T, 3, S, S)``."""
    alone = noise.with_parts({name: noise.parts[name]})
    rows, times = noise.parts[name].shape[:2]
    pairs = torch.cartesian_prod(torch.arange(rows), torch.arange(times))
    return alone.delta(pairs[:, 0], pairs[:, 1])


def rms(delta: Tensor) -> Tensor:
    return delta.square().mean(dim=(1, 2, 3)).sqrt()


# Budgets


def size(norm: str, delta: Tensor) -> Tensor:
    """Return the size of each frame's noise in a norm: its root mean square, or its maximum."""
    return rms(delta) if norm == "l2" else delta.abs().amax(dim=(1, 2, 3))


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("kind", PIXELS)
@pytest.mark.parametrize("resolution", [None, 1, 5, 7])
@pytest.mark.parametrize("static", [True, False])
def test_the_budget_bounds_the_full_size_noise_that_is_added(kind, resolution, static, norm):
    large = blown_up(made(kind(epsilon=9, norm=norm, resolution=resolution, static=static)))
    for name, budget in large.budgets.items():
        assert (size(norm, every(large, name)) > budget).all(), "there is something to bring back"
    large.project()
    for name, budget in large.budgets.items():
        found = size(norm, every(large, name))
        assert found.max() <= budget * (1 + 1e-4)
        if norm == "l2":
            np.testing.assert_allclose(found, budget, rtol=1e-4)
        else:
            assert large.parts[name].abs().max() == budget


def test_l2_holds_for_more_classes_than_are_measured_at_once():
    large = blown_up(made(ClassSpecificNoise(norm="l2", static=False), classes=23))
    large.project()
    np.testing.assert_allclose(rms(every(large, "own")), 16, rtol=1e-4)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_each_part_has_a_budget_of_its_own(norm):
    large = blown_up(made(ResidualNoise(epsilon=12, epsilon_class=3, norm=norm)))
    large.project()
    np.testing.assert_allclose(size(norm, every(large, "shared")), 12, rtol=1e-4)
    np.testing.assert_allclose(size(norm, every(large, "own")), 3, rtol=1e-4)
    assert (large.budget("shared"), large.budget("own")) == (12, 3)


@pytest.mark.parametrize("factor", [0.0, 0.5])
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("kind", PIXELS)
def test_noise_within_its_budget_stays_as_it_is(kind, norm, factor):
    small = blown_up(made(kind(epsilon=200, norm=norm)), factor=factor)
    before = {name: part.clone() for name, part in small.parts.items()}
    small.project()
    assert all(torch.equal(part, before[name]) for name, part in small.parts.items())


def test_l2_scales_and_linf_cuts():
    large = blown_up(made(UniversalNoise(norm="l2")))
    direction = large.parts["shared"].clone()
    large.project()
    ratio = large.parts["shared"] / direction
    torch.testing.assert_close(ratio, ratio.flatten()[0].expand_as(ratio))
    cut = blown_up(made(UniversalNoise(epsilon=16)), factor=16)
    before = cut.parts["shared"].clone()
    cut.project()
    inside = before.abs() <= 16
    assert 0.1 < inside.float().mean() < 0.9
    assert torch.equal(cut.parts["shared"][inside], before[inside])


# The grid


@pytest.mark.parametrize("resolution", [2, 5, 16])
def test_a_coarse_grid_is_spread_bilinearly(resolution):
    noise = blown_up(made(UniversalNoise(resolution=resolution)), factor=1)
    grid = noise.parts["shared"]
    assert grid.shape == (1, 1, 3, resolution, resolution)
    expected = cv2.resize(
        grid[0, 0].permute(1, 2, 0).numpy(), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR
    )
    found = every(noise, "shared")[0].permute(1, 2, 0)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("resolution", [1, 4, None])
def test_a_constant_stays_one(resolution):
    noise = made(UniversalNoise(resolution=resolution))
    flat = noise.with_parts({"shared": torch.full_like(noise.parts["shared"], 3.0)})
    torch.testing.assert_close(every(flat, "shared"), torch.full((1, 3, SIDE, SIDE), 3.0))


def test_without_a_resolution_there_is_a_value_for_each_pixel():
    noise = made(ClassSpecificNoise(static=False))
    assert noise.parts["own"].shape == (CLASSES, FRAMES, 3, SIDE, SIDE)
    assert torch.equal(every(noise, "own"), noise.parts["own"].flatten(0, 1))


# The noise of a frame


def test_delta_is_the_sum_of_the_parts_of_class_and_time():
    noise = blown_up(made(ResidualNoise(static=False)), factor=1)
    shared, own = noise.parts["shared"], noise.parts["own"]
    assert shared.shape == (1, FRAMES, 3, SIDE, SIDE)
    classes = torch.tensor([4, 0, 0, 2, 4])
    times = torch.tensor([2, 1, 0, 1, 2])
    found = noise.delta(classes, times)
    for row, (label, time) in enumerate(zip(classes, times, strict=True)):
        torch.testing.assert_close(found[row], shared[0, time] + own[label, time])
    assert torch.equal(found[0], found[4])
    assert not torch.equal(found[1], found[2])
    assert not torch.equal(found[1], found[3])


def test_static_noise_is_the_same_at_all_times_and_universal_noise_for_all_classes():
    times, classes = torch.arange(FRAMES), torch.arange(FRAMES)
    static = made(ClassSpecificNoise(static=True)).delta(classes * 0, times)
    assert torch.equal(static, static[:1].expand_as(static))
    moving = made(ClassSpecificNoise(static=False)).delta(classes * 0, times)
    assert not torch.equal(moving, moving[:1].expand_as(moving))
    same = made(UniversalNoise()).delta(classes, times * 0)
    assert torch.equal(same, same[:1].expand_as(same))
    apart = made(ClassSpecificNoise()).delta(classes, times * 0)
    assert not torch.equal(apart[0], apart[1])


def test_strength_is_that_of_one_class_over_all_times():
    noise = blown_up(made(ResidualNoise(static=False)), factor=1)
    whole = (noise.parts["shared"] + noise.parts["own"])[2]
    found = noise.strength(2)
    assert found == pytest.approx((float(whole.square().mean().sqrt()), float(whole.abs().max())))


def test_other_values_leave_the_noise_as_it_was():
    noise = made(UniversalNoise())
    before = noise.parts["shared"].clone()
    other = noise.with_parts({"shared": before + 1})
    assert torch.equal(noise.parts["shared"], before)
    assert torch.equal(other.parts["shared"], before + 1)
    assert (other.budgets, other.norm, other.size) == (noise.budgets, noise.norm, noise.size)


# The border


@pytest.mark.parametrize("width", [1, 3, 7])
@pytest.mark.parametrize("resolution", [None, 5])
def test_a_border_is_only_at_the_border(width, resolution):
    noise = blown_up(made(BorderNoise(width=width, resolution=resolution)))
    delta = every(noise, "shared")[0]
    inner = slice(width, SIDE - width)
    assert not delta[:, inner, inner].any()
    edge = torch.ones(SIDE, SIDE, dtype=torch.bool)
    edge[inner, inner] = False
    assert (delta[:, edge] != 0).all()
    assert blown_up(made(UniversalNoise())).delta(*[torch.zeros(1, dtype=torch.long)] * 2).all()


@pytest.mark.parametrize("width", [8, 9, 16, 40])
def test_a_border_as_wide_as_the_frame_is_all_of_it(width):
    assert (every(blown_up(made(BorderNoise(width=width))), "shared") != 0).all()


def test_a_border_is_on_the_device_of_the_model():
    noise = make_perturbation(
        BorderNoise(),
        model=linear_model(device=torch.device("meta")),
        class_embeddings=torch.eye(WIDTH),
        frames=FRAMES,
    )
    assert isinstance(noise, PixelNoise)
    assert noise.window is not None
    assert noise.window.device.type == "meta"


# Adding it


def test_what_was_added_to_stays_a_picture():
    frames = torch.tensor([0, 5, 100, 250, 255], dtype=torch.uint8).view(1, 1, 1, 5)
    noise = torch.tensor([-3.0, -9.0, 20.5, 9.0, 300.0])
    assert add(frames, noise, None).flatten().tolist() == [0, 0, 120.5, 255, 255]


def test_each_pixel_gets_the_share_that_is_visible():
    frames = torch.full((2, 3, 1, 3), 100, dtype=torch.uint8)
    visible = torch.tensor([1.0, 0.5, 0.0]).view(1, 1, 1, 3)
    found = add(frames, torch.full((2, 3, 1, 3), 10.0), visible)
    assert found.dtype == torch.float32
    assert found[1, 2, 0].tolist() == [110, 105, 100]


@given(st.integers(0, 9), st.floats(0, 400))
def test_the_result_is_in_range_whatever_the_noise(seed, size):
    frames = random_frames(2, seed=seed)
    noise = size * torch.randn(frames.shape, generator=torch.Generator().manual_seed(seed))
    found = add(frames, noise, None)
    assert found.min() >= 0
    assert found.max() <= 255
    valid = ((frames + noise) >= 0) & ((frames + noise) <= 255)
    torch.testing.assert_close(found[valid], (frames + noise)[valid])


# Through the model


def shown(noise: PixelNoise, visible: Tensor, classes: list[int]) -> tuple[Tensor, Tensor]:
    """Return embeddings with and without noise."""
    model = linear_model()
    frames = random_frames(len(classes))
    prepared = noise.prepare(model, frames)
    labels = torch.tensor(classes)
    return noise.embed(model, prepared, visible, labels, labels * 0), model.encode_frames(frames)


def test_noise_of_nothing_changes_no_embedding_and_other_noise_does():
    visible = torch.ones(2, 1, SIDE, SIDE)
    nothing = blown_up(made(ClassSpecificNoise()), factor=0)
    torch.testing.assert_close(*shown(nothing, visible, [0, 1]))
    noisy, clean = shown(blown_up(made(ClassSpecificNoise()), factor=9), visible, [0, 1])
    assert (noisy - clean).norm(dim=1).min() > 1e-2


@pytest.mark.parametrize("where", ["everywhere", "visible", "before"])
def test_gradients_reach_the_noise_of_the_shown_classes_where_it_is_seen(where):
    noise = made(ClassSpecificNoise(where=where))
    own = noise.parts["own"].requires_grad_()
    visible = torch.ones(3, 1, SIDE, SIDE)
    visible[:, :, : SIDE // 2] = 0
    noisy, _ = shown(noise, visible, [1, 3, 3])
    noisy[:, 0].sum().backward()
    assert own.grad is not None
    assert torch.isfinite(own.grad).all()
    reached = own.grad.abs().amax(dim=(1, 2)) > 0  # (C, S, S)
    assert [bool(rows.any()) for rows in reached] == [False, True, False, True, False]
    assert reached[1, SIDE // 2 :].float().mean() > 0.9
    assert bool(reached[1, : SIDE // 2].any()) == (where == "everywhere")


def test_both_parts_of_a_residual_learn_and_the_model_does_not():
    model = linear_model()
    noise = made(ResidualNoise(resolution=4))
    for part in noise.parts.values():
        part.requires_grad_()
    weight = model.network.weight.clone()
    labels = torch.tensor([0, 2])
    frames = random_frames(2)
    visible = torch.ones(2, 1, SIDE, SIDE)
    noise.embed(model, noise.prepare(model, frames), visible, labels, labels)[:, 0].sum().backward()
    for part in noise.parts.values():
        assert part.grad is not None
        assert part.grad.any()
    assert model.network.weight.grad is None
    assert not model.network.weight.requires_grad
    assert torch.equal(model.network.weight, weight)


# The start


STARTS: list[Learned] = [
    *(kind(norm=norm) for kind in PIXELS for norm in ("linf", "l2")),
    EmbeddingNoise(),
    ResidualNoise(resolution=3, static=False),
]


def start_of(noise: Learned, *, seed: int) -> dict[str, Tensor]:
    model = linear_model(seed=seed)  # of other weights
    classifier = torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(seed))
    return make_perturbation(noise, model=model, class_embeddings=classifier, frames=FRAMES).parts


@pytest.mark.parametrize("noise", STARTS, ids=lambda noise: type(noise).__name__)
def test_the_start_is_next_to_nothing_and_of_the_seed_alone(noise):
    parts = start_of(noise, seed=0)
    again = start_of(noise, seed=1)
    other = start_of(noise.model_copy(update={"seed": 8}), seed=0)
    budgets = {"shared": noise.epsilon, "own": getattr(noise, "epsilon_class", noise.epsilon)}
    for name, part in parts.items():
        assert 0 < part.abs().max() <= 0.01 * budgets[name]
        assert part.dtype == torch.float32
        assert torch.equal(part, again[name])
        assert not torch.equal(part, other[name])


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (UniversalNoise, {"shared": 1}),
        (BorderNoise, {"shared": 1}),
        (ClassSpecificNoise, {"own": CLASSES}),
        (ResidualNoise, {"shared": 1, "own": CLASSES}),
    ],
)
def test_the_parts_that_are_learned_and_the_kinds_of_noise_that_they_give(kind, names):
    noise = made(kind())
    assert {name: len(part) for name, part in noise.parts.items()} == names
    assert noise.columns == max(names.values())


# In feature space


def test_a_shifted_embedding_has_length_one():
    model, noise = linear_model(), shift(EmbeddingNoise(epsilon=0.5))
    noise.parts["own"].normal_(generator=torch.Generator().manual_seed(0))
    prepared = noise.prepare(model, random_frames(4))
    assert torch.equal(prepared, model.encode_frames(random_frames(4)))
    labels = torch.tensor([0, 1, 4, 4])
    found = noise.embed(model, prepared, torch.ones(0), labels, labels)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(4))
    moved = prepared + noise.parts["own"][labels]
    torch.testing.assert_close(found, moved / moved.norm(dim=1, keepdim=True))
    assert (found - prepared).norm(dim=1).min() > 0.1


def test_a_shift_is_no_longer_than_its_budget():
    noise = shift(EmbeddingNoise(epsilon=0.3))
    before = torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(0))
    before[1] *= 0.2 / before[1].norm()  # within it
    noise.parts["own"].copy_(before)
    noise.project()
    found = noise.parts["own"]
    assert (before.norm(dim=1) > 0.3).tolist() == [True, False, True, True, True]
    torch.testing.assert_close(found.norm(dim=1), torch.tensor([0.3, 0.2, 0.3, 0.3, 0.3]))
    torch.testing.assert_close(found[1], before[1], atol=0, rtol=0)
    cosines = torch.nn.functional.cosine_similarity(found, before)
    torch.testing.assert_close(cosines, torch.ones(CLASSES))


def test_numbers_of_a_shift():
    noise = shift(EmbeddingNoise(epsilon=0.5))
    values = torch.tensor([0.3, -0.4, 0, 0, 0, 0])
    noise.parts["own"][2] = values
    assert (noise.budget("own"), noise.columns) == (0.5, CLASSES)
    assert noise.strength(2) == pytest.approx((0.5 / WIDTH**0.5, 0.4))


def test_shifts_learn_and_embeddings_do_not():
    model, noise = linear_model(), shift(EmbeddingNoise())
    own = noise.parts["own"].requires_grad_()
    prepared = noise.prepare(model, random_frames(2))
    labels = torch.tensor([1, 1])
    noise.embed(model, prepared, torch.ones(0), labels, labels)[:, 0].sum().backward()
    assert own.grad is not None
    assert own.grad.any(dim=1).tolist() == [False, True, False, False, False]
    assert not prepared.requires_grad
