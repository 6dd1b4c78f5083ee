import re

import numpy as np
import pytest

from clip_har.figures.confusion import confusion_figure
from clip_har.figures.save import save_figure
from tests.figures.made import rendered


@pytest.mark.parametrize("classes", [2, 20, 101])
def test_every_class_is_named_and_the_picture_grows(classes: int) -> None:
    confusion = np.random.default_rng(0).poisson(0.15, (classes, classes))
    confusion += 20 * np.eye(classes, dtype=np.int64)
    confusion[1] = 0  # a class without clips
    names = [f"SomeActionOfPeople{index}" for index in range(classes)]
    figure = confusion_figure(confusion, names, title="percent r=0.3")
    picture = rendered(figure, dpi=130)
    axes = figure.axes[0]
    texts = [text.get_text() for text in (*axes.texts, *axes.get_yticklabels(), axes.title)]
    assert "percent r=0.3" in [*texts, axes.get_title(loc="left")]
    assert sum("SomeActionOfPeople" in text and "(" in text for text in texts) >= classes
    assert any(text.startswith("most confused") for text in texts)
    # 0.17 inches a class at 130 dots an inch: room for a line of 7 points
    assert len(picture) > classes * 0.17 * 130


def test_nothing_confused() -> None:
    figure = confusion_figure(np.eye(3, dtype=np.int64), ["a", "b", "c"], title="perfect")
    assert any(text.get_text().endswith("none") for text in figure.axes[0].texts)


@pytest.mark.parametrize("classes", [2, 101])
def test_nothing_is_cut_off(classes: int) -> None:
    names = [f"SomeActionOfPeople{index}" for index in range(classes)]
    title = "percent r=0.3 seed=1 fill=surround noise.protocol=candidate [uses the true label] " * 2
    figure = confusion_figure(30 * np.eye(classes, dtype=np.int64), names, title=title)
    figure.canvas.draw()
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert box.x0 >= 0, "class names on the left"
    assert box.y0 >= 0
    assert box.x1 <= width, "the title and the list of pairs"
    assert box.y1 <= height


def test_names_that_no_figure_can_show_as_they_are() -> None:
    names = ["$x^$", "走る", "c" * 255, "100 % <b>"]
    figure = confusion_figure(np.ones((4, 4), dtype=np.int64), names, title="$")
    figure.canvas.draw()  # warnings about missing letters are errors
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"$x^$", r"\u8d70\u308b", "100 % <b>"} <= set(texts)
    assert max(map(len, "\n".join(texts).split("\n"))) < 120


def test_a_matrix_in_print_is_no_picture_of_the_page(tmp_path) -> None:
    names = [f"class {number}" for number in range(101)]
    figure = confusion_figure(np.eye(101, dtype=np.int64), names, title="many")
    save_figure(tmp_path / "matrix.pdf", figure)
    content = (tmp_path / "matrix.pdf").read_bytes()
    sizes = re.findall(rb"/Height (\d+)|/Width (\d+)", content)
    assert {int(height or width) for height, width in sizes} == {101}
