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

from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.controls import (
    Calibration,
    calibrate,
    fit_calibration,
    named_on_empty,
    random_like,
)
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.protocols import derangement
from clip_har.noise.learned.settings import (
    BorderNoise,
    ClassSpecificNoise,
    EmbeddingNoise,
    ResidualNoise,
    UniversalNoise,
)
from clip_har.noise.learned.start import make_perturbation
from tests.noise.linear import SIDE, WIDTH, block_classifier, linear_model

CLASSES = 4
KINDS: list[Learned] = [
    UniversalNoise(),
    ClassSpecificNoise(norm="l2", static=False),
    ResidualNoise(resolution=5),
    BorderNoise(width=2),
    BorderNoise(width=3, resolution=6),
    EmbeddingNoise(),
]


def learned(noise: Learned, seed: int = 0) -> Perturbation:
    """Return noise with values as if it was learned."""
    found = make_perturbation(
        noise, model=linear_model(), class_embeddings=torch.eye(WIDTH)[:CLASSES], frames=3
    )
    draws = torch.Generator().manual_seed(seed)
    for part in found.parts.values():
        part.copy_(torch.randn(part.shape, generator=draws))
    found.project()
    return found


# Random noise


def frame_rms(noise: Perturbation, row: int) -> Tensor:
    """Return the root mean square of a class's noise, in each frame where there are some."""
    if not isinstance(noise, PixelNoise):
        return noise.parts["own"][row].square().mean().sqrt()[None]
    times = torch.arange(3)
    return noise.delta(torch.full_like(times, row), times).square().mean(dim=(1, 2, 3)).sqrt()


@pytest.mark.parametrize("noise", KINDS, ids=lambda noise: type(noise).__name__)
def test_random_noise_of_each_class_is_as_strong_in_each_frame_as_the_learned(noise):
    original = learned(noise)
    random = random_like(original, seed=0)
    assert type(random) is type(original)
    rows = max(len(part) for part in original.parts.values())
    assert max(len(part) for part in random.parts.values()) == rows
    for row in range(rows):
        torch.testing.assert_close(
            frame_rms(random, row), frame_rms(original, row), rtol=1e-4, atol=0
        )


@pytest.mark.parametrize("noise", [UniversalNoise(), ClassSpecificNoise(), EmbeddingNoise()])
def test_one_part_with_a_value_per_pixel_keeps_every_norm(noise):
    original = learned(noise)
    ((name, part),) = original.parts.items()
    random = random_like(original, seed=0).parts[name]
    before, after = (values.flatten(1).abs().sort(dim=1).values for values in (part, random))
    assert torch.equal(after, before)


def test_parts_that_work_together_or_against_each_other_are_matched_as_a_sum():
    original = learned(ResidualNoise())
    shared = original.parts["shared"]
    signs = torch.tensor([1.0, -1.0, -0.9, 0.0])[:, None, None, None, None]
    pulling = original.with_parts({"shared": shared, "own": signs * shared})
    random = random_like(pulling, seed=0)
    for row, factor in enumerate((2.0, 0.0, 0.1, 1.0)):
        expected = factor * shared.square().mean().sqrt()
        assert float(frame_rms(random, row)[0]) == pytest.approx(float(expected), abs=1e-4)


@pytest.mark.parametrize("noise", KINDS, ids=lambda noise: type(noise).__name__)
def test_random_noise_is_another_and_the_same_for_a_seed(noise):
    original = learned(noise)
    before = {name: part.clone() for name, part in original.parts.items()}
    random, again, other = (random_like(original, seed=seed).parts for seed in (0, 0, 1))
    assert all(torch.equal(part, before[name]) for name, part in original.parts.items())
    total = torch.stack(torch.broadcast_tensors(*before.values())).sum(dim=0)
    for name, part in {list(random)[-1]: total}.items():
        assert torch.equal(random[name], again[name])
        assert not torch.equal(random[name], other[name])
        assert not torch.equal(random[name], part)
        assert not torch.equal(random[name].abs(), part.abs()), "moved"
        rows = random[name].flatten(1)
        for one, row in zip(part.flatten(1), rows, strict=True):
            moved = row.abs() != one.abs()  # of a border only what is seen of it
            if moved.sum() > 100:
                assert torch.corrcoef(torch.stack([one[moved], row[moved]]))[0, 1].abs() < 0.3


def test_signs_are_random():
    original = learned(UniversalNoise())
    positive = original.with_parts({"shared": original.parts["shared"].abs() + 1})
    found = random_like(positive, seed=0).parts["shared"]
    assert (found > 0).float().mean() == pytest.approx(0.5, abs=0.06)


