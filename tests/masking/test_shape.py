"""Shapes at places: exact area everywhere, the right form, the right place."""

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.masking.area import Canvas, hidden_count, lowest
from clip_har.masking.mask import clip_mask
from clip_har.masking.shape import Place, Shape, ShapeMask

SHAPES, PLACES = get_args(Shape), get_args(Place)
ratios = st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0])


def canvas(height=64, width=64, frames=2, clip_id="clip 1", seed=0, subject=None):
    return Canvas(
        clip_id=clip_id, seed=seed, frames=frames, height=height, width=width, feature=subject
    )


def spot(height, width, frames=2):
    """Return a subject that is one pixel, which moves to the right with time."""
    subject = np.zeros((frames, height, width), np.float32)
    for time in range(frames):
        subject[time, height // 3, (width // 4 + time) % width] = 1
    return subject


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (224, 224), (240, 320)])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shape", SHAPES)
def test_area_is_exact(shape, place, size):
    strategy = ShapeMask(ratio=0.3, shape=shape, place=place, rotation=17, static=False)
    height, width = size
    field = strategy.field(canvas(height, width, subject=spot(height, width)))
    assert field.dtype == np.float32
    assert field.min() >= 0
    for ratio in (0.0, 0.1, 0.3, 0.5, 1.0):
        areas = lowest(field, ratio).sum(axis=(1, 2)).tolist()
        assert set(areas) == {hidden_count(ratio, *size)}


@given(
    st.sampled_from(SHAPES), st.integers(1, 40), st.integers(1, 40), ratios, ratios,
    st.integers(1, 5), st.floats(-400, 400), st.floats(0.05, 20), st.floats(0.01, 1),
)  # fmt: skip
def test_area_is_exact_and_masks_nest_for_any_settings(
    shape, height, width, low, high, count, rotation, aspect, share
):
    low, high = sorted((low, high))
    small, large = (
        clip_mask(
            ShapeMask(
                ratio=ratio, shape=shape, place="random", count=count, rotation=rotation,
                aspect=aspect, radius=share, spacing=share, static=False,
            ),
            canvas(height, width),
        )
        for ratio in (low, high)
    )  # fmt: skip
    assert set(small.sum(axis=(1, 2)).tolist()) == {hidden_count(low, height, width)}
    assert not (small & ~large).any()


@pytest.mark.parametrize("place", [place for place in PLACES if place != "subject"])
def test_masks_nest_at_every_place(place):
    masks = [
        clip_mask(ShapeMask(ratio=ratio, shape="star", place=place, static=False), canvas())
        for ratio in (0.05, 0.1, 0.3, 0.5, 0.9)
    ]
    for small, large in pairwise(masks):
        assert not (small & ~large).any()


def test_a_square_in_the_middle_is_a_square_in_the_middle():
    mask = clip_mask(ShapeMask(ratio=0.25), canvas(64, 64))[0]
    expected = np.zeros((64, 64), bool)
    expected[16:48, 16:48] = True
    np.testing.assert_array_equal(mask, expected)


def test_a_rectangle_has_its_aspect():
    rows, columns = np.nonzero(
        clip_mask(ShapeMask(ratio=0.125, shape="rectangle", aspect=2), canvas(64, 64))[0]
    )
    assert np.ptp(rows) + 1 == 16
    assert np.ptp(columns) + 1 == 32


@pytest.mark.parametrize("shape", ["circle", "ring", "star", "grid", "rectangle"])
def test_a_shape_is_the_same_at_any_resolution(shape):
    small, large = (
        clip_mask(ShapeMask(ratio=0.3, shape=shape, rotation=20), canvas(side, side))[0]
        for side in (112, 448)
    )
    assert (small == large[2::4, 2::4]).mean() > 0.97


