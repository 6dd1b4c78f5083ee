import math

import numpy as np
import pytest

from clip_har.figures.accuracy import Point, accuracy_figure


def wilson(hits: int, clips: int) -> tuple[float, float]:
    """The interval written out (Wilson 1927), z = 1.959964."""
    z, p = 1.959964, hits / clips
    centre = (p + z * z / (2 * clips)) / (1 + z * z / clips)
    half = z / (1 + z * z / clips) * math.sqrt(p * (1 - p) / clips + z * z / (4 * clips**2))
    return centre - half, centre + half


@pytest.mark.parametrize(("hits", "clips"), [(0, 20), (7, 20), (20, 20), (310, 400)])
def test_the_interval_is_wilsons(hits: int, clips: int) -> None:
    found = Point(0.3, hits / clips, clips).interval()
    assert found == pytest.approx(wilson(hits, clips), abs=1e-6)


def test_every_line_starts_at_the_clean_cell() -> None:
    points = [Point(0.5, 0.4, 100), Point(0.1, 0.8, 100)]
    figure = accuracy_figure(
        {"percent": points, "shape": points}, classes=20, clean=Point(0, 0.9, 100), title="tiny"
    )
    percent, shape, *_ = figure.axes[0].lines
    assert (percent.get_label(), shape.get_label()) == ("percent", "shape")
    for line in (percent, shape):
        np.testing.assert_array_equal(line.get_xdata(), [0, 0.1, 0.5])
        np.testing.assert_array_equal(line.get_ydata(), [0.9, 0.8, 0.4])