def test_each_class_is_shuffled_on_its_own():
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


@pytest.mark.parametrize("classes", [2, 3, 4, 7, 20, 30])
def test_a_derangement_gives_each_noise_to_another_class_by_its_seed(classes):
    for seed in range(5):
        partner = derangement(classes, seed=seed)
        assert sorted(partner) == list(range(classes))
        assert (partner != np.arange(classes)).all()
        assert np.array_equal(partner, derangement(classes, seed=seed))
        assert classes < 20 or not np.array_equal(partner, derangement(classes, seed=seed + 1))


# Calibration


def planted_answers(scale, biases, *, clips, seed=0):
    """Return scores, and labels that are sampled from softmax(scale * score + bias)."""
    draws = np.random.default_rng(seed)
    scores = (4 * draws.standard_normal((clips, len(biases)))).astype(np.float32)
    chances = softmax(scale * scores + biases, axis=1)
    lots = draws.random((clips, 1))
    return scores, (chances.cumsum(axis=1) < lots).sum(axis=1).clip(max=len(biases) - 1)


def objective(values, scores, labels):
    """The same in other words: log scale first, then the biases."""
    logits = np.exp(values[0]) * scores.astype(np.float64) + values[1:]
    chances = softmax(logits, axis=1)[np.arange(len(labels)), labels]
    by_class = [-np.log(chances[labels == label]).mean() for label in np.unique(labels)]
    return np.mean(by_class) + 1e-4 * (values[1:] ** 2).sum()


@pytest.mark.parametrize(
    ("scale", "planted"), [(0.4, [1.0, -0.5, 0.0, -1.5, 1.0]), (1.0, [0.0, 0.0, 0.0])]
)
def test_calibration_recovers_planted_scale_and_biases(scale, planted):
    biases = np.array(planted)
    scores, labels = planted_answers(scale, biases, clips=20_000)
    found = fit_calibration(scores, labels)
    assert found.scale == pytest.approx(scale, rel=0.03)
    # Every class has the same weight: what its frequency adds to its bias is taken out again.
    expected = biases - np.log(np.bincount(labels))
    np.testing.assert_allclose(
        found.biases - found.biases.mean(), expected - expected.mean(), atol=0.08
    )


def test_a_class_counts_alike_however_many_clips_it_has():
    scores, labels = planted_answers(0.7, np.array([0.5, 0.0, -0.5]), clips=300)
    often = np.concatenate([np.arange(300), *[np.flatnonzero(labels == 1)] * 4])
    one, other = fit_calibration(scores, labels), fit_calibration(scores[often], labels[often])
    assert other.scale == pytest.approx(one.scale, rel=1e-3)
    np.testing.assert_allclose(other.biases, one.biases, atol=1e-3)


def test_a_penalty_holds_the_biases():
    scores, labels = planted_answers(1.0, np.array([2.0, 0.0, -2.0]), clips=300)
    sizes = [
        np.abs(fit_calibration(scores, labels, penalty=penalty).biases).max()
        for penalty in (1e-4, 1e-2, 1.0)
    ]
    assert sizes[0] > sizes[1] > 5 * sizes[2]


def test_calibrated_scores_are_scaled_and_shifted():
    scores = np.array([[1.0, 2.0], [0.0, -1.0]], np.float32)
    found = Calibration(2.0, np.array([-3.0, 0.5])).apply(scores)
    assert found.dtype == np.float32
    assert found.tolist() == [[-1.0, 4.5], [-3.0, -1.5]]


@pytest.mark.parametrize("seed", range(3))
def test_calibration_is_the_minimum_that_another_method_finds(seed):
    scores, labels = planted_answers(0.7, np.array([0.5, 0.0, -0.5]), clips=200, seed=seed)
    calibration = fit_calibration(scores, labels)
    found = np.array([np.log(calibration.scale), *calibration.biases])
    best = minimize(objective, np.ones(4), args=(scores, labels), method="Nelder-Mead",
                    options={"xatol": 1e-7, "fatol": 1e-11, "maxiter": 5000})  # fmt: skip
    assert objective(found, scores, labels) == pytest.approx(best.fun, abs=1e-7)
    np.testing.assert_allclose(found, best.x, atol=2e-2)
    slope = approx_fprime(found, objective, 1e-6, scores, labels)
    assert np.abs(slope).max() < 1e-3


