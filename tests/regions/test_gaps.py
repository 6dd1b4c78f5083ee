"""Frames without a region between frames with one."""

import numpy as np
import pytest

from clip_har.regions.gaps import without_gaps


def planes(*values: float) -> np.ndarray:
    return np.array(values, np.float32).reshape(-1, 1, 1) * np.ones((1, 2, 3), np.float32)


@pytest.mark.parametrize(
    ("found", "taken"),
    [
        ([1, 1, 1, 1, 1], [0, 1, 2, 3, 4]),
        ([0, 0, 1, 0, 1], [2, 2, 2, 2, 4]),  # of two that are equally near, the earlier
        ([1, 0, 0, 1, 0], [0, 0, 3, 3, 3]),
    ],
)
def test_a_gap_takes_the_nearest_region(found: list[int], taken: list[int]) -> None:
    masks = planes(0.1, 0.3, 0.5, 0.7, 0.9)
    np.testing.assert_array_equal(without_gaps(masks, np.array(found, bool)), masks[taken])


def test_without_any_region_nothing_is_found() -> None:
    assert not without_gaps(planes(0.9, 0.8), np.zeros(2, bool)).any()
