"""What tests of figures look at."""

import io
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from clip_har.figures.sheet import Sheet


def visible(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.get_visible()]


def rendered(figure: Figure, *, dpi: int = 60) -> NDArray[Any]:
    """Return the pixels ``(H, W, 3)`` of a figure."""
    stream = io.BytesIO()
    figure.savefig(stream, dpi=dpi)
    return np.asarray(Image.open(stream).convert("RGB"))


def cut_off(sheet: Sheet) -> list[str]:
    """Return the texts of a sheet that do not lie within it."""
    boxes = {words.text: sheet.box(words) for words in sheet.words}
    return [
        text
        for text, (left, top, right, bottom) in boxes.items()
        if left < 0 or top < 0 or right > sheet.width or bottom > sheet.height
    ]