def test_calibration_without_a_clip_of_a_class_and_with_all_right_stays_finite():
    scores, labels = planted_answers(1.0, np.zeros(4), clips=300)
    some = labels != 2
    found = fit_calibration(scores[some], labels[some])
    assert np.isfinite([found.scale, *found.biases]).all()
    assert found.biases[2] < found.biases[[0, 1, 3]].min()
    right = np.arange(40) % 4
    for size in (0.01, 1.0, 100.0, -100.0):
        found = fit_calibration((size * np.eye(4)[right]).astype(np.float32), right)
        assert np.isfinite([found.scale, *found.biases]).all()
        assert found.scale > 0


class Recorder:
    """Answers a clip, here its number, from a table, and remembers what it was shown."""

    batch_size = 5

    def __init__(self, table: Any) -> None:
        self.table, self.seen = torch.as_tensor(table), []  # type: tuple[Tensor, list[int]]

    def scores(self, clips: Any) -> Tensor:
        self.seen += clips
        return self.table[clips]


@pytest.mark.parametrize(("alike", "penalty"), [(True, 1e-4), (False, 1e-1)])
def test_calibration_is_fitted_on_the_clips_to_learn_from_and_held_as_the_others_say(
    alike, penalty
):
    table, labels = planted_answers(1.0, np.array([2.0, 0.0, -2.0]), clips=60)
    if not alike:  # the other clips have the opposite bias
        table[40:] += np.array([4.0, 0.0, -4.0], np.float32)
    learned_from, validated_on = np.arange(40), np.arange(40, 60)
    training: Any = SimpleNamespace(
        frames=SimpleNamespace(
            clip_set=SimpleNamespace(labels=labels),
            batches=lambda clips, _most: ([clip] for clip in clips),
        ),
        learned_from=learned_from,
        validated_on=validated_on,
        clip=lambda _noise, index: index,
    )
    classifier: Any = Recorder(table)
    found = calibrate(UniversalNoise(), classifier, training)
    assert classifier.seen == list(range(60))
    expected = fit_calibration(table[:40], labels[:40], penalty=penalty)
    assert found.scale == expected.scale
    np.testing.assert_array_equal(found.biases, expected.biases)


# On frames that show nothing


def striped(strength: float) -> PixelNoise:
    """Return noise that brightens the stripe of each class and darkens the rest."""
    own = torch.full((CLASSES, 1, 3, SIDE, SIDE), -strength)
    for label, rows in enumerate(torch.arange(SIDE).tensor_split(CLASSES)):
        own[label, :, :, rows] = strength
    noise = learned(ClassSpecificNoise(epsilon=255)).with_parts({"own": own})
    assert isinstance(noise, PixelNoise)
    return noise


@pytest.mark.parametrize(
    ("strength", "shift", "mean"), [(9, 0, 1.0), (9, 1, 0.0), (0, 0, 1 / CLASSES)],
    ids=["its own class", "another class", "no noise: chance"],
)  # fmt: skip
def test_how_often_noise_names_its_class_on_empty_frames(strength, shift, mean):
    noise = striped(strength)
    rolled = noise.with_parts({"own": noise.parts["own"].roll(shift, dims=0)})
    assert named_on_empty(rolled, block_classifier(CLASSES)).mean() == pytest.approx(mean)


def test_black_grey_and_white_are_the_empty_frames():
    one_sided = striped(9)
    brighter = one_sided.with_parts({"own": one_sided.parts["own"].clamp(min=0)})
    found = named_on_empty(brighter, block_classifier(CLASSES))
    # On white nothing gets brighter: the answer is the same whatever the noise.
    np.testing.assert_allclose(sorted(found), [2 / 3, 2 / 3, 2 / 3, 1])


def test_a_shift_names_its_class_too():
    classifier = block_classifier(CLASSES)
    noise = make_perturbation(
        EmbeddingNoise(epsilon=2),
        model=classifier.model,
        class_embeddings=classifier.class_embeddings,
        frames=1,
    )
    own = noise.with_parts({"own": 2 * torch.eye(CLASSES)})
    assert named_on_empty(own, classifier).tolist() == [1] * CLASSES
    rolled = noise.with_parts({"own": 2 * torch.eye(CLASSES).roll(1, dims=0)})
    assert named_on_empty(rolled, classifier).tolist() == [0] * CLASSES


@given(st.integers(0, 20))
def test_shares_are_of_three_frames(seed):
    found = named_on_empty(learned(ClassSpecificNoise(epsilon=40), seed), block_classifier(CLASSES))
    assert set((found * 3).round(6)) <= {0, 1, 2, 3}
