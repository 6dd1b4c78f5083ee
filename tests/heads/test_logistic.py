"""The search for the strength of a penalty."""

import pytest

from clip_har.heads.logistic import best_power


@pytest.mark.parametrize("peak", [-6.0, -3.4, 0.0, 1.3, 5.9, 6.0])
def test_the_search_finds_the_peak_in_fifteen_tries(peak: float) -> None:
    tried = []

    def quality(power: float) -> float:
        tried.append(power)
        return -abs(power - peak)

    assert best_power(quality) == pytest.approx(peak, abs=1 / 16 + 1e-9)
    assert len(tried) <= 15
    assert min(tried) >= -6
    assert max(tried) <= 6
