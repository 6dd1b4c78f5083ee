"""The exact Gaussian against SciPy's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_har.regions.gaussian import gaussian_blur


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (40, 50)])
@pytest.mark.parametrize("sigma", [0.1, 1.0, 4.5, 30.0])
def test_it_agrees_with_scipy(size, sigma):
    ndimage = pytest.importorskip("scipy.ndimage")
    planes = np.random.default_rng(0).integers(0, 256, (2, 3, *size), np.uint8)
    reach = math.ceil(3 * sigma)
    expected = ndimage.gaussian_filter(
        planes.astype(float), (0, 0, sigma, sigma), mode="nearest", radius=(0, 0, reach, reach)
    )
    assert np.abs(gaussian_blur(planes, sigma) - expected).max() < 0.1


@given(level=st.integers(-1000, 1000), sigma=st.floats(0.01, 100))
def test_a_constant_plane_stays(level, sigma):
    assert (gaussian_blur(np.full((5, 9), level), sigma) == level).all()


def test_the_sums_are_exact_in_any_order():
    planes = np.random.default_rng(0).integers(0, 1531, (8, 64, 64), np.int32)
    whole = gaussian_blur(planes, 3.0)
    np.testing.assert_array_equal(whole, np.stack([gaussian_blur(plane, 3.0) for plane in planes]))
    turned = gaussian_blur(planes[:, ::-1, ::-1], 3.0)[:, ::-1, ::-1]
    np.testing.assert_array_equal(whole, turned)
    np.testing.assert_array_equal(whole * 65536**2, np.rint(whole * 65536**2))


def test_fractions_are_refused():
    with pytest.raises(ValueError, match="whole numbers, got float64"):
        gaussian_blur(np.zeros((3, 3)), 1.0)  # type: ignore[arg-type]
