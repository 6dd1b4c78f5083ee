"""What a mask did, counted by hand."""

import numpy as np
import pytest

from clip_har.data.geometry import placement
from clip_har.masking.area import Canvas
from clip_har.masking.effect import BLACK_LEVEL, mask_effect
from clip_har.masking.mask import clip_mask
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask
from tests.masking.made import effect_of

GREY = np.full((2, 3, 10, 20), 100, np.uint8)


def half(frames):
    mask = np.zeros((frames, 10, 20), bool)
    mask[:, :, :10] = True
    return mask


def test_realised_ratio_is_the_mean_over_the_frames():
    mask = half(2)
    mask[1] = False
    assert effect_of(GREY, mask).realised_ratio == 0.25


@pytest.mark.parametrize("frames", [1, 2])
def test_subject_hidden_is_a_share_of_relevance(frames):
    subject = np.zeros((2, 10, 20), np.float32)
    subject[0, 5, 2], subject[1, 5, 15], subject[1, 5, 14] = 2 / 3, 0.5, 1 / 6
    effect = effect_of(GREY, half(frames), subject=subject)
    assert effect.subject_hidden == pytest.approx(0.5)
    assert effect.subject_found is True


def test_a_frame_in_which_nothing_was_painted_is_not_hidden():
    subject = np.zeros((2, 10, 20), np.float32)
    subject[0, 5, 2:4] = 1  # it is missed in the other frame
    hidden = subject >= 0.5
    effect = effect_of(GREY, hidden, subject=subject, feature=subject)
    assert effect.subject_hidden == effect.feature_hidden == 0.5
    kept = effect_of(GREY, ~hidden, subject=subject)
    assert kept.subject_hidden == 0.5, "isolation paints the other frame whole"


def test_what_is_kept_is_a_share_of_all_but_the_subject():
    subject = np.zeros((2, 10, 20), np.float32)
    subject[:, :, :4] = 1
    assert effect_of(GREY, half(1), subject=subject).background_kept == 0.625
    assert effect_of(GREY, ~half(1), subject=subject).background_kept == 0.375
    everything = np.ones((2, 10, 20), np.float32)
    assert effect_of(GREY, half(1), subject=everything).background_kept == 0


def test_without_a_subject_there_is_no_share():
    unknown = effect_of(GREY, half(1))
    assert (unknown.subject_hidden, unknown.subject_found) == (None, None)
    nothing = effect_of(GREY, half(1), subject=np.zeros((2, 10, 20), np.float32))
    assert (nothing.subject_hidden, nothing.subject_found) == (None, False)
    assert unknown.background_kept is nothing.background_kept is None


def test_native_black_counts_letterbox_bars_but_no_strong_colour():
    frames = GREY.copy()
    frames[:, :, :2] = BLACK_LEVEL  # bars over a fifth of the height
    frames[:, 0, 9] = 200  # red with no green and blue
    frames[:, 1:, 9] = 0
    frames[:, :, 8] = BLACK_LEVEL + 1
    assert effect_of(frames, half(1)).native_black == pytest.approx(0.2)


def test_a_mask_on_the_subject_hides_more_of_it_than_one_in_the_middle():
    subject = np.zeros((2, 40, 40), np.float32)
    subject[:, 4:12, 4:12] = 0.7
    canvas = Canvas(clip_id="a", seed=0, frames=2, height=40, width=40, feature=subject)
    frames = np.zeros((2, 3, 40, 40), np.uint8)
    on_it, beside = (
        effect_of(frames, clip_mask(ShapeMask(ratio=0.04, place=place), canvas), subject=subject)
        for place in ("subject", "middle")
    )
    assert on_it.subject_hidden == 1
    assert beside.subject_hidden == 0


@pytest.mark.parametrize(
    ("left", "whole", "partly"),
    [(0, 0.25, 0.0), (2, 0.0, 0.5), (4, 0.25, 0.0), (1, 0.0, 0.5)],
)
def test_the_same_patch_hides_a_token_whole_or_two_in_part(left, whole, partly):
    mask = np.zeros((1, 8, 8), bool)
    mask[:, :4, left : left + 4] = True
    effect = effect_of(np.zeros((1, 3, 8, 8), np.uint8), mask, patch=4)
    assert (effect.tokens_hidden, effect.tokens_partly) == (whole, partly)


