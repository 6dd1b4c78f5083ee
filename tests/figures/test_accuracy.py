import numpy as np
from clip_har.figures.accuracy import Point, accuracy_figure


def test_every_line_starts_at_the_clean_cell() -> None:
    points = [Point(0.5, 0.4, 100, 0.3, 0.5), Point(0.1, 0.8, 100, np.nan, np.nan)]
    clean = Point(0, 0.9, 100, 0.85, 0.95)
    figure = accuracy_figure(
        {"percent": points, "shape": points}, classes=20, clean=clean, title="tiny"
    )
    percent, shape, *_ = figure.axes[0].lines
    assert (percent.get_label(), shape.get_label()) == ("percent", "shape")
    for line in (percent, shape):
        np.testing.assert_array_equal(line.get_xdata(), [0, 0.1, 0.5])
        np.testing.assert_array_equal(line.get_ydata(), [0.9, 0.8, 0.4])
    (band, *_) = figure.axes[0].collections
    heights = np.concatenate([np.asarray(path.vertices)[:, 1] for path in band.get_paths()])
    assert {0.3, 0.5, 0.85, 0.95} <= set(heights.round(9)), "the intervals that were given"