@pytest.mark.parametrize("rotation", [90, -90, 180, 270, 450])
def test_quarter_turns_are_exact(rotation):
    """On a field, not a mask, whose ties are in raster order and so do not turn."""
    upright = ShapeMask(ratio=0.3, shape="star").field(canvas(33, 33))[0]
    turned = ShapeMask(ratio=0.3, shape="star", rotation=rotation).field(canvas(33, 33))[0]
    np.testing.assert_array_equal(turned, np.rot90(upright, rotation // 90))  # counter-clockwise


def test_a_horizontal_band_on_its_side_is_the_vertical_band():
    """To the bit: an angle that is a hair off would break the ties along the middle line."""
    turned = ShapeMask(ratio=0.3, shape="horizontal_band", rotation=90).field(canvas(33, 33))
    upright = ShapeMask(ratio=0.3, shape="vertical_band").field(canvas(33, 33))
    np.testing.assert_array_equal(turned, upright)


def test_a_band_turned_by_45_degrees_rises_to_the_right():
    mask = clip_mask(ShapeMask(ratio=0.1, shape="horizontal_band", rotation=45), canvas(64, 64))[0]
    assert mask[2, 61]
    assert mask[61, 2]
    assert not mask[2, 2]


@pytest.mark.parametrize(
    ("place", "pixel"),
    [
        ("top_left", (0, 0)),
        ("top_right", (0, -1)),
        ("bottom_left", (-1, 0)),
        ("bottom_right", (-1, -1)),
    ],
)
def test_named_corners(place, pixel):
    mask = clip_mask(ShapeMask(ratio=0.1, shape="circle", place=place), canvas(40, 70))[0]
    corners = {(row, column): mask[row, column] for row in (0, -1) for column in (0, -1)}
    assert {where for where, hidden in corners.items() if hidden} == {pixel}


def test_corner_takes_all_four_over_the_clips_and_frames():
    strategy = ShapeMask(ratio=0.01, shape="circle", place="corner")
    static = [clip_mask(strategy, canvas(clip_id=str(clip))) for clip in range(400)]
    assert all(len(mask) == 1 for mask in static)
    corners = np.sum([mask[0][np.ix_([0, -1], [0, -1])] for mask in static], axis=0)
    assert corners.sum() == 400
    assert corners.min() > 70
    fresh = ShapeMask(ratio=0.01, shape="circle", place="corner", static=False)
    assert len({frame.tobytes() for frame in clip_mask(fresh, canvas(frames=40))}) == 4


def centre_of(mask):
    rows, columns = np.nonzero(mask)
    return rows.mean() + 0.5, columns.mean() + 0.5


def test_random_places_are_those_of_the_clip_for_any_shape_and_ratio():
    centres = [
        centre_of(clip_mask(ShapeMask(ratio=ratio, shape=shape, place="random"), canvas(seed=3))[0])
        for shape in ("square", "circle", "diamond")
        for ratio in (0.01, 0.02)
    ]
    assert np.ptp(np.array(centres), axis=0).max() < 1
    others = {
        clip_mask(ShapeMask(ratio=0.1, place="random"), canvas(clip_id=str(clip))).tobytes()
        for clip in range(20)
    }
    assert len(others) == 20


def test_random_places_cover_the_frame():
    centres = np.array(
        [
            np.argwhere(
                clip_mask(ShapeMask(ratio=1 / 64**2, place="random"), canvas(clip_id=str(clip)))[0]
            )[0]
            for clip in range(600)
        ]
    )
    counts, _, _ = np.histogram2d(centres[:, 0], centres[:, 1], bins=2, range=[[0, 64]] * 2)
    assert counts.min() > 110
    assert centres.min() < 3
    assert centres.max() > 60


def test_several_shapes_begin_with_the_one():
    one = ShapeMask(ratio=0.1, place="random").field(canvas())
    three = ShapeMask(ratio=0.1, place="random", count=3).field(canvas())
    assert (three <= one).all()
    assert (three < one).any()


def test_subject_static_and_followed():
    subject = spot(64, 64, frames=8)  # at row 21, columns 16 … 23
    at_subject = {"ratio": 0.02, "shape": "circle", "place": "subject"}
    static = clip_mask(ShapeMask(**at_subject), canvas(frames=8, subject=subject))
    assert len(static) == 1
    assert centre_of(static[0]) == pytest.approx((21.5, 20.0), abs=0.3)
    followed = clip_mask(ShapeMask(**at_subject, static=False), canvas(frames=8, subject=subject))
    for time, frame in enumerate(followed):
        assert centre_of(frame) == pytest.approx((21.5, 16.5 + time), abs=0.3)


def test_the_centroid_is_weighted():
    subject = np.zeros((1, 64, 64), np.float32)
    subject[0, 32, 10], subject[0, 32, 50] = 1.0, 0.25
    mask = clip_mask(
        ShapeMask(ratio=0.02, shape="circle", place="subject"), canvas(frames=1, subject=subject)
    )
    assert centre_of(mask[0]) == pytest.approx((32.5, (10.5 + 50.5 / 4) / 1.25), abs=0.3)


def test_a_subject_found_nowhere_is_put_in_the_middle():
    nothing = np.zeros((2, 64, 64), np.float32)
    middle = clip_mask(ShapeMask(ratio=0.3), canvas())
    for static in (True, False):
        mask = clip_mask(
            ShapeMask(ratio=0.3, place="subject", static=static), canvas(subject=nothing)
        )
        assert (mask == middle).all()


def test_a_frame_without_the_subject_takes_the_place_of_the_clip():
    subject = np.zeros((2, 64, 64), np.float32)
    subject[1, 10, 40] = 1
    mask = clip_mask(ShapeMask(ratio=0.1, place="subject", static=False), canvas(subject=subject))
    np.testing.assert_array_equal(mask[0], mask[1])


def test_subject_without_a_region_source_says_what_to_add():
    strategy = ShapeMask(ratio=0.3, place="subject")
    assert strategy.feature == "subject"
    assert ShapeMask(ratio=0.3).feature is None
    with pytest.raises(ClipHarError, match="needs to know where its feature is: use region=auto"):
        clip_mask(strategy, canvas())


@pytest.mark.parametrize("place", [place for place in PLACES if place != "random"])
def test_several_shapes_need_random_places(place):
    with pytest.raises(ValidationError, match=f"masking.place={place} .*set masking.place=random"):
        ShapeMask(ratio=0.3, place=place, count=2)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"ratio": -0.1}, "greater than or equal to 0"),
        ({"ratio": None}, "valid number"),
        ({"shape": "blob"}, "'square', 'rectangle', 'circle'"),
        ({"place": "left"}, "'middle', 'random', 'subject'"),
        ({"count": 0}, "greater than or equal to 1"),
        ({"aspect": 0}, "greater than or equal to 0.05"),
        ({"rotation": float("inf")}, "finite number"),
        ({"radius": 0}, "greater than 0"),
        ({"spacing": 0}, "greater than 0"),
        ({"fill": "#80808080"}, "partly transparent"),
    ],
)
def test_wrong_settings_are_named(fault, message):
    with pytest.raises(ValidationError, match=message):
        ShapeMask(**({"ratio": 0.3} | fault))


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"shape": "circle"}, "shape circle middle"),
        ({"shape": "horizontal_band", "place": "top_left"}, "shape horizontal band top left"),
        ({"place": "random", "count": 3, "static": False}, "shape square random ×3 fresh"),
        ({"place": "subject", "static": False}, "shape square subject followed"),
        ({"rotation": 45, "static": False}, "shape square middle 45°"),
    ],
)
def test_short_name(settings, name):
    assert ShapeMask(ratio=0.3, **settings).short_name == name


