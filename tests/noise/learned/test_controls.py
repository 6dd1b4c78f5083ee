"""Controls: random noise of the same norm, another class's noise, empty frames."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.controls import (
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
