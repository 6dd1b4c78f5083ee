"""Attention against the subject: by hand, and with attribution that is planted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_har.metrics.attention import focus, mass, pointing, rank

MEASURES = (mass, rank, pointing, focus)


def planted(share, seed=0):
    """Return attribution of which a share lies on the subject, and the subject, in 6 frames."""
    draws = np.random.default_rng(seed)
    subject = np.zeros((6, 7, 7))
    for frame in subject:
        top, left = draws.integers(0, 5, 2)
        frame[top : top + 3, left : left + 3] = 1
    parts = [draws.random(subject.shape) * where for where in (subject, 1 - subject)]
    inside, outside = (part / part.sum(axis=(1, 2), keepdims=True) for part in parts)
    return share * inside + (1 - share) * outside, subject


@pytest.mark.parametrize("seed", range(5))
def test_every_measure_grows_with_the_share_that_is_planted(seed):
    shares = (0.0, 0.1, 0.3, 0.6, 0.9, 1.0)
    for measure in MEASURES:
        values = [measure(*planted(share, seed)) for share in shares]
        assert values == sorted(values)
        assert values[0] == 0
        assert values[-1] > 0.99
    masses = [mass(*planted(share, seed)) for share in shares]
    np.testing.assert_allclose(masses, shares, atol=1e-12)


def test_without_preference_there_is_no_focus():
    found = []
    for seed in range(40):
        _, subject = planted(0.5, seed)
        found.append(focus(np.random.default_rng(seed).random(subject.shape), subject))
    assert np.mean(found) == pytest.approx(1, abs=0.03)
    assert focus(np.ones((2, 4, 4)), planted(1)[1][:2, :4, :4] * 0 + 0.3) == pytest.approx(1)


def test_by_hand():
    attribution = np.array([[[4.0, 1], [0, 0]], [[0, 2], [3, 0]]])
    subject = np.array([[[1.0, 0], [0, 0]], [[0, 0.5], [0.25, 0]]])
    assert mass(attribution, subject) == pytest.approx((4 + 1 + 0.75) / 10)
    assert rank(attribution, subject) == 0.5  # of the two strongest, 4 and 3, one is the subject's
    assert pointing(attribution, subject) == 0.5
    assert focus(attribution, subject) == pytest.approx(0.575 / (1.75 / 8))


def test_ties_go_to_the_first_patch():
    attribution = np.ones((1, 2, 2))
    first, last = np.zeros((2, 1, 2, 2))
    first[0, 0, 0] = last[0, 1, 1] = 1
    assert (rank(attribution, first), pointing(attribution, first)) == (1, 1)
    assert (rank(attribution, last), pointing(attribution, last)) == (0, 0)


def test_without_attribution_or_subject_nothing_is_known():
    ones, zeros = np.ones((1, 2, 2)), np.zeros((1, 2, 2))
    assert all(np.isnan(measure(zeros, ones)) for measure in MEASURES)
    assert all(np.isnan(measure(ones, zeros)) for measure in (rank, pointing, focus))
    assert mass(ones, zeros) == 0


@given(st.integers(0, 200), st.floats(0.1, 100))
def test_they_do_not_depend_on_the_scale_of_the_attribution(seed, scale):
    draws = np.random.default_rng(seed)
    attribution, subject = draws.random((2, 3, 4, 4))
    for measure in MEASURES:
        value = measure(attribution, subject)
        assert measure(scale * attribution, subject) == pytest.approx(value)
        assert value >= 0
        assert measure is focus or value <= 1
