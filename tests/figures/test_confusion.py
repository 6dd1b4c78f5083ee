import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import PowerNorm
from PIL import Image

from clip_har.figures.confusion import confusion_sheet
from clip_har.figures.save import save_figure
from clip_har.figures.sheet import DOTS
from tests.figures.made import cut_off


@pytest.mark.parametrize("classes", [2, 20, 101])
def test_every_class_is_named_and_the_picture_grows(classes: int) -> None:
    confusion = np.random.default_rng(0).poisson(0.15, (classes, classes))
    confusion += 20 * np.eye(classes, dtype=np.int64)
    names = [f"SomeActionOfPeople{index}" for index in range(classes)]
    sheet = confusion_sheet(confusion, names, title="percent r=0.3")
    texts = [one.text for one in sheet.words]
    support = confusion.sum(axis=1)
    assert "percent r=0.3" in texts
    for index, name in enumerate(names):
        assert any(text.startswith(f"{name} ({support[index]})") for text in texts)
    assert any(text.startswith("most confused") for text in texts)
    # 0.17 inches a class: room for a line of 7 points
    assert sheet.height > classes * 0.17


def test_every_square_has_the_colour_of_its_share(tmp_path) -> None:
    """The oracle is matplotlib's own map of colours, on a scale that follows the square root."""
    confusion = np.array([[3, 1, 0], [0, 0, 0], [1, 2, 27]])
    sheet = confusion_sheet(confusion, ["a", "b", "c"], title="")
    sheet.save(tmp_path / "confusion.png")
    drawn = _squares(tmp_path / "confusion.png", sheet, classes=3)
    colours = mpl.colormaps["Blues"]
    norm = PowerNorm(0.5, vmin=0, vmax=1)
    for row, column in [(0, 0), (0, 1), (0, 2), (2, 0), (2, 1), (2, 2)]:
        share = confusion[row, column] / confusion[row].sum()
        expected = 255 * np.array(colours(norm(share)))[:3]
        assert drawn[row, column] == pytest.approx(expected, abs=1.5)
    assert np.ptp(drawn[1]) == 0
    assert 200 < drawn[1, 0, 0] < 245, "a class without a clip is grey"


def _squares(path, sheet, *, classes):
    """Return the colours ``(C, C, 3)`` of the squares, left of the counts in their middles."""
    pixels = np.asarray(Image.open(path), np.int64)
    matrix = sheet.pictures[0]
    step = matrix.width / classes
    place = (np.arange(classes) + 0.15) * step
    rows = np.round((matrix.top + place) * DOTS).astype(int)
    columns = np.round((matrix.left + place) * DOTS).astype(int)
    return pixels[rows][:, columns]


def test_counts_stand_in_their_squares() -> None:
    confusion = np.array([[5, 0], [2, 7]])
    sheet = confusion_sheet(confusion, ["a", "b"], title="")
    matrix = sheet.pictures[0]
    side = matrix.height / 2
    counts = [one for one in sheet.words if one.text in {"5", "2", "7"}]
    places = {
        one.text: (int((one.y - matrix.top) // side), int((one.x - matrix.left) // side))
        for one in counts
    }
    assert places == {"5": (0, 0), "2": (1, 0), "7": (1, 1)}
    white = {one.text for one in counts if one.colour == 1}
    assert white == {"5", "7"}, "on dark blue"


def test_nothing_confused() -> None:
    sheet = confusion_sheet(np.eye(3, dtype=np.int64), ["a", "b", "c"], title="perfect")
    assert any(one.text.endswith("none") for one in sheet.words)


@pytest.mark.parametrize("classes", [2, 101])
def test_nothing_is_cut_off_and_no_name_covers_the_scale(classes: int) -> None:
    names = [f"SomeActionOfPeople{index}" for index in range(classes)]
    title = "percent r=0.3 seed=1 fill=surround noise.protocol=candidate [uses the true label] " * 2
    sheet = confusion_sheet(30 * np.eye(classes, dtype=np.int64), names, title=title)
    assert cut_off(sheet) == []
    scale = sheet.pictures[1]
    rows = [one for one in sheet.words if "(30)" in one.text]
    assert min(left for left, *_ in map(sheet.box, rows)) > scale.left + scale.width


def test_names_that_no_figure_can_show_as_they_are() -> None:
    names = ["$x^$", "走る", "c" * 255, "100 % <b>"]
    sheet = confusion_sheet(np.ones((4, 4), dtype=np.int64), names, title="$")
    sheet.figure().canvas.draw()  # warnings about missing letters are errors
    texts = [one.text for one in sheet.words]
    assert {"$x^$", r"\u8d70\u308b", "100 % <b>"} <= set(texts)
    assert max(map(len, "\n".join(texts).split("\n"))) < 120


def test_a_matrix_in_print_is_no_picture_of_the_page(tmp_path) -> None:
    names = [f"class {number}" for number in range(101)]
    sheet = confusion_sheet(np.eye(101, dtype=np.int64), names, title="many")
    save_figure(tmp_path / "matrix.pdf", sheet.figure())
    content = (tmp_path / "matrix.pdf").read_bytes()
    sizes = re.findall(rb"/Height (\d+)|/Width (\d+)", content)
    assert 101 <= max(int(height or width) for height, width in sizes) <= 1000
