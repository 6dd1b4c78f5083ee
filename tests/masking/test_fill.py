"""Fills: what is visible stays equal to the bit, what is hidden becomes what was asked for."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clip_har.masking.fill import BLUR_SHARE, apply_mask, checked_fill, feather

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

FROM_VISIBLE = ["surround", "inpaint", "background"]
FILLS = ["black", "mean", "noise", "blur", *FROM_VISIBLE, "grey", "#12aB34", "rgb(1, 2, 3)"]


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
    static=st.booleans(),
)
def test_visible_pixels_and_the_input_are_untouched(fill, frames, height, width, static):
    before = clip(frames, height, width)
    given_frames = before.clone()
    mask = random_mask(1 if static else frames, height, width)
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


def hole(height=60, width=80):
    mask = np.zeros((1, height, width), bool)
    mask[0, 20:40, 30:50] = True
    return mask


@pytest.mark.parametrize("fill", FROM_VISIBLE)
@pytest.mark.parametrize("static", [True, False])
def test_nothing_shows_of_what_was_hidden(fill, static):
    mask = hole() if static else random_mask(2, 60, 80)
    frames = clip(2, 60, 80)
    other = torch.where(torch.from_numpy(mask)[:, None], 255 - frames, frames)
    # the mean colour of the clip is the last resort where nothing is visible, not here
    assert torch.equal(painted(frames, mask, fill), painted(other, mask, fill))


@pytest.mark.parametrize("fill", FROM_VISIBLE)
def test_what_is_around_is_continued(fill):
    ramp = np.broadcast_to(np.linspace(0, 255, 80).astype(np.uint8), (1, 3, 60, 80))
    after = painted(torch.tensor(ramp), hole(), fill).numpy()
    error = np.abs(after.astype(int) - ramp)
    assert error.max() <= 40, "a hole a quarter as wide as the ramp, with a seam at most this high"
    assert error[hole().repeat(3, axis=0)[None]].mean() < 12
    flat = torch.full((1, 3, 60, 80), 77, dtype=torch.uint8)
    assert torch.equal(painted(flat, hole(), fill), flat)


@pytest.mark.parametrize("fill", FROM_VISIBLE)
def test_a_frame_that_is_all_hidden_takes_the_mean_colour(fill):
    frames, everything = clip(), np.ones((1, 12, 17), bool)
    assert torch.equal(painted(frames, everything, fill), painted(frames, everything, "mean"))


NOISE = np.random.default_rng(3).integers(0, 256, (3, 30, 90), np.uint8)
RAMP = np.broadcast_to(np.arange(60, 240, 2, dtype=np.uint8), (3, 30, 90)).copy()
RAMP[:, :4, ::9] = 0  # a fence behind it


def walk(*, pan: int, wide: Pixels = NOISE, frames: int = 5) -> tuple[torch.Tensor, Pixels, Mask]:
    """Return a clip of a white square that walks before a scene, the scene, and the square."""
    scene = np.stack([wide[:, :, pan * time : pan * time + 50] for time in range(frames)])
    square = np.zeros((frames, 30, 50), bool)
    for time in range(frames):
        square[time, 10:20, 4 + 8 * time : 14 + 8 * time] = True
    shown = np.where(square[:, None], np.uint8(255), scene)
    return torch.from_numpy(shown), scene, square


def test_background_is_the_one_that_other_frames_show():
    frames, scene, square = walk(pan=0)
    assert (painted(frames, square, "background").numpy() == scene).all()
    frames[4, :, 12, 8] = 0  # something else passes in one frame
    assert (painted(frames, square, "background").numpy()[0] == scene[0]).all()
    inpainted = painted(frames, square, "inpaint").numpy()
    assert np.abs(inpainted.astype(int) - scene)[:, :, 12:18].mean() > 10, "a scene of noise"


def test_background_is_inpainted_where_no_other_frame_shows_it():
    frames, scene, square = walk(pan=0)
    square[:, 10:20, 20:30] = True  # hidden in all frames
    after = painted(frames, square, "background").numpy()
    assert (after[:, :, :, :20] == scene[:, :, :, :20]).all()
    assert (after[:, :, 10:20, 20:30] != 255).any()


@pytest.mark.parametrize("scene", [NOISE, RAMP])
def test_frames_of_a_moving_camera_are_not_mixed(scene):
    frames, _, square = walk(pan=2, wide=scene)
    moving, still = (painted(frames, square, fill) for fill in ("background", "inpaint"))
    assert torch.equal(moving, still)
    resting, *_ = walk(pan=0, wide=scene)
    assert not torch.equal(*(painted(resting, square, fill) for fill in ("background", "inpaint")))


def test_a_feathered_mask_hides_whole_what_was_hidden_and_fades_evenly():
    mask = hole()
    coverage = feather(mask, 4)
    assert coverage.dtype == np.float32
    assert coverage.shape == mask.shape
    assert (coverage[mask] == 1).all()
    np.testing.assert_allclose(coverage[0, 30, 50:56], [0.8, 0.6, 0.4, 0.2, 0, 0], atol=1e-6)
    assert (feather(np.zeros((2, 5, 5), bool), 3) == 0).all()
    assert (feather(np.ones((2, 5, 5), bool), 3) == 1).all()


def test_coverage_mixes_paint_and_frame():
    frames = torch.full((1, 3, 60, 80), 100, dtype=torch.uint8)
    after = painted(frames, feather(hole(), 4), "white").numpy()
    assert after[0, 0, 30, 49:56].tolist() == [255, 224, 193, 162, 131, 100, 100]


def test_a_mask_may_be_read_only_or_a_tensor():
    mask = random_mask(1)
    expected = painted(clip(), np.repeat(mask, 3, axis=0), "mean")
    for same in (np.broadcast_to(mask, (3, 12, 17)), torch.from_numpy(mask)):
        assert torch.equal(painted(clip(), same, "mean"), expected)


@pytest.mark.parametrize("fill", ["grellow", "", "#12", "Blur", "0"])
def test_the_message_for_an_unknown_fill_lists_the_known_ones(fill):
    with pytest.raises(
        ValueError, match="expected mean, noise, blur, surround, inpaint, background or a"
    ) as caught:
        checked_fill(fill)
    assert repr(fill) in str(caught.value)


@pytest.mark.parametrize(
    ("frames", "mask", "message"),
    [
        (clip().float(), random_mask(), "expected uint8 frames"),
        (clip()[:, :1], random_mask(), "expected uint8 frames"),
        (clip(), random_mask().astype(np.uint8), "expected a bool or float32 mask"),
        (clip(), random_mask(frames=2), "expected a bool or float32 mask"),
        (clip(), random_mask(width=12, height=17), "expected a bool or float32 mask"),
        (clip(), random_mask()[0], "expected a bool or float32 mask"),
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
