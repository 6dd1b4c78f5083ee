"""Controls: random noise of the same norm, another class's noise, calibration, empty frames."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize
from scipy.special import softmax
from torch import Tensor

from clip_har.noise.controls import (
    calibrate,
    derangement,
    fit_calibration,
    named_on_empty,
    random_like,
)
from clip_har.noise.perturbation import Perturbation, PixelNoise, make_perturbation
from clip_har.noise.settings import (
    BorderNoise,
    ClassSpecificNoise,
    EmbeddingNoise,
    Learned,
    ResidualNoise,
    UniversalNoise,
)
from tests.noise.linear import SIDE, WIDTH, block_judge, linear_model

CLASSES = 4
KINDS: list[Learned] = [
    UniversalNoise(),
    ClassSpecificNoise(norm="l2", still=False),
    ResidualNoise(resolution=5),
    BorderNoise(width=2),
    BorderNoise(width=3, resolution=6),
    EmbeddingNoise(),
]


def learned(noise: Learned, seed: int = 0) -> Perturbation:
    """Return noise with values as if it was learned."""
    found = make_perturbation(
        noise, model=linear_model(), classifier=torch.eye(WIDTH)[:CLASSES], frames=3
    )
    draws = torch.Generator().manual_seed(seed)
    for part in found.parts.values():
        part.copy_(torch.randn(part.shape, generator=draws))
    found.project()
    return found


# Random noise


@pytest.mark.parametrize("noise", KINDS, ids=lambda noise: type(noise).__name__)
def test_random_noise_has_exactly_the_sizes_of_the_learned_one(noise):
    original = learned(noise)
    random = random_like(original, seed=0)
    assert type(random) is type(original)
    for name, part in original.parts.items():
        before, after = (
            values.flatten(1).abs().sort(dim=1).values for values in (part, random.parts[name])
        )
        assert random.parts[name].shape == part.shape
        if getattr(noise, "resolution", None) is None:
            assert torch.equal(after, before), "so every norm is the same"
        for row in range(len(part)):  # also where a coarse grid is spread over the frame
            one, other = (
                kind.with_parts({name: kind.parts[name]}).strength(row)[0]
                for kind in (original, random)
            )
            assert other == pytest.approx(one, rel=1e-4)


@pytest.mark.parametrize("noise", KINDS, ids=lambda noise: type(noise).__name__)
def test_random_noise_is_another_and_the_same_for_a_seed(noise):
    original = learned(noise)
    before = {name: part.clone() for name, part in original.parts.items()}
    random, again, other = (random_like(original, seed=seed).parts for seed in (0, 0, 1))
    for name, part in original.parts.items():
        assert torch.equal(part, before[name])
        assert torch.equal(random[name], again[name])
        assert not torch.equal(random[name], other[name])
        assert not torch.equal(random[name], part)
        assert not torch.equal(random[name].abs(), part.abs()), "moved"
        rows = random[name].flatten(1)
        for one, row in zip(part.flatten(1), rows, strict=True):
            moved = row.abs() != one.abs()  # of a border only what is seen of it
            if moved.sum() > 100:
                assert torch.corrcoef(torch.stack([one[moved], row[moved]]))[0, 1].abs() < 0.3


def test_signs_are_drawn_by_lot():
    original = learned(UniversalNoise())
    positive = original.with_parts({"shared": original.parts["shared"].abs() + 1})
    found = random_like(positive, seed=0).parts["shared"]
    assert (found > 0).float().mean() == pytest.approx(0.5, abs=0.06)


def test_classes_are_dealt_apart():
    original = learned(ClassSpecificNoise())
    same = original.with_parts({"own": original.parts["own"][:1].expand(CLASSES, -1, -1, -1, -1)})
    found = random_like(same, seed=0).parts["own"]
    assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize("noise", [BorderNoise(width=2), BorderNoise(width=2, resolution=8)])
def test_random_noise_of_a_border_is_as_strong_in_the_border(noise):
    original = learned(noise)
    assert isinstance(original, PixelNoise)
    assert original.window is not None
    start = original.parts["shared"] * 1e-3  # what is never seen is never learned
    seen = torch.nn.functional.interpolate(original.window[None, None], start.shape[-2:]) > 0
    parts = {"shared": torch.where(seen[None], original.parts["shared"], start)}
    border = original.with_parts(parts)
    random = random_like(border, seed=0)
    assert random.strength(0)[0] == pytest.approx(border.strength(0)[0], rel=0.3)
    if noise.resolution is None:
        assert random.strength(0) == pytest.approx(border.strength(0), rel=1e-6)
    spread_over_all = start.numel() ** 0.5 / float(seen.sum() * 3) ** 0.5
    assert spread_over_all > 1.4, "dealt out over the frame, it would be weaker by this"


# Another class's noise


@pytest.mark.parametrize("classes", range(2, 31))
def test_a_derangement_gives_each_noise_to_another_class(classes):
    for seed in range(5):
        partner = derangement(classes, seed=seed)
        assert sorted(partner) == list(range(classes))
        assert (partner != np.arange(classes)).all()


def test_a_derangement_is_of_the_seed():
    assert np.array_equal(derangement(20, seed=3), derangement(20, seed=3))
    assert not np.array_equal(derangement(20, seed=3), derangement(20, seed=4))


# Calibration


def planted_answers(scale, biases, *, clips, seed=0):
    """Return scores, and labels that are drawn from softmax(scale * score + bias)."""
    draws = np.random.default_rng(seed)
    scores = (4 * draws.standard_normal((clips, len(biases)))).astype(np.float32)
    chances = softmax(scale * scores + biases, axis=1)
    lots = draws.random((clips, 1))
    return scores, (chances.cumsum(axis=1) < lots).sum(axis=1).clip(max=len(biases) - 1)


def objective(values, scores, labels):
    """The same in other words: log scale first, then the biases."""
    logits = np.exp(values[0]) * scores.astype(np.float64) + values[1:]
    chances = softmax(logits, axis=1)[np.arange(len(labels)), labels]
    return -np.log(chances).mean() + 1e-4 * (values[1:] ** 2).sum()


def test_calibration_recovers_planted_scale_and_biases():
    biases = np.array([1.0, -0.5, 0.0, -1.5, 1.0])
    scores, labels = planted_answers(0.4, biases, clips=20_000)
    scale, found = fit_calibration(scores, labels)
    assert scale == pytest.approx(0.4, rel=0.03)
    np.testing.assert_allclose(found - found.mean(), biases - biases.mean(), atol=0.08)


def test_calibration_of_calibrated_answers_changes_little():
    scores, labels = planted_answers(1.0, np.zeros(3), clips=20_000)
    scale, found = fit_calibration(scores, labels)
    assert scale == pytest.approx(1, rel=0.05)
    np.testing.assert_allclose(found, 0, atol=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_calibration_is_the_minimum_that_another_method_finds(seed):
    scores, labels = planted_answers(0.7, np.array([0.5, 0.0, -0.5]), clips=200, seed=seed)
    scale, biases = fit_calibration(scores, labels)
    found = np.array([np.log(scale), *biases])
    best = minimize(objective, np.ones(4), args=(scores, labels), method="Nelder-Mead",
                    options={"xatol": 1e-7, "fatol": 1e-11, "maxiter": 5000})  # fmt: skip
    assert objective(found, scores, labels) == pytest.approx(best.fun, abs=1e-7)
    np.testing.assert_allclose(found, best.x, atol=2e-2)
    slope = approx_fprime(found, objective, 1e-6, scores, labels)
    assert np.abs(slope).max() < 1e-3


def test_calibration_without_a_clip_of_a_class_and_with_all_right_stays_finite():
    scores, labels = planted_answers(1.0, np.zeros(4), clips=300)
    some = labels != 2
    scale, biases = fit_calibration(scores[some], labels[some])
    assert np.isfinite([scale, *biases]).all()
    assert biases[2] < biases[[0, 1, 3]].min()
    right = np.arange(40) % 4
    for size in (0.01, 1.0, 100.0, -100.0):
        scale, biases = fit_calibration((size * np.eye(4)[right]).astype(np.float32), right)
        assert np.isfinite([scale, *biases]).all()
        assert scale > 0


class Recorder:
    """Scores a clip by the mean of its channels, and remembers what it was shown."""

    batch_size = 5

    def __init__(self) -> None:
        self.seen: list[Tensor] = []

    def scores(self, clips: Any) -> Tensor:
        self.seen += clips
        return torch.stack([clip.float().mean(dim=(0, 2, 3)) / 64 for clip in clips])


def test_calibration_is_fitted_on_the_clips_that_noise_is_learned_from():
    draws = np.random.default_rng(0)
    videos = torch.from_numpy(draws.integers(0, 256, (9, 2, 3, 4, 4)).astype(np.uint8))
    labels = np.arange(9) % 3
    frames = SimpleNamespace(
        clip_set=SimpleNamespace(labels=labels),
        batches=lambda clips, _most: ([clip] for clip in clips),
    )
    training: Any = SimpleNamespace(
        frames=frames, learned_from=np.array([1, 4, 5, 8]), clip=lambda _noise, index: videos[index]
    )
    judge: Any = Recorder()
    scale, biases = calibrate(UniversalNoise(), judge, training)
    assert torch.equal(torch.stack(judge.seen), videos[[1, 4, 5, 8]])
    scores = Recorder().scores(list(videos[[1, 4, 5, 8]])).numpy()
    expected = fit_calibration(scores, labels[[1, 4, 5, 8]])
    assert scale == expected[0]
    np.testing.assert_array_equal(biases, expected[1])


# On frames that show nothing


def striped(strength: float) -> PixelNoise:
    """Return noise that brightens the stripe of each class and darkens the rest."""
    own = torch.full((CLASSES, 1, 3, SIDE, SIDE), -strength)
    for label, rows in enumerate(torch.arange(SIDE).tensor_split(CLASSES)):
        own[label, :, :, rows] = strength
    noise = learned(ClassSpecificNoise(epsilon=255)).with_parts({"own": own})
    assert isinstance(noise, PixelNoise)
    return noise


def test_noise_that_names_its_class_does_so_on_every_empty_frame():
    found = named_on_empty(striped(9), block_judge(CLASSES))
    assert found.tolist() == [1] * CLASSES


def test_noise_that_names_another_class_never_names_its_own():
    wrong = striped(9)
    rolled = wrong.with_parts({"own": wrong.parts["own"].roll(1, dims=0)})
    assert named_on_empty(rolled, block_judge(CLASSES)).tolist() == [0] * CLASSES


def test_noise_of_nothing_names_a_class_by_chance():
    nothing = named_on_empty(striped(0), block_judge(CLASSES))
    assert nothing.mean() == pytest.approx(1 / CLASSES)


def test_black_grey_and_white_are_the_empty_frames():
    one_sided = striped(9)
    brighter = one_sided.with_parts({"own": one_sided.parts["own"].clamp(min=0)})
    found = named_on_empty(brighter, block_judge(CLASSES))
    # On white nothing gets brighter: the answer is the same whatever the noise.
    np.testing.assert_allclose(sorted(found), [2 / 3, 2 / 3, 2 / 3, 1])


def test_a_shift_names_its_class_too():
    judge = block_judge(CLASSES)
    noise = make_perturbation(
        EmbeddingNoise(epsilon=2), model=judge.model, classifier=judge.classifier, frames=1
    )
    told = noise.with_parts({"own": 2 * torch.eye(CLASSES)})
    assert named_on_empty(told, judge).tolist() == [1] * CLASSES
    rolled = noise.with_parts({"own": 2 * torch.eye(CLASSES).roll(1, dims=0)})
    assert named_on_empty(rolled, judge).tolist() == [0] * CLASSES


@given(st.integers(0, 20))
def test_shares_are_of_three_frames(seed):
    found = named_on_empty(learned(ClassSpecificNoise(epsilon=40), seed), block_judge(CLASSES))
    assert set((found * 3).round(6)) <= {0, 1, 2, 3}
