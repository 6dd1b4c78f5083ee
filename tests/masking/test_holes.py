"""Holes about a target, against brute force and against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from clip_har.masking import holes
from clip_har.masking.area import lowest
from clip_har.masking.holes import (
    bounding_box,
    filled_frames,
    hole_field,
    hole_margin,
    outline_distance,
)

HOLES = ("exact", "grown", "box", "ellipse")


def figure(height=60, width=80):
    """Return a map ``(1, H, W)`` of a leaning person: a trunk, an arm, a faint shadow."""
    target = np.zeros((1, height, width), np.float32)
    target[0, 15:45, 30:38] = 1
    target[0, 20:24, 38:60] = 0.8
    target[0, 45:50, 20:40] = 0.3  # below INSIDE
    return target


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_covers_the_target_and_its_field_is_never_zero(hole):
    target = figure()
    field = hole_field(target, hole)
    assert field.dtype == np.float32
    assert (field != 0).all()
    assert (field[target >= 0.5] < 0).all()


def test_the_exact_hole_is_the_target_and_the_box_its_bounding_box():
    target = figure()
    np.testing.assert_array_equal(hole_field(target, "exact") < 0, target >= 0.5)
    box = np.zeros(target.shape, bool)
    box[0, 15:45, 30:60] = True
    np.testing.assert_array_equal(hole_field(target, "box") < 0, box)
    assert bounding_box(target[0] >= 0.5) == (15, 30, 45, 60)


def test_the_ellipse_has_the_aspect_of_the_box_and_touches_the_target():
    target = figure()
    hidden = hole_field(target, "ellipse") < 0
    ys, xs = np.nonzero(hidden[0])
    assert (ys.max() - ys.min()) / (xs.max() - xs.min()) == pytest.approx(1, abs=0.06)
    assert hidden.sum() < np.pi * 15**2 * 2.05  # never larger than the one about the whole box
    # a disc is covered by itself, not by the larger ellipse about its box
    y, x = np.mgrid[:60, :80]
    disc = (np.hypot(y - 30, x - 40) < 12).astype(np.float32)[None]
    assert (hole_field(disc, "ellipse") < 0).sum() < 1.15 * disc.sum()


@pytest.mark.parametrize("grow", [-3, 0, 4])
def test_a_grown_hole_is_a_dilation_by_a_disc(grow):
    target = figure()[0] >= 0.5
    found = hole_field(target[None].astype(np.float32), "grown", grow=grow)[0] < 0
    reach = abs(grow) + 0.5  # pixels within half a pixel of the disc belong to it
    y, x = np.mgrid[-5:6, -5:6]
    disc = np.hypot(y, x) < reach
    if grow >= 0:
        expected = ndimage.binary_dilation(target, disc)
    else:
        expected = ~ndimage.binary_dilation(~target, disc)
    np.testing.assert_array_equal(found, expected)


def test_growing_pads_a_box_on_every_side():
    hidden = hole_field(figure(), "box", grow=2)[0] < 0
    assert bounding_box(hidden) == (13, 28, 47, 62)
    assert hidden[13:47, 28:62].all()


def test_exact_goes_by_relevance_then_by_depth():
    field = hole_field(figure(), "exact", ranked=True)[0]
    trunk, arm, shadow, far = field[30, 34], field[22, 50], field[47, 25], field[2, 2]
    assert trunk < arm < 0 < shadow < far
    assert field[30, 34] < field[30, 30]  # deeper inside
    assert field[22, 50] < field[20, 50]  # equally relevant, deeper
    assert field[10, 34] < field[5, 34]  # equally irrelevant, nearer


@pytest.mark.parametrize("hole", HOLES)
def test_a_ratio_takes_the_thing_before_anything_else_where_it_is_larger(hole):
    target = figure()
    inside = hole_field(target, hole) < 0
    field = hole_field(target, hole, ranked=True)
    whole = inside.mean()
    small, large = lowest(field, whole / 2), lowest(field, min(1, whole * 2))
    assert inside[small].all()
    assert large[inside].all()


@pytest.mark.parametrize("hole", HOLES)
@pytest.mark.parametrize("grow", [None, 5, -3, 500])
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_no_surroundings_are_hidden_before_the_whole_target_is(hole, grow, seed, share):
    draws = np.random.default_rng(seed)
    soft = ndimage.gaussian_filter(draws.random((1, 20, 27)), (0, 2, 2))
    soft = ((soft - soft.min()) / np.ptp(soft)).astype(np.float32)
    field = hole_field(soft, hole, grow=None if hole == "exact" else grow, ranked=True)
    hidden, target = lowest(field, share), soft >= 0.5
    if hidden.sum() >= target.sum():
        assert hidden[target].all()
    else:
        assert target[hidden].all()
        # of the target the highest soft mask comes first, in steps of the stored maps
        steps = np.rint(soft * 255)
        assert steps[hidden].min(initial=255) >= steps[target & ~hidden].max()


@pytest.mark.parametrize("hole", ["box", "ellipse"])
def test_what_is_left_of_a_ratio_fills_the_hole_from_the_target_on(hole):
    target = figure()
    inside = hole_field(target, hole) < 0
    field = hole_field(target, hole, ranked=True)
    half = (inside.sum() + (target >= 0.5).sum()) / 2 / target[0].size
    hidden = lowest(field, half)
    assert inside[hidden].all()
    near = outline_distance(target[0] >= 0.5)
    rest = (inside & ~(target >= 0.5))[0] & (target[0] == 0)
    assert near[rest & hidden[0]].max() <= near[rest & ~hidden[0]].min() + 0.05
    np.testing.assert_array_equal(lowest(field, inside[0].mean()), inside)


@given(st.integers(0, 2**32 - 1), st.integers(1, 17), st.integers(1, 17))
def test_distances_are_euclid_s(seed, height, width):
    inside = np.random.default_rng(seed).random((height, width)) < 0.6
    found = outline_distance(inside)
    far = np.hypot(height, width)
    if inside.all() or not inside.any():
        assert found == pytest.approx(np.where(inside, 0.5 - far, far - 0.5))
        return
    within = ndimage.distance_transform_edt(inside)
    away = ndimage.distance_transform_edt(~inside)
    np.testing.assert_allclose(found, np.where(inside, 0.5 - within, away - 0.5), atol=1e-4)


@pytest.mark.parametrize("hole", HOLES)
def test_without_the_thing_nothing_is_inside(hole):
    assert (hole_field(np.full((2, 9, 9), 0.4, np.float32), hole) > 0).all()


@pytest.mark.parametrize("hole", HOLES)
def test_one_pixel_and_a_whole_frame(hole):
    pixel = np.zeros((1, 9, 9), np.float32)
    pixel[0, 4, 4] = 1
    assert (hole_field(pixel, hole, grow=0) < 0).sum() in ((1,) if hole != "ellipse" else (1, 5))
    assert (hole_field(np.ones((1, 9, 9), np.float32), hole) < 0).all()


def test_a_grown_hole_reaches_9_pixels_at_112():
    assert hole_margin("grown", None, (8, 112, 112)) == 9
    assert hole_margin("grown", 3, (8, 112, 112)) == 3
    assert hole_margin("box", None, (8, 112, 112)) == 0


def test_frames_without_the_target_take_that_of_the_nearest():
    maps = np.zeros((3, 5, 5), np.float32)
    maps[0, 1, 1], maps[2, 3, 3] = 1, 0.7
    filled = filled_frames(maps)
    np.testing.assert_array_equal(filled[[0, 2]], maps[[0, 2]])
    np.testing.assert_array_equal(filled[1], maps[0])  # of two that are equally near the earlier
    nothing = np.zeros((3, 5, 5), np.float32)
    assert filled_frames(nothing) is nothing


@given(
    st.sampled_from(["box", "ellipse", "grown", "exact"]),
    st.sampled_from([None, 0, 3, -2]),
    st.integers(0, 9999),
)
def test_only_the_part_about_the_target_needs_an_order(hole, grow, seed):
    draws = np.random.default_rng(seed)
    height, width = draws.integers(1, 30, 2)
    soft_mask = np.zeros((2, height, width), np.float32)
    for frame in soft_mask:
        for _ in range(draws.integers(4)):
            top, left = draws.integers(height), draws.integers(width)
            frame[top : top + draws.integers(1, 12), left : left + draws.integers(1, 12)] = (
                draws.integers(256) / 255
            )
    found = hole_field(soft_mask, hole, grow=grow, ranked=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holes, "_part_about", lambda _: (slice(None), slice(None)))
        assert np.array_equal(hole_field(soft_mask, hole, grow=grow, ranked=True), found)
