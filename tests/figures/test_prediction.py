"""The picture of a prediction."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from clip_har.figures.prediction import Curve, prediction_figure
from clip_har.figures.style import COLOURS

RED = np.full((8, 8, 3), (200, 0, 0), np.uint8)
CURVES = [
    Curve("walk", np.array([0.9, np.nan, 0.2]), 0.55),
    Curve("$fall$ " + "a" * 60, np.array([0.1, np.nan, 0.3]), 0.2),
]


def drawn(curves=CURVES, edges=(0, 2, 4, 5), winners=(0, None, -1), **more):
    figure = prediction_figure(
        curves, edges, [RED, None, RED], winners=winners, title="day.mp4", notes=["why"], **more
    )
    figure.draw_without_rendering()
    return figure


def texts(figure) -> list[str]:
    own = [text.get_text() for text in figure.texts]
    return own + [text.get_text() for axes in figure.axes for text in axes.texts]


def test_each_class_has_a_curve_of_its_colour_over_its_windows():
    *_, axes = drawn().axes
    steps = [patch.get_data() for patch in axes.patches][::-1]
    assert len(steps) == 2
    np.testing.assert_array_equal(steps[0].values, CURVES[0].values)
    np.testing.assert_array_equal(steps[0].edges, [0, 2, 4, 5])
    colours = [to_hex(patch.get_edgecolor()) for patch in axes.patches][::-1]
    assert colours == list(COLOURS[:2])
    assert axes.get_xlim() == (0, 5)


def test_the_ribbon_shows_the_most_probable_class():
    ribbon = drawn().axes[3]
    assert [(bar.get_x(), bar.get_width()) for bar in ribbon.patches] == [(0, 2), (2, 2), (4, 1)]
    first, left_out, other = (bar.get_facecolor() for bar in ribbon.patches)
    assert to_hex(first) == COLOURS[0]
    assert left_out[3] == 0
    assert to_hex(other) not in COLOURS
    assert "another class" in texts(drawn())
    assert "another class" not in texts(drawn(winners=[0, 1, 0]))


def test_frames_stand_above_their_time_and_one_that_was_left_out_says_so():
    figure = drawn()
    strip, axes = figure.axes[:3], figure.axes[-1]
    left, right = axes.get_position().x0, axes.get_position().x1
    edges = [tile.get_position().x0 for tile in strip] + [strip[-1].get_position().x1]
    np.testing.assert_allclose(edges, np.linspace(left, right, 4))
    assert [text.get_text() for text in strip[1].texts] == ["left out"]


def test_one_window_has_bars():
    figure = drawn(edges=(0, 1.5), winners=(0,))
    *_, axes = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [0.55, 0.2]
    assert axes.get_xlim() == (0, 1)
    assert "walk  55.0 %" in texts(figure)


@pytest.mark.parametrize("edges", [(0, 2, 4, 5), (0, 1.5)])
@pytest.mark.parametrize("count", [1, 5, 12])
def test_no_text_leaves_the_picture(count, edges):
    curves = [Curve("a class with a long name", CURVES[0].values, 0.1)] * count
    figure = drawn(curves, edges, subtitle="clip_vit_b32, mask: percent 16 px 30 %")
    canvas = FigureCanvasAgg(figure)
    width, height = canvas.get_width_height()
    renderer = canvas.get_renderer()
    for axes in figure.axes:
        box = axes.get_tightbbox(renderer)
        if box is not None and axes.axison:
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width + 1 and box.y1 <= height + 1  # noqa: PT018
    for text in figure.texts:
        box = text.get_window_extent(renderer)
        assert box.x1 <= width and box.y1 <= height and box.y0 >= 0  # noqa: PT018
