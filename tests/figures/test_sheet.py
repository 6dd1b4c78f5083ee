"""A sheet is the same as PNG and as a figure for print."""

import numpy as np
import pytest
from PIL import Image

from clip_har.figures.sheet import DOTS, Sheet, Shown, Words
from tests.figures.made import rendered

_PICTURE = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]], np.uint8)


def _pixels(sheet, tmp_path, how):
    if how == "print":
        return rendered(sheet.figure(), dpi=DOTS)
    sheet.save(tmp_path / "sheet.png")
    return np.asarray(Image.open(tmp_path / "sheet.png"))


@pytest.mark.parametrize("how", ["png", "print"])
def test_pictures_are_where_they_should_be(how, tmp_path):
    sheet = Sheet(3, 2, [Shown(_PICTURE, 1, 0.5, 1, 1, frame=True, grid=True)], [])
    pixels = _pixels(sheet, tmp_path, how)
    assert pixels.shape == (2 * DOTS, 3 * DOTS, 3)
    for row in range(2):
        for column in range(2):
            y, x = (0.75 + 0.5 * row) * DOTS, (1.25 + 0.5 * column) * DOTS
            assert pixels[round(y), round(x)].tolist() == _PICTURE[row, column].tolist()
    assert (pixels[: round(0.45 * DOTS)] == 255).all()
    assert (pixels[:, : round(0.95 * DOTS)] == 255).all()


@pytest.mark.parametrize("how", ["png", "print"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("across", ["left", "center", "right"])
@pytest.mark.parametrize("down", ["top", "center", "bottom"])
def test_texts_are_where_they_should_be(how, turned, across, down, tmp_path):
    words = Words("HHHH", 1, 1, 12, across, down, turned=turned)
    sheet = Sheet(2, 2, [], [words])
    dark = np.argwhere(_pixels(sheet, tmp_path, how).min(axis=2) < 128) / DOTS
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    assert ((bottom - top) > (right - left)) == turned
    place = {"left": left, "center": (left + right) / 2, "right": right}[across]
    assert place == pytest.approx(1, abs=0.09)
    place = {"top": top, "center": (top + bottom) / 2, "bottom": bottom}[down]
    assert place == pytest.approx(1, abs=0.09)
    box = sheet.box(words)
    assert box[0] - 0.02 <= left <= right <= box[2] + 0.02
    assert box[1] - 0.02 <= top <= bottom <= box[3] + 0.02


def test_lines_of_a_text_stand_below_each_other(tmp_path):
    sheet = Sheet(2, 2, [], [Words("HH\n\nHH", 0.2, 0.2, 12, down="top")])
    rows = np.flatnonzero(_pixels(sheet, tmp_path, "png").min(axis=(1, 2)) < 128)
    gap = np.diff(rows).max()
    assert 2 * 12 / 72 * DOTS < gap + len(rows) / 2 < 3 * 12 / 72 * DOTS
