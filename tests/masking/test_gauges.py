"""Each gauge against an independent description of its shape."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path

from clip_har.masking import gauges

TURN = math.tau
PHI = (1 + math.sqrt(5)) / 2


def regular(corners, radius, start):
    """Corners of a regular polygon; angles clockwise from the right, since y points down."""
    angles = start + TURN * np.arange(corners) / corners
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def star_corners():
    tips = regular(5, 2 * PHI, -TURN / 4)
    notches = regular(5, 2 / PHI, -TURN / 4 + TURN / 10)
    return np.stack([tips, notches], axis=1).reshape(10, 2)


THIRD = 1 / 3
CROSS_CORNERS = [
    (-THIRD, -1), (THIRD, -1), (THIRD, -THIRD), (1, -THIRD), (1, THIRD), (THIRD, THIRD),
    (THIRD, 1), (-THIRD, 1), (-THIRD, THIRD), (-1, THIRD), (-1, -THIRD), (-THIRD, -THIRD),
]  # fmt: skip
LONG = 1e4  # stands for the endless length of a band

POLYGONS: dict[str, tuple[gauges.Gauge, Any]] = {
    "square": (gauges.square, [(-1, -1), (1, -1), (1, 1), (-1, 1)]),
    "rectangle": (partial(gauges.rectangle, aspect=2.5), [(-2.5, -1), (2.5, -1), (2.5, 1), (-2.5, 1)]),  # noqa: E501
    "circle": (gauges.circle, regular(4000, 1, 0)),
    "ellipse": (partial(gauges.ellipse, aspect=2.5), regular(4000, 1, 0) * [2.5, 1]),
    "diamond": (gauges.diamond, regular(4, 1, 0)),
    "triangle": (gauges.triangle, regular(3, 2, -TURN / 4)),
    "star": (gauges.star, star_corners()),
    "cross": (gauges.cross, CROSS_CORNERS),
    "horizontal_band": (gauges.horizontal_band, [(-LONG, -1), (LONG, -1), (LONG, 1), (-LONG, 1)]),
    "vertical_band": (gauges.vertical_band, [(-1, -LONG), (1, -LONG), (1, LONG), (-1, LONG)]),
}  # fmt: skip


@pytest.mark.parametrize("name", POLYGONS)
@given(size=st.floats(0.2, 50))
def test_the_level_set_is_the_scaled_shape(name, size):
    gauge, corners = POLYGONS[name]
    shape = Path(np.asarray(corners) * size)
    points = np.random.default_rng(0).uniform(-4 * size, 4 * size, (2000, 2))
    value = gauge(points[:, 0], points[:, 1])
    clear = np.abs(value / size - 1) > 1e-3  # the border itself is left to rounding
    assert clear.sum() > 1900
    np.testing.assert_array_equal((value <= size)[clear], shape.contains_points(points)[clear])


@pytest.mark.parametrize("name", POLYGONS)
@given(x=st.floats(-300, 300), y=st.floats(-300, 300), scale=st.floats(0, 100))
def test_a_gauge_is_homogeneous(name, x, y, scale):
    gauge, _ = POLYGONS[name]
    once = gauge(np.array([x]), np.array([y]))
    scaled = gauge(np.array([scale * x]), np.array([scale * y]))
    np.testing.assert_allclose(scaled, scale * once, rtol=1e-9, atol=1e-9)
    assert once[0] >= 0


@pytest.mark.parametrize("name", POLYGONS)
def test_a_gauge_broadcasts_rows_and_columns(name):
    gauge, _ = POLYGONS[name]
    x, y = np.linspace(-5, 5, 7), np.linspace(-3, 3, 4)
    whole_x, whole_y = np.meshgrid(x, y)
    np.testing.assert_array_equal(gauge(x[None], y[:, None]), gauge(whole_x, whole_y))


@given(x=st.floats(-300, 300), y=st.floats(-300, 300), radius=st.floats(0.1, 200))
def test_ring_is_the_distance_to_the_nearest_point_of_a_circle(x, y, radius):
    angles = np.linspace(0, TURN, 3601)
    distances = np.hypot(radius * np.cos(angles) - x, radius * np.sin(angles) - y)
    value = gauges.ring(np.array([x]), np.array([y]), radius=radius)[0]
    # The oracle's circle has 3600 points, so it may miss the nearest one by half a step.
    assert value - 1e-9 <= distances.min() <= value + radius * TURN / 7200


@given(x=st.floats(-100, 100), y=st.floats(-100, 100), spacing=st.floats(1, 60))
def test_grid_is_the_distance_to_the_nearest_of_all_lines(x, y, spacing):
    lines = spacing * np.arange(-110, 111)
    expected = min(np.abs(lines - x).min(), np.abs(lines - y).min())
    value = gauges.grid(np.array([x]), np.array([y]), spacing=spacing)[0]
    assert value == pytest.approx(expected, abs=1e-9)