def test_tokens_are_counted_over_frames_and_soft_edges_are_parts():
    mask = np.zeros((2, 8, 9), np.float32)
    mask[0, :4, :4] = 1
    mask[1, :, 4:8] = 0.5
    mask[:, :, 8] = 1  # beyond the last whole token: no token holds it
    effect = effect_of(np.zeros((2, 3, 8, 9), np.uint8), mask, patch=4)
    assert (effect.tokens_hidden, effect.tokens_partly) == (1 / 8, 2 / 8)


@pytest.mark.parametrize(
    ("fit", "cut"), [("crop", 0.25), ("squash", 0.0), ("letterbox", 0.0), ("centre", 0.25)]
)
def test_the_share_of_the_video_holds_what_the_crop_cuts_off(fit, cut):
    picture = placement(240, 320, 240, fit)
    nothing = np.zeros((1, 240, 240), bool)
    frames = np.zeros((1, 3, 240, 240), np.uint8)
    assert mask_effect(frames, nothing, patch=16, picture=picture).video_hidden == cut
    thirty = clip_mask(
        PercentMask(ratio=0.3), Canvas(clip_id="a", seed=0, frames=1, height=240, width=240)
    )
    found = mask_effect(frames, thirty, patch=16, picture=picture).video_hidden
    if fit != "letterbox":  # there the mask lies on the bars, too
        assert found == pytest.approx(1 - (1 - cut) * 0.7)
    everything = np.ones((1, 240, 240), bool)
    assert mask_effect(frames, everything, patch=16, picture=picture).video_hidden == 1


def test_a_model_without_patches_has_no_tokens():
    picture = placement(10, 20, 10, "crop")
    effect = mask_effect(GREY, half(1), patch=None, picture=picture)
    assert (effect.tokens_hidden, effect.tokens_partly) == (None, None)


@pytest.mark.parametrize("frames", [1, 4])
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("patch", [7, 16, 200])
def test_shares_are_those_of_plain_sums_to_the_bit(frames, soft, patch):
    draws = np.random.default_rng(frames)
    pixels = draws.integers(0, 20, (4, 3, 50, 40), np.uint8)
    mask = draws.random((frames, 50, 40)) < 0.4
    mask[:, 10:34, 3:30] = True
    subject = np.zeros((4, 50, 40), np.float32)  # in whole steps, as region maps are stored
    subject[:3, 12:30, 5:21] = draws.integers(0, 256, (3, 18, 16)) / np.float32(255)
    shown = np.where(mask, np.float32(0.7), np.float32(0.1)) if soft else mask
    found = effect_of(pixels, shown, patch=patch, subject=subject, feature=subject)
    filled = subject[[0, 1, 2, 2]]
    assert found.background_kept is not None
    for weights, share in (
        (filled, found.subject_hidden),
        (filled, found.feature_hidden),
        (1 - filled, 1 - found.background_kept),
    ):
        hidden = (shown * weights).sum(dtype=np.float64) / weights.sum(dtype=np.float64)
        assert share == pytest.approx(hidden, rel=1e-15)
    assert found.realised_ratio == shown.mean(dtype=np.float64)
    assert found.native_black == (pixels.max(axis=1) <= BLACK_LEVEL).mean()
    side = (50, 40) if patch > 50 else (patch, patch)
    tiles = [
        frame[top : top + side[0], left : left + side[1]]
        for frame in shown
        for top in range(0, 50 - side[0] + 1, side[0])
        for left in range(0, 40 - side[1] + 1, side[1])
    ]
    assert found.tokens_hidden == np.mean([(tile >= 1).all() for tile in tiles])
    touched = np.mean([(tile > 0).any() for tile in tiles])
    assert found.tokens_partly == pytest.approx(touched - found.tokens_hidden, abs=1e-12)
