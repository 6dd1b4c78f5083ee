"""Gauges: one number per point that says how large a shape must be to cover it.

The gauge (Minkowski functional) of a set K with the origin in it is ``g(p) = min {s : p in s K}``
(Rockafellar, Convex Analysis, 1970, section 4; valid for any star-shaped K, convex or not). Its
level set ``{g <= s}`` is K scaled by s, so the lowest pixels of the field are the shape at
whatever size the ratio asks for, and ``g(a p) = a g(p)``. The gauge of a union is the minimum of
the gauges, that of an intersection the maximum.

`ring` and `grid` have a size of their own (radius, spacing): there the field is the plain distance
to a circle or to lines, and its level sets are that circle or those lines with growing thickness.

All take ``x`` (to the right) and ``y`` (down) in pixels from the centre, as float64 arrays that
broadcast against each other, and return float64 of the joint shape. Only sums, products, roots and
comparisons are used per pixel: IEEE 754 fixes their results on every machine, which it does not
for sine or arctangent.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Gauge = Callable[[Array, Array], Array]

_PENTAGRAM_NORMALS = tuple(
    (math.sin(turn * math.tau / 5), -math.cos(turn * math.tau / 5)) for turn in range(5)
)
_CROSS_ARM = 1 / 3  # width of an arm over the length of the whole cross: five equal squares


def square(x: Array, y: Array) -> Array:
    """Return the gauge of the square of half side 1.

    Example:
        >>> square(np.array([2.0, -3.0]), np.array([1.0, 1.0]))
        array([2., 3.])
    """
    return np.maximum(np.abs(x), np.abs(y))


def rectangle(x: Array, y: Array, *, aspect: float) -> Array:
    """Return the gauge of the rectangle of half height 1 and half width ``aspect``."""
    return np.maximum(np.abs(x) / aspect, np.abs(y))


def circle(x: Array, y: Array) -> Array:
    """Return the gauge of the disc of radius 1.

    Example:
        >>> circle(np.array([3.0]), np.array([4.0]))
        array([5.])
    """
    return np.sqrt(x * x + y * y)


def ellipse(x: Array, y: Array, *, aspect: float) -> Array:
    """Return the gauge of the ellipse of half height 1 and half width ``aspect``."""
    return circle(x / aspect, y)


def diamond(x: Array, y: Array) -> Array:
    """Return the gauge of the square of half diagonal 1 that stands on a corner."""
    return np.abs(x) + np.abs(y)


def triangle(x: Array, y: Array) -> Array:
    """Return the gauge of the equilateral triangle of inradius 1, tip up, around its centroid."""
    return np.maximum(y, math.sqrt(3) / 2 * np.abs(x) - y / 2)


def star(x: Array, y: Array) -> Array:
    """Return the gauge of the pentagram (five tips, one up) whose core has the inradius 1.

    A pentagram is bounded by five lines. Its core lies inside all five lines, each tip outside
    exactly one, and any other point outside two or more. So a point is covered if the *second*
    largest of the five distances is small enough.

    Example:
        >>> golden = (1 + 5**0.5) / 2
        >>> tip = star(np.array([0.0]), np.array([-2 * golden]))  # the tips are at 2 golden ratios
        >>> bool(np.isclose(tip[0], 1))
        True
    """
    first = np.full(np.broadcast_shapes(x.shape, y.shape), -np.inf)
    second = first.copy()
    for normal_x, normal_y in _PENTAGRAM_NORMALS:
        distance = normal_x * x + normal_y * y
        np.maximum(second, np.minimum(first, distance), out=second)
        np.maximum(first, distance, out=first)
    return second


def cross(x: Array, y: Array) -> Array:
    """Return the gauge of the upright cross of half length 1 made of five equal squares."""
    width, height = np.abs(x), np.abs(y)
    return np.minimum(
        np.maximum(width, height / _CROSS_ARM), np.maximum(width / _CROSS_ARM, height)
    )


def ring(x: Array, y: Array, *, radius: float) -> Array:
    """Return the distance to the circle of ``radius`` pixels.

    Example:
        >>> ring(np.array([0.0, 3.0]), np.array([0.0, 4.0]), radius=4.0)
        array([4., 1.])
    """
    return np.abs(circle(x, y) - radius)


def horizontal_band(x: Array, y: Array) -> Array:
    """Return the gauge of the infinite horizontal band of half height 1."""
    return np.abs(y) + np.zeros_like(x)


def vertical_band(x: Array, y: Array) -> Array:
    """Return the gauge of the infinite vertical band of half width 1."""
    return np.abs(x) + np.zeros_like(y)


def grid(x: Array, y: Array, *, spacing: float) -> Array:
    """Return the distance to the nearest line of an upright grid with a crossing at the centre.

    Example:
        >>> grid(np.array([0.0, 3.0, 9.0]), np.array([4.0, 4.0, 4.0]), spacing=10.0)
        array([0., 3., 1.])
    """
    return np.minimum(_to_multiple(x, spacing), _to_multiple(y, spacing))


def _to_multiple(offset: Array, spacing: float) -> Array:
    rest = np.mod(offset, spacing)
    return np.minimum(rest, spacing - rest)
