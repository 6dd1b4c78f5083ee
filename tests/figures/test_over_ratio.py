"""Lines over the hidden share: their points, bands and axes."""

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from clip_har.figures.over_ratio import Measured, over_ratio_figure

CLEAN = Measured(0, 0.9, 0.85, 0.95)


def bounds(figure: Figure) -> tuple[float, float]:
    return figure.axes[0].get_ylim()


def named(figure: Figure) -> dict[str, Annotation]:
    texts = figure.axes[0].texts
    return {text.get_text(): text for text in texts if isinstance(text, Annotation)}


def test_every_line_starts_at_the_clean_cell_and_has_the_given_intervals() -> None:
    points = [Measured(0.5, 0.4, 0.3, 0.5), Measured(0.1, 0.8), CLEAN]
    figure = over_ratio_figure(
        {"percent": points, "shape": points}, measure="top-1", chance=0.05, title="$x$"
    )
    percent, shape, *levels = figure.axes[0].lines
    assert (percent.get_label(), shape.get_label()) == ("percent", "shape")
    for line in (percent, shape):
        np.testing.assert_array_equal(line.get_xdata(), [0, 0.1, 0.5])
        np.testing.assert_array_equal(line.get_ydata(), [0.9, 0.8, 0.4])
    assert [float(np.asarray(line.get_ydata())[0]) for line in levels] == [0.9, 0.05]
    (band, *_) = figure.axes[0].collections
    heights = np.concatenate([np.asarray(path.vertices)[:, 1] for path in band.get_paths()])
    assert {0.3, 0.5, 0.85, 0.95} <= set(heights.round(9)), "the intervals that were given"


def test_seeds_are_one_line_through_their_means() -> None:
    seeds = [Measured(0.3, value, value - 0.1, value + 0.1) for value in (0.4, 0.6)]
    figure = over_ratio_figure({"percent": [CLEAN, *seeds]}, measure="top-1")
    line, dots, *_ = figure.axes[0].lines
    assert np.asarray(line.get_ydata()).tolist() == [0.9, 0.5]
    assert np.asarray(dots.get_ydata()).tolist() == [0.9, 0.4, 0.6]
    heights = np.asarray(figure.axes[0].collections[0].get_paths()[0].vertices)[:, 1]
    assert {0.4, 0.6} <= set(heights.round(9)), "the means of both ends"


@pytest.mark.parametrize(
    ("values", "chance", "least", "most"),
    [
        ((0.02, 0.1), None, -0.01, 0.12),  # a calibration error
        ((0.9, 0.6), 0.05, 0.5, 1.0),  # chance is far away: it is named, not drawn
        ((0.9, 0.2), 0.05, 0.0, 1.0),
        ((0.5, 0.5), None, 0.44, 0.56),  # a span of ten points at least
    ],
)
def test_the_axis_fits_the_data(values, chance, least, most) -> None:
    points = [Measured(ratio, value) for ratio, value in zip((0.1, 0.3), values, strict=True)]
    figure = over_ratio_figure({"percent": points}, measure="m", chance=chance)
    low, high = bounds(figure)
    assert least - 0.02 <= low < min(values) <= max(values) < high <= most + 0.02
    drawn = [np.asarray(line.get_ydata()).tolist() for line in figure.axes[0].lines[1:]]
    near = chance is not None and least == 0
    assert drawn == ([[chance, chance]] if near else [])
    assert list(named(figure)) == (["chance"] if near else ["chance: 5.0%"] * bool(chance))


def test_labels_of_levels_do_not_overlap() -> None:
    points = [Measured(0, 0.06), Measured(0.3, 0.055), Measured(0.5, 0.05)]
    figure = over_ratio_figure({"percent": points}, measure="top-1", chance=0.05)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in named(figure).values()]
    assert len(boxes) == 2
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    frame = figure.axes[0].get_window_extent()
    assert all(box.x0 >= frame.x1 for box in boxes), "beside the axes, not over the lines"
