"""The distance of a clip's embedding to that of its clean twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from clip_har.engine.drift import drift


@given(st.integers(0, 99))
def test_drift_is_scikit_learns_cosine(seed):
    one, other = np.random.default_rng(seed).standard_normal((2, 6, 4))
    expected = 1 - np.diag(cosine_similarity(one, other))
    assert drift(one, other) == pytest.approx(expected)
    assert drift(one, 3 * one) == pytest.approx(0, abs=1e-12)
    assert drift(one, -one) == pytest.approx(2)
