"""The rule itself: exact area, raster order, nestedness, against a full stable sort."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from clip_har.masking.area import Canvas, hidden_count, lowest
from clip_har.masking.mask import clip_mask
from clip_har.masking.none import NoMask

sizes = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))
# Few different values, so that most pixels are tied.
tied_fields = sizes.flatmap(
    lambda size: hnp.arrays(np.float32, size, elements=st.sampled_from([-0.0, 0.0, 1.0, np.inf]))
)
plain_fields = sizes.flatmap(
    lambda size: hnp.arrays(np.float32, size, elements=st.floats(width=32, allow_nan=False))
)
ratios = st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0])


@given(field=tied_fields | plain_fields, ratio=ratios)
def test_lowest_takes_what_a_stable_sort_puts_first(field, ratio):
    frames, height, width = field.shape
    count = math.floor(ratio * height * width + 0.5)
    first = np.argsort(field.reshape(frames, -1), axis=1, kind="stable")[:, :count]
    expected = np.zeros((frames, height * width), bool)
    np.put_along_axis(expected, first, True, axis=1)
    np.testing.assert_array_equal(lowest(field, ratio), expected.reshape(field.shape))


@given(field=tied_fields, low=ratios, high=ratios)
def test_masks_of_one_field_are_nested(field, low, high):
    low, high = sorted((low, high))
    assert not (lowest(field, low) & ~lowest(field, high)).any()


@given(field=plain_fields)
def test_lowest_leaves_its_field_alone(field):
    before = field.copy()
    lowest(field, 0.4)
    np.testing.assert_array_equal(field, before)


@pytest.mark.parametrize(
    ("ratio", "height", "width", "count"),
    [
        (0.0, 224, 224, 0),
        (1.0, 224, 224, 50176),
        (0.1, 224, 224, 5018),  # 5017.6
        (0.3, 224, 224, 15053),  # 15052.8
        (0.5, 7, 13, 46),  # 45.5: halves go up
        (0.5, 1, 1, 1),
        (0.4, 1, 1, 0),
    ],
)
def test_hidden_count(ratio, height, width, count):
    assert hidden_count(ratio, height, width) == count


@pytest.mark.parametrize("ratio", [-0.01, 1.01, math.nan])
def test_a_ratio_outside_the_unit_interval_is_refused(ratio):
    with pytest.raises(ValueError, match=r"expected a ratio in \[0, 1\]"):
        lowest(np.zeros((1, 2, 2), np.float32), ratio)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_nan_is_refused(ratio):
    field = np.array([[[0.0, np.nan]]], np.float32)
    with pytest.raises(ValueError, match="without NaN"):
        lowest(field, ratio)


def test_a_field_without_a_frame_axis_is_refused():
    with pytest.raises(ValueError, match=r"shape \(F, H, W\), got \(2, 2\)"):
        lowest(np.zeros((2, 2), np.float32), 0.5)


def test_no_mask_hides_nothing():
    mask = clip_mask(NoMask(), Canvas(clip_id="a", seed=0, frames=2, height=7, width=13))
    assert mask.shape == (1, 7, 13)
    assert not mask.any()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"height": 0}, "at least one frame and one pixel"),
        ({"feature": np.zeros((2, 3, 3), np.float32)}, r"maps of shape \(2, 3, 4\)"),
        ({"subject": np.full((2, 3, 4), 1.5, np.float32)}, r"soft mask in \[0, 1\]"),
        ({"subject": np.full((2, 3, 4), np.nan, np.float32)}, r"soft mask in \[0, 1\]"),
    ],
)
def test_a_canvas_refuses_what_cannot_be(fault, message):
    size = {"frames": 2, "height": 3, "width": 4}
    with pytest.raises(ValueError, match=message):
        Canvas(clip_id="a", seed=0, **(size | fault))


PIXELS = np.arange(64 * 64)
FIELDS = {
    "random": np.random.default_rng(0).random(64 * 64),
    "few values": np.random.default_rng(1).integers(0, 5, 64 * 64),
    "one value": np.ones(64 * 64),
    "smooth": np.hypot(PIXELS % 64 - 20, PIXELS // 64 - 30),
    # The pixels that are looked at first are not like the rest.
    "sample is high": np.where(PIXELS % 31 == 0, 9 + PIXELS, -PIXELS),
    "sample is low": np.where(PIXELS % 31 == 0, -9 - PIXELS, PIXELS),
}


@pytest.mark.parametrize("ratio", [0.0005, 0.03, 0.1, 0.5, 0.97, 0.9995])
@pytest.mark.parametrize("name", FIELDS)
def test_large_frames_hide_what_a_stable_sort_puts_first(name, ratio):
    values = FIELDS[name].astype(np.float32)
    expected = np.zeros(64 * 64, bool)
    expected[np.argsort(values, kind="stable")[: hidden_count(ratio, 64, 64)]] = True
    found = lowest(values.reshape(1, 64, 64), ratio)
    np.testing.assert_array_equal(found, expected.reshape(1, 64, 64))
