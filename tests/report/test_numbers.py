"""Numbers as text."""

import math

import pytest

from clip_har.metrics.measures import find
from clip_har.report.numbers import count, formatted, interval, number, p_value, points, share


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (share(0.9325), "93.3"),  # half to even would say 93.2
        (share(0.9335), "93.4"),
        (share(1), "100.0"),
        (points(-0.0325), "−3.3"),
        (points(0.125), "+12.5"),
        (points(-0.0001), "+0.0"),
        (points(0), "+0.0"),
        (points(0.975 - 0.9875), "−1.3"),  # stored as −0.012500000000000067
        (points(0.9125 - 0.925), "−1.3"),  # stored as −0.012499999999999956
        (number(0.0005), "0.001"),
        (number(-0.25), "−0.250"),
        (interval(0.25, 1), "25.0 to 100.0"),
        (interval(-0.5, 0.5, points), "−50.0 to +50.0"),
        (interval(math.nan, math.nan), "–"),
        (count(13320.0), "13,320"),
        (p_value(0.00001), "< 0.001"),
        (p_value(0.0495), "0.050"),
        (p_value(1.0), "1.000"),
    ],
)
def test_rounding(text, expected):
    assert text == expected


@pytest.mark.parametrize(
    ("measure", "value", "expected"),
    [
        ("top1", 0.5, "50.0"),
        ("bias/recall_gap", 0.25, "25.0"),
        ("scene/reliance", 0.25, "+25.0"),
        ("bias/never_predicted", 2.0, "2"),
        ("nll", 0.5, "0.500"),
    ],
)
def test_a_measure_is_shown_in_its_unit(measure, value, expected):
    assert formatted(value, find(measure)) == expected


@pytest.mark.parametrize("form", [share, points, number, count, p_value])
def test_what_is_not_known_is_a_dash(form):
    assert form(None) == form(float("nan")) == form(float("inf")) == "–"
