"""Fills: what is visible stays equal to the bit, what is hidden becomes what was asked for."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clip_har.masking.fill import BLUR_SHARE, apply_mask, checked_fill

FILLS = ["black", "mean", "noise", "blur", "grey", "#12aB34", "rgb(1, 2, 3)"]


def clip(frames=3, height=12, width=17, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (frames, 3, height, width), np.uint8)
    return torch.from_numpy(pixels)


def random_mask(frames=3, height=12, width=17, seed=1):
    return np.random.default_rng(seed).random((frames, height, width)) < 0.4


def painted(frames, mask, fill, seed=0, clip_id="clip 1"):
    return apply_mask(frames, mask, fill, seed=seed, clip_id=clip_id)


@pytest.mark.parametrize("fill", FILLS)
@given(
    frames=st.integers(1, 3),
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    still=st.booleans(),
)
def test_visible_pixels_and_the_input_are_untouched(fill, frames, height, width, still):
    before = clip(frames, height, width)
    given_frames = before.clone()
    mask = random_mask(1 if still else frames, height, width)
    after = painted(given_frames, mask, fill)
    assert (after.dtype, after.shape) == (torch.uint8, before.shape)
    assert torch.equal(given_frames, before)
    visible = torch.from_numpy(~mask)[:, None].expand_as(before)
    assert torch.equal(after[visible], before[visible])


def hidden_pixels(fill, frames, mask, **how):
    """Return ``(pixels, 3)`` what stands where the mask hides."""
    after = painted(frames, mask, fill, **how).numpy()
    return after.transpose(0, 2, 3, 1)[np.broadcast_to(mask, (len(after), *mask.shape[1:]))]


@pytest.mark.parametrize(
    ("fill", "colour"),
    [
        ("black", [0, 0, 0]),
        ("grey", [128, 128, 128]),
        ("#12aB34", [0x12, 0xAB, 0x34]),
        ("hsl(0, 100%, 50%)", [255, 0, 0]),
    ],
)
def test_colours(fill, colour):
    assert (hidden_pixels(fill, clip(), random_mask()) == colour).all()


def test_mean_is_of_the_clip_as_it_came():
    frames = clip()
    colour = np.rint(frames.double().mean(dim=(0, 2, 3)).numpy())
    assert (hidden_pixels("mean", frames, random_mask()) == colour).all()
    assert (hidden_pixels("mean", frames, np.ones((1, 12, 17), bool)) == colour).all()


def test_noise_is_uniform_and_belongs_to_clip_and_seed():
    frames, everything = clip(4, 100, 100), np.ones((1, 100, 100), bool)
    noise = hidden_pixels("noise", frames, everything)
    counts = np.bincount(noise.ravel(), minlength=256)
    expected = noise.size / 256
    assert ((counts - expected) ** 2 / expected).sum() < 331  # 255 degrees of freedom, p = 0.001
    assert (hidden_pixels("noise", frames, everything) == noise).all()
    assert (hidden_pixels("noise", frames, everything, seed=1) != noise).mean() > 0.9
    assert (hidden_pixels("noise", frames, everything, clip_id="b") != noise).mean() > 0.9


def test_noise_does_not_depend_on_the_mask():
    frames, mask = clip(), random_mask()
    everything = painted(frames, np.ones((1, 12, 17), bool), "noise")
    part = painted(frames, mask, "noise")
    hidden = torch.from_numpy(mask)[:, None].expand_as(frames)
    assert torch.equal(part[hidden], everything[hidden])


def test_blur_is_the_gaussian_of_the_frame():
    ndimage = pytest.importorskip("scipy.ndimage")
    frames = clip(2, 60, 80)
    sigma = BLUR_SHARE * 60
    expected = ndimage.gaussian_filter(
        frames.double().numpy(), (0, 0, sigma, sigma), mode="nearest", truncate=3
    )
    after = painted(frames, np.ones((1, 60, 80), bool), "blur").numpy()
    assert np.abs(after - expected).max() < 0.6  # half a level of rounding


def test_a_mask_may_be_read_only():
    mask = np.broadcast_to(random_mask(1), (3, 12, 17))
    assert torch.equal(painted(clip(), mask, "black"), painted(clip(), mask.copy(), "black"))


def test_a_mask_may_be_a_tensor():
    frames, mask = clip(), random_mask()
    assert torch.equal(
        painted(frames, torch.from_numpy(mask), "mean"), painted(frames, mask, "mean")
    )


@pytest.mark.parametrize("fill", ["grellow", "", "#12", "Blur", "0"])
def test_an_unknown_fill_is_told_what_there_is(fill):
    with pytest.raises(ValueError, match="expected mean, noise, blur or a colour") as caught:
        checked_fill(fill)
    assert repr(fill) in str(caught.value)


@pytest.mark.parametrize(
    ("frames", "mask", "message"),
    [
        (clip().float(), random_mask(), "expected uint8 frames"),
        (clip()[:, :1], random_mask(), "expected uint8 frames"),
        (clip(), random_mask().astype(np.uint8), "expected a bool mask"),
        (clip(), random_mask(frames=2), "expected a bool mask"),
        (clip(), random_mask(width=12, height=17), "expected a bool mask"),
        (clip(), random_mask()[0], "expected a bool mask"),
    ],
)
def test_wrong_input_is_refused(frames, mask, message):
    with pytest.raises(ValueError, match=message):
        painted(frames, mask, "black")


def test_settings_load_without_heavy_packages():
    modules = "clip_har.masking.none, clip_har.masking.percent, clip_har.masking.shape"
    regions = "clip_har.regions.none, clip_har.regions.motion"
    heavy = "{'torch', 'matplotlib', 'transformers', 'mlflow', 'av'} & sys.modules.keys()"
    code = f"import sys, {modules}, {regions}; sys.exit(str({heavy} or ''))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stderr.strip() == ""