@pytest.mark.parametrize("shape", ["square", "circle", "diamond", "cross"])
@pytest.mark.parametrize("ratio", [0.05, 0.1, 0.3, 0.5])
def test_the_last_ring_of_a_shape_is_spread_over_all_sides(shape, ratio):
    mask = clip_mask(ShapeMask(ratio=ratio, shape=shape), canvas(112, 112))[0]
    top, left = mask[:56].sum(), mask[:, :56].sum()
    assert abs(top - mask.sum() / 2) <= 4
    assert abs(left - mask.sum() / 2) <= 4
    # Of the pixels at one distance (up to 24 on a circle) some have no counterpart.
    for turned in (mask[::-1], mask[:, ::-1], mask.T):
        assert (mask != turned).sum() <= 24


@pytest.mark.parametrize("shape", ["horizontal_band", "vertical_band"])
def test_the_ends_of_a_band_are_even(shape):
    mask = clip_mask(ShapeMask(ratio=0.303, shape=shape), canvas(112, 112))[0]
    mask = mask if shape == "horizontal_band" else mask.T
    np.testing.assert_array_equal(mask.any(axis=1)[::-1], mask.any(axis=1))
    partial = mask[(mask.sum(axis=1) > 0) & ~mask.all(axis=1)]
    for row in partial:  # around the middle of the row
        first, last = np.flatnonzero(row)[[0, -1]]
        assert row[first : last + 1].all()
        assert abs(first - (111 - last)) <= 1


@pytest.mark.parametrize("ratio", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("phase", ["aligned", "random"])
def test_a_grid_hides_as_much_in_every_quarter(ratio, phase):
    shares = []
    for clip in range(20 if phase == "random" else 1):
        strategy = ShapeMask(ratio=ratio, shape="grid", phase=phase)
        mask = clip_mask(strategy, canvas(112, 112, clip_id=str(clip)))[0]
        cells = mask.reshape(4, 28, 4, 28).sum(axis=(1, 3))  # a line each way in each cell
        shares.append(cells / (ratio * 28 * 28))
        assert mask.sum() == hidden_count(ratio, 112, 112)
    assert np.abs(np.array(shares) - 1).max() < 0.35


def test_the_lines_of_a_grid_have_the_same_phase_at_every_ratio_and_their_own_in_each_clip():
    def lines(clip, ratio):
        return clip_mask(ShapeMask(ratio=ratio, shape="grid"), canvas(112, 112, clip_id=clip))[0]

    small, large = lines("a", 0.1), lines("a", 0.3)
    assert not (small & ~large).any()
    assert len({lines(str(clip), 0.1).tobytes() for clip in range(5)}) == 5


def test_a_turned_grid_is_moved_along_its_own_lines():
    """Over many clips each pixel is hidden equally often, also if the grid is turned."""
    masks = [
        clip_mask(
            ShapeMask(ratio=0.3, shape="grid", rotation=30), canvas(32, 32, clip_id=str(clip))
        )[0]
        for clip in range(1500)
    ]
    often = np.mean(masks, axis=0)
    assert often[8:24, 8:24].std() < 0.02  # sampling alone gives 0.012


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("place", ["middle", "top_left"])
def test_a_shape_at_a_fixed_place_is_made_once_for_all_clips(place, static):
    mask = ShapeMask(ratio=0.2, shape="star", place=place, static=static)
    one, other = canvas(40, 70, clip_id="one"), canvas(40, 70, clip_id="other")
    made = mask.hidden(one)
    assert mask.hidden(other) is made
    assert not made.flags.writeable
    np.testing.assert_array_equal(made, lowest(mask.field(other), 0.2, mask.ties(other)))
