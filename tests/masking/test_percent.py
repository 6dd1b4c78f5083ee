"""Random patches: exact area, whole patches, tube or fresh."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import kstest

from clip_har.masking.area import Canvas, hidden_count, lowest
from clip_har.masking.mask import clip_mask
from clip_har.masking.percent import PercentMask
from clip_har.masking.phase import Phase, grid_phase
from tests.masking.made import effect_of

PHASES = get_args(Phase)
lengths = st.integers(1, 50)
ratios = st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0])


def canvas(height=224, width=224, frames=4, clip_id="clip 1", seed=0):
    return Canvas(clip_id=clip_id, seed=seed, frames=frames, height=height, width=width)


def hidden_in_part(mask, patch, cut_top=0, cut_left=0):
    """Return how many patches of one frame ``(H, W)`` are neither whole nor bare.

    The first row and column of patches lack ``cut_top`` and ``cut_left`` pixels.
    """
    shares = [
        mask[max(top, 0) : top + patch, max(left, 0) : left + patch].mean()
        for top in range(-cut_top, mask.shape[0], patch)
        for left in range(-cut_left, mask.shape[1], patch)
    ]
    return sum(0 < share < 1 for share in shares)


@given(
    lengths, lengths, ratios, st.integers(1, 64), st.booleans(), st.sampled_from(PHASES),
    st.integers(0, 9),
)  # fmt: skip
def test_area_is_exact_and_at_most_one_patch_a_frame_is_cut(
    height, width, ratio, patch, static, phase, seed
):
    strategy = PercentMask(ratio=ratio, patch=patch, static=static, phase=phase)
    shown = canvas(height, width, frames=3, seed=seed)
    mask = clip_mask(strategy, shown)
    assert mask.shape == (1 if static else 3, height, width)
    cuts = (grid_phase(phase, shown, frames=len(mask)) * patch).astype(int)
    for frame, (top, left) in zip(mask, cuts, strict=True):
        assert frame.sum() == hidden_count(ratio, height, width)
        assert hidden_in_part(frame, patch, top, left) <= 1
    # patches are counted, which must hide the same as ranking the pixels of the field
    np.testing.assert_array_equal(mask, lowest(strategy.field(shown), ratio))


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (224, 224), (240, 320)])
@pytest.mark.parametrize("patch", [1, 16, 64])
@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.3, 0.5, 1.0])
def test_area_is_exact_at_real_sizes(size, patch, ratio):
    mask = clip_mask(PercentMask(ratio=ratio, patch=patch, static=False), canvas(*size))
    assert set(mask.sum(axis=(1, 2)).tolist()) == {hidden_count(ratio, *size)}


@given(ratios, ratios, st.sampled_from([1, 3, 16]), st.booleans())
def test_masks_are_nested_over_the_ratio(low, high, patch, static):
    low, high = sorted((low, high))
    small, large = (
        clip_mask(PercentMask(ratio=ratio, patch=patch, static=static), canvas(30, 41))
        for ratio in (low, high)
    )
    assert not (small & ~large).any()


def test_fresh_masks_differ_between_frames_and_start_alike_in_any_length():
    strategy = PercentMask(ratio=0.3, static=False)
    mask = clip_mask(strategy, canvas(frames=6))
    assert len({frame.tobytes() for frame in mask}) == 6
    np.testing.assert_array_equal(clip_mask(strategy, canvas(frames=2)), mask[:2])


def test_clips_and_seeds_have_their_own_masks():
    strategy = PercentMask(ratio=0.3)
    masks = [
        clip_mask(strategy, canvas(clip_id=clip_id, seed=seed)).tobytes()
        for clip_id in ("a", "b")
        for seed in (0, 1)
    ]
    assert len(set(masks)) == 4


def test_aligned_patches_hide_the_tokens_of_a_model_whole_and_random_ones_in_part():
    frames = np.zeros((1, 3, 224, 224), np.uint8)

    def tokens(phase, token):
        found = [
            effect_of(
                frames,
                clip_mask(PercentMask(ratio=0.3, phase=phase), canvas(clip_id=str(clip))),
                patch=token,
            )
            for clip in range(40)
        ]
        return (
            np.mean([one.tokens_hidden for one in found]),
            np.mean([one.tokens_partly for one in found]),
        )

    whole, partly = tokens("aligned", 16)
    assert whole == pytest.approx(0.296, abs=0.001)  # 58 of 196, and 0.8 of another one
    assert partly == pytest.approx(1 / 196)
    whole, partly = tokens("aligned", 32)  # the same mask for a model of larger patches
    assert whole < 0.02
    assert partly > 0.7
    for token in (16, 32):
        whole, partly = tokens("random", token)
        assert whole < 0.1
        assert partly > 0.6


def test_the_phase_is_even_and_the_same_share_for_every_size_of_patch():
    shown = [canvas(clip_id=str(clip)) for clip in range(2000)]
    found = np.array([grid_phase("random", one, frames=1)[0] for one in shown])
    for part in found.T:
        assert kstest(part, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.08
    one = shown[0]
    cut = (grid_phase("random", one, frames=1)[0] * 16).astype(int)
    mask = clip_mask(PercentMask(ratio=0.3), one)[0]
    assert hidden_in_part(mask, 16, *cut) <= 1
    assert hidden_in_part(mask, 16) > 10


def test_fresh_masks_have_a_phase_in_each_frame():
    phases = grid_phase("random", canvas(), frames=4)
    assert len(np.unique(phases)) == 8
    np.testing.assert_array_equal(phases[:1], grid_phase("random", canvas(), frames=1))


def test_patches_are_sampled_evenly():
    """Each of 16 patches is first in about 1/16 of 3200 clips (chi-square, p = 0.001)."""
    first = [
        clip_mask(
            PercentMask(ratio=1 / 16, patch=4, phase="aligned"), canvas(16, 16, clip_id=str(clip))
        )[0]
        for clip in range(3200)
    ]
    counts = np.sum(first, axis=0)[::4, ::4]
    assert counts.sum() == 3200
    assert ((counts - 200) ** 2 / 200).sum() < 37.7  # 15 degrees of freedom


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"ratio": 1.2}, "less than or equal to 1"),
        ({"patch": 0}, "greater than or equal to 1"),
        ({"patch": 65}, "less than or equal to 64"),
        ({"fill": "grellow"}, "expected mean, noise, blur, surround, inpaint, background or"),
        ({"pacth": 8}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_settings_are_named(fault, message):
    with pytest.raises(ValidationError, match=message):
        PercentMask(**({"ratio": 0.3} | fault))


def test_short_name():
    assert PercentMask(ratio=0.3, patch=8).short_name == "percent 8 px"
    assert PercentMask(ratio=0.3, static=False).short_name == "percent 16 px fresh"
    assert PercentMask(ratio=0.3, phase="aligned").short_name == "percent 16 px aligned"
