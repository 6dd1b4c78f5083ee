"""Distances of pixels, against all pairs of pixels; the same wherever the pixels lie in memory."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clip_har.masking.distance import distance_to_others


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 999))
def test_it_is_the_root_of_the_least_sum_of_squares(height: int, width: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    pixels = draws.random((height, width)) < draws.choice([0.5, 0.95])
    pixels.flat[draws.integers(pixels.size)] = False
    rows, columns = np.indices(pixels.shape)
    others = np.argwhere(~pixels)
    squares = (rows[..., None] - others[:, 0]) ** 2 + (columns[..., None] - others[:, 1]) ** 2
    expected = np.sqrt(squares.min(axis=-1).astype(np.float32))
    assert np.array_equal(distance_to_others(pixels), expected)


def test_it_does_not_depend_on_the_place_in_memory() -> None:
    pixels = np.ones((22, 37), np.bool_)
    pixels[3, 4] = pixels[17, 30] = False
    found = set()
    for start in range(64):
        memory = np.empty(pixels.size + 64, np.bool_)
        placed = memory[start : start + pixels.size].reshape(pixels.shape)
        placed[...] = pixels
        found.add(distance_to_others(placed).tobytes())
    assert len(found) == 1


def test_a_large_frame() -> None:
    pixels = np.ones((1000, 1000), np.bool_)
    pixels[0, 0] = False
    rows, columns = np.indices(pixels.shape)
    expected = np.sqrt((rows**2 + columns**2).astype(np.float32))
    assert np.array_equal(distance_to_others(pixels), expected)
