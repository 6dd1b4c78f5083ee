"""Random noise: its statistics, its place, and the same again for a seed."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from clip_har.engine.score_clips import seen_frames
from clip_har.masking.masked_clip import MaskedClip
from clip_har.noise.contract import of_clips_at_once, realised
from clip_har.noise.random import GaussianNoise, SaltPepperNoise, UniformNoise
from tests.masking.made import masked_clip

TIMES, SIDE = 8, 64
KINDS: list[Any] = [GaussianNoise, UniformNoise, SaltPepperNoise]


def grey(level: int = 128) -> Tensor:
    return torch.full((TIMES, 3, SIDE, SIDE), level, dtype=torch.uint8)


def dark(seed: int = 0) -> Tensor:
    """Return frames so dark that noise around zero makes them brighter."""
    draws = torch.Generator().manual_seed(seed)
    return torch.randint(0, 30, (TIMES, 3, SIDE, SIDE), dtype=torch.uint8, generator=draws)


def half_hidden() -> Any:
    hidden = np.zeros((1, SIDE, SIDE), bool)
    hidden[:, 10:50, 20:60] = True
    return hidden


def shown(
    whole: Tensor, hidden: Any, *, fill: str = "black", clip_id: str = "clip 1"
) -> MaskedClip:
    return masked_clip(whole.numpy(), hidden, fill=fill, clip_id=clip_id)


def corrupted(noise: Any, frames: Tensor, clip_id: str = "clip 1") -> Tensor:
    """Return a clip with noise, not yet clamped."""
    shape = (1 if noise.static else len(frames), *frames.shape[1:])
    found: Tensor = noise.corrupt(frames, torch.from_numpy(noise.sample(shape, clip_id)))
    return found


def change(noise: Any, frames: Tensor, clip_id: str = "clip 1") -> Tensor:
    found: Tensor = corrupted(noise, frames, clip_id) - frames.float()
    return found


# Statistics, of 98304 values


def test_gaussian_noise_is_normal():
    found = change(GaussianNoise(std=16), grey())
    assert found.shape == (TIMES, 3, SIDE, SIDE)
    assert found.mean() == pytest.approx(0, abs=0.2)
    assert found.std() == pytest.approx(16, rel=0.01)
    for sigmas, share in ((1, 0.3173), (2, 0.0455), (3, 0.0027)):
        beyond = (found.abs() > 16 * sigmas).float().mean()
        assert beyond == pytest.approx(share, rel=0.15)


def test_uniform_noise_is_uniform_within_its_budget():
    found = change(UniformNoise(epsilon=12), grey())
    assert found.abs().max() <= 12
    counts = np.histogram(found.numpy(), bins=8, range=(-12, 12))[0]
    np.testing.assert_allclose(counts / found.numel(), 1 / 8, rtol=0.05)


@pytest.mark.parametrize(
    "noise", [GaussianNoise(), UniformNoise()], ids=lambda noise: type(noise).__name__
)
def test_pixels_channels_and_frames_are_independent(noise):
    found = change(noise, grey())
    pairs = (
        (found[:-1], found[1:]),
        (found[:, 0], found[:, 1]),
        (found[..., :-1], found[..., 1:]),
        (found[..., :-1, :], found[..., 1:, :]),
    )
    for one, other in pairs:
        both = torch.stack([one.flatten(), other.flatten()])
        assert torch.corrcoef(both)[0, 1].abs() < 0.02


def test_grains_are_white_or_black_in_all_channels_and_half_of_each():
    frames = grey(100)
    found = corrupted(SaltPepperNoise(share=0.1), frames)
    assert set(found.unique().tolist()) == {0, 100, 255}
    assert torch.equal(found, found[:, :1].expand_as(found))
    white, black = (found == 255).float().mean(), (found == 0).float().mean()
    assert white == pytest.approx(0.05, rel=0.1)
    assert black == pytest.approx(0.05, rel=0.1)


def test_no_grains_and_nothing_but_grains():
    assert torch.equal(corrupted(SaltPepperNoise(share=0), grey()), grey().float())
    every = corrupted(SaltPepperNoise(share=1), grey())
    assert set(every.unique().tolist()) == {0, 255}


@pytest.mark.parametrize(
    "noise", [GaussianNoise(std=0), UniformNoise(epsilon=0)], ids=lambda noise: type(noise).__name__
)
def test_noise_of_size_nothing_is_nothing(noise):
    assert not change(noise, grey()).any()


# The same again


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_of_clip_and_seed_alone(kind):
    found = change(kind(), grey())
    assert torch.equal(found, change(kind(), grey()))
    assert not torch.equal(found, change(kind(), grey(), "clip 2"))
    assert not torch.equal(found, change(kind(seed=1), grey()))


def test_kinds_draw_apart():
    gaussian = change(GaussianNoise(), grey()).flatten()
    uniform = change(UniformNoise(), grey()).flatten()
    assert torch.corrcoef(torch.stack([gaussian, uniform]))[0, 1].abs() < 0.02


@pytest.mark.parametrize("kind", KINDS)
def test_static_noise_is_the_same_in_all_frames(kind):
    found = change(kind(static=True), grey())
    assert torch.equal(found, found[:1].expand_as(found))
    assert found.any()
    fresh = change(kind(static=False), grey())
    assert not torch.equal(fresh[0], fresh[1])


# Its place


@pytest.mark.parametrize("fill", ["black", "mean", "blur", "surround"])
@pytest.mark.parametrize("kind", KINDS)
def test_noise_goes_where_the_settings_say(kind, fill):
    def noisy(frames: Tensor) -> Tensor:
        found = corrupted(kind(), frames)
        return found.clamp(0, 255).round().to(torch.uint8)

    clip = shown(dark() * 4, half_hidden(), fill=fill)
    hidden = torch.from_numpy(half_hidden())[:, None].expand_as(clip.frames)
    expected = {
        "everywhere": noisy(clip.frames),
        "visible": torch.where(hidden, clip.frames, noisy(clip.frames)),
        "before": clip.repainted(noisy(clip.whole)),
    }
    for where, frames in expected.items():
        assert torch.equal(seen_frames(clip, kind(where=where)), frames), where
    if fill == "black":
        assert torch.equal(expected["before"], expected["visible"])


@pytest.mark.parametrize("where", ["everywhere", "visible", "before"])
def test_without_a_mask_the_place_does_not_matter(where):
    clip = shown(dark(), np.zeros((1, SIDE, SIDE), bool))
    found = seen_frames(clip, GaussianNoise(where=where))
    assert torch.equal(found, seen_frames(clip, GaussianNoise()))


def test_a_pixel_that_is_covered_in_part_gets_a_part():
    cover = np.full((1, SIDE, SIDE), 0.25, np.float32)
    clip = shown(grey(), cover)
    everywhere = seen_frames(clip, GaussianNoise(std=8, where="everywhere"))
    visible = seen_frames(clip, GaussianNoise(std=8, where="visible"))
    base = clip.frames.float()
    assert clip.frames.unique().tolist() == [96]
    expected = 0.75 * (everywhere.float() - base)
    torch.testing.assert_close(visible.float() - base, expected, atol=0.5, rtol=0)


# The result is a picture


@pytest.mark.parametrize("where", ["everywhere", "visible", "before"])
@pytest.mark.parametrize(
    "noise",
    [GaussianNoise(std=255), UniformNoise(epsilon=255), SaltPepperNoise(share=0.5)],
    ids=lambda noise: type(noise).__name__,
)
def test_nothing_wraps_around(noise, where):
    frames = torch.cat([grey(0)[:4], grey(255)[4:]])
    clip = shown(frames, np.zeros((1, SIDE, SIDE), bool))
    found = seen_frames(clip, noise.model_copy(update={"where": where}))
    assert found.dtype == torch.uint8
    noisy = corrupted(noise, frames)
    assert torch.equal(found.float(), noisy.clamp(0, 255).round())
    assert (found[:4][noisy[:4] < 0] == 0).all()
    assert (found[4:][noisy[4:] > 255] == 255).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_clip_stays_as_it_is(kind):
    clip = shown(dark(), half_hidden())
    before = clip.frames.clone(), clip.whole.clone()
    seen_frames(clip, kind(where="before"))
    seen_frames(clip, kind(where="everywhere"))
    assert torch.equal(clip.frames, before[0])
    assert torch.equal(clip.whole, before[1])


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 99))
def test_strengths_of_clips_of_any_length_are_measured_at_once(
    lengths: list[int], seed: int
) -> None:
    draws = torch.Generator().manual_seed(seed)
    frames, noisy = (
        torch.randint(0, 256, (sum(lengths), 3, 2, 2), generator=draws, dtype=torch.uint8)
        for _ in range(2)
    )
    rms, largest = realised(frames, noisy, lengths)
    change = noisy.float() - frames.float()
    squares, most = change.square().mean(dim=(1, 2, 3)), change.abs().amax(dim=(1, 2, 3))
    found = of_clips_at_once(squares, most, lengths)
    assert torch.allclose(found[0], rms)
    assert torch.equal(found[1], largest)
