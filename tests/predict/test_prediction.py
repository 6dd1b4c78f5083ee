"""What is read from the probabilities of windows."""

from pathlib import Path

import numpy as np
import pytest

from clip_har.predict.prediction import Prediction

NOTHING = [np.nan] * 3
PROBABILITIES = np.array([[0.6, 0.3, 0.1], NOTHING, [0.5, 0.1, 0.4], [0.1, 0.15, 0.75]])


def prediction(rows: np.ndarray = PROBABILITIES) -> Prediction:
    edges = [2.0 * number for number in range(len(rows))]
    return Prediction(
        path=Path("clips/day.mp4"),
        class_names=("walk", "run", "fall"),
        frames=100,
        fps=25.0,
        edges=[*edges, edges[-1] + 1.5],
        probabilities=rows,
        frames_seen=[0 if np.isnan(row).any() else 8 for row in rows],
        notes=("1 of 4 windows are left out: no subject was found in them",),
    )


def test_windows_that_are_left_out_do_not_count():
    found = prediction()
    assert found.shown.tolist() == [True, False, True, True]
    np.testing.assert_allclose(found.mean, [0.4, 0.55 / 3, 1.25 / 3])
    assert found.winners == [0, None, 0, 2]


def test_the_best_classes_are_those_of_the_highest_mean():
    found = prediction()
    assert found.top(2) == [2, 0]
    assert found.top(9) == [2, 0, 1]
    assert found.peak(2) == (0.75, 6.0)
    assert found.peak(0) == (0.6, 0.0)


def test_a_class_that_wins_for_a_while_is_not_lost():
    found = prediction(np.array([[0.5, 0.5, 0.0], [0.51, 0.49, 0.0], [0.2, 0.2, 0.6]]))
    assert found.top(1) == [0]
    assert found.also([0]) == [2]
    assert found.also([0, 2]) == []
    assert prediction().also([]) == [2, 0] == pytest.approx(prediction().top(2))
