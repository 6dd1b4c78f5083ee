"""A specification curve shows what its table says: sorted estimates, and a dot for each choice."""

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from clip_har.figures.specification import specification_figure
from clip_har.figures.style import ORANGE, QUIET

CURVE = pd.DataFrame(
    {
        "difference": [0.1, -0.3, -0.1, 0.0],
        "low": [0.0, -0.4, -0.2, np.nan],
        "high": [0.2, -0.2, 0.0, np.nan],
        "p": [0.2, 0.01, 0.049, 1.0],
    }
)
CHOICES = pd.DataFrame(
    {"fill": ["black", "blur", "black", "blur"], "phase": ["", "random", "", "aligned"]}
)
SORTED = [1, 2, 3, 0]


def drawn():
    figure = specification_figure(CURVE, CHOICES, title="made $1", measure="difference")
    figure.draw_without_rendering()
    return figure.axes


def test_estimates_are_sorted_and_coloured_by_their_test() -> None:
    above, _ = drawn()
    points = above.collections[1]
    assert points.get_offsets()[:, 1].tolist() == [-0.3, -0.1, 0.0, 0.1]
    colours = [to_hex(one) for one in points.get_facecolors()]
    assert colours == [ORANGE, ORANGE, QUIET, QUIET]
    segments = [one for one in above.collections[0].get_segments() if len(one)]
    ends = [one[:, 1].tolist() for one in segments]
    assert ends == [[-0.4, -0.2], [-0.2, 0.0], [0.0, 0.2]], "none where there is no interval"


def test_each_choice_has_a_dot_where_it_was_made() -> None:
    _, below = drawn()
    labels = [text.get_text() for text in below.get_yticklabels()]
    assert labels == ["black", "blur", "random", "aligned"], "an absent choice has no row"
    dots = {
        label: {int(x) for x in row.get_offsets()[:, 0]}
        for label, row in zip(labels, below.collections, strict=True)
    }
    at = {number: place for place, number in enumerate(SORTED)}
    for label in labels:
        made = CHOICES.index[CHOICES.eq(label).any(axis=1)]
        assert dots[label] == {at[number] for number in made}, label
    assert [text.get_text() for text in below.texts] == ["fill", "phase"]
