"""What a mask did, counted by hand."""

import numpy as np
import pytest

from clip_har.masking.area import Canvas
from clip_har.masking.effect import BLACK_LEVEL, mask_effect
from clip_har.masking.mask import clip_mask
from clip_har.masking.shape import ShapeMask

GREY = np.full((2, 3, 10, 20), 100, np.uint8)


def half(frames):
    mask = np.zeros((frames, 10, 20), bool)
    mask[:, :, :10] = True
    return mask


def test_realised_ratio_is_the_mean_over_the_frames():
    mask = half(2)
    mask[1] = False
    assert mask_effect(GREY, mask).realised_ratio == 0.25


@pytest.mark.parametrize("frames", [1, 2])
def test_subject_hidden_is_a_share_of_relevance(frames):
    subject = np.zeros((2, 10, 20), np.float32)
    subject[0, 5, 2], subject[1, 5, 15] = 1.0, 0.25
    effect = mask_effect(GREY, half(frames), subject)
    assert effect.subject_hidden == pytest.approx(0.8)
    assert effect.subject_found is True


def test_without_a_subject_there_is_no_share():
    unknown = mask_effect(GREY, half(1))
    assert (unknown.subject_hidden, unknown.subject_found) == (None, None)
    nothing = mask_effect(GREY, half(1), np.zeros((2, 10, 20), np.float32))
    assert (nothing.subject_hidden, nothing.subject_found) == (None, False)


def test_native_black_counts_letterbox_bars_but_no_strong_colour():
    frames = GREY.copy()
    frames[:, :, :2] = BLACK_LEVEL  # bars over a fifth of the height
    frames[:, 0, 9] = 200  # red with no green and blue
    frames[:, 1:, 9] = 0
    frames[:, :, 8] = BLACK_LEVEL + 1
    assert mask_effect(frames, half(1)).native_black == pytest.approx(0.2)


def test_a_mask_on_the_subject_hides_more_of_it_than_one_in_the_middle():
    subject = np.zeros((2, 40, 40), np.float32)
    subject[:, 4:12, 4:12] = 0.7
    canvas = Canvas(clip_id="a", seed=0, frames=2, height=40, width=40, feature=subject)
    frames = np.zeros((2, 3, 40, 40), np.uint8)
    on_it, beside = (
        mask_effect(frames, clip_mask(ShapeMask(ratio=0.04, place=place), canvas), subject)
        for place in ("subject", "middle")
    )
    assert on_it.subject_hidden == 1
    assert beside.subject_hidden == 0
