"""The table in the terminal."""

import io

import numpy as np
import pytest
from rich.console import Console

from clip_har.predict.table import bar, curve, prediction_table
from tests.predict.test_prediction import PROBABILITIES, prediction


def printed(found, *, width: int = 80, top: int = 5, blocks: bool = True) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(prediction_table(found, top=top, width=width, blocks=blocks))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_it_has_a_line_for_each_of_the_best_classes():
    head, columns, first, second, also, note, *_ = printed(prediction(), top=2)
    assert head == "clips/day.mp4  7.5 s, 3 windows of 8 frames"
    assert columns.split() == ["class", "mean", "highest", "0:00", "0:07.5"]
    assert first.split() == [
        *("fall", "41.7", "%", "75.0", "%", "at", "0:06"),
        "▁▁▁▁▁▁······▄▄▄▄▄▄▇▇▇▇▇▇",
    ]
    assert second.split()[0] == "walk"
    assert also.startswith("1 of 4 windows"), "no other class wins a window"
    assert not note.strip()


def test_a_class_that_wins_for_a_while_is_named_below():
    lines = printed(prediction(), top=1)
    assert "also the most probable at times: walk (60.0 % at 0:00)" in lines


def test_one_window_has_bars():
    lines = printed(prediction(PROBABILITIES[:1]))
    assert lines[0] == "clips/day.mp4  1.5 s, 8 frames"
    lengths = [line.count("█") for line in lines[2:5]]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == int(0.6 * 33)


@pytest.mark.parametrize("windows", [1, 2, 7, 33, 500])
@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_fits_the_terminal(windows, width):
    rows = np.random.default_rng(0).dirichlet([1, 1, 1], size=windows)
    for line in printed(prediction(rows), width=width):
        assert len(line.rstrip()) <= width
        assert "…" not in line


def test_without_block_letters_it_is_plain_text():
    for rows in (PROBABILITIES, PROBABILITIES[:1]):
        assert "".join(printed(prediction(rows), blocks=False)).isascii()


def test_many_windows_share_a_letter():
    values = np.repeat([0.0, 1.0], 50)
    values[:10] = np.nan
    assert curve(values, 10) == "·▁▁▁▁█████"
    assert curve(np.array([0.124, 0.126]), 2) == "▁▂"


@pytest.mark.parametrize(("value", "expected"), [(0, ""), (1, "████"), (0.5, "██"), (0.28, "█▏")])
def test_a_bar_is_as_long_as_its_probability(value, expected):
    assert bar(value, 4) == expected
