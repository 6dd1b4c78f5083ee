"""A sheet of pictures, lines and texts whose places are known: written as PNG, or drawn for print.

Every cell of a sweep writes such sheets. Pillow writes one in a tenth of the time that matplotlib
takes, and matplotlib need not be imported for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from clip_har.core.atomic import whole_file
from clip_har.figures.save import save_figure
from clip_har.figures.text import FONT, font

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 110
"""Dots per inch on a screen."""

Across = Literal["left", "center", "right"]
Down = Literal["top", "center", "bottom"]

_LINE = 1.35  # from line to line, in sizes of the font
_FINE = 1000  # pixels of a picture in print, where it has fewer
_SIDES = {"left": "l", "center": "m", "right": "r"}  # Pillow's letters
_BEFORE = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}


@dataclass(frozen=True)
class Words:
    """A text on a sheet.

    Attributes:
        text: one or more lines.
        x: of its side, inches from the left.
        y: of its side, inches from the top.
        size: of the font, points.
        across: which side of the text is at ``x``.
        down: which side is at ``y``.
        turned: whether it reads from the bottom to the top.
        colour: a grey in [0, 1]: 0 is black.
    """

    text: str
    x: float
    y: float
    size: float
    across: Across = "left"
    down: Down = "center"
    turned: bool = False
    colour: float = 0.0


@dataclass(frozen=True)
class Shown:
    """A picture on a sheet.

    Attributes:
        picture: ``(H, W, 3)`` uint8 RGB; its pixels become rectangles with sharp borders.
        left: inches.
        top: inches.
        width: inches.
        height: inches.
        frame: whether a black line is drawn around it.
        grid: whether thin lines are drawn between its pixels.
    """

    picture: NDArray[np.uint8]
    left: float
    top: float
    width: float
    height: float
    frame: bool = False
    grid: bool = False


@dataclass(frozen=True)
class Sheet:
    """Pictures and texts on white.

    Attributes:
        width: inches.
        height: inches.
        pictures: in the order of drawing.
        words: drawn over the pictures.
        ticks: short horizontal lines, each as left end, right end and height, inches.
    """

    width: float
    height: float
    pictures: Sequence[Shown]
    words: Sequence[Words]
    ticks: Sequence[tuple[float, float, float]] = ()

    def save(self, path: Path) -> None:
        """Write the sheet as a PNG file."""
        image = Image.new("RGB", (_dots(self.width), _dots(self.height)), "white")
        draw = ImageDraw.Draw(image)
        for shown in self.pictures:
            _paint(image, draw, shown)
        for left, right, y in self.ticks:
            draw.line((_dots(left), _dots(y), _dots(right), _dots(y)), fill="black")
        for words in self.words:
            _write(image, draw, self, words)
        # The lowest compression: half the time for a tenth more bytes.
        image.save(path, "PNG", compress_level=1, dpi=(DOTS, DOTS))

    def box(self, words: Words) -> tuple[float, float, float, float]:
        """Return the place of a text: left, top, right and bottom, inches."""
        lines, letters = words.text.split("\n"), font(words.size, DOTS)
        long = max(letters.getlength(line) for line in lines) / DOTS
        high = (sum(letters.getmetrics()) + (len(lines) - 1) * _step(words.size)) / DOTS
        width, height = (high, long) if words.turned else (long, high)
        left = words.x - _BEFORE[words.across] * width
        top = words.y - _BEFORE[words.down] * height
        return left, top, left + width, top + height

    def figure(self) -> "Figure":
        """Return the sheet as a figure of matplotlib, whose texts and lines stay such in print."""
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle

        figure = Figure(figsize=(self.width, self.height))
        # One pair of axes in inches, y downwards: each further one costs more than its picture.
        axes: Any = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        for one in self.pictures:
            right, bottom = one.left + one.width, one.top + one.height
            extent = (one.left, right, bottom, one.top)
            # Large enough that a viewer that smooths pictures keeps the borders; matplotlib's own
            # resampling to the dots of the printer takes seconds.
            times = max(1, _FINE // max(one.picture.shape[:2]))
            fine = one.picture.repeat(times, axis=0).repeat(times, axis=1)
            axes.imshow(fine, extent=extent, interpolation="none", aspect="auto")
            if one.grid:
                rows, columns = one.picture.shape[:2]
                lines = {"colors": "0.85", "linewidth": 0.4}
                axes.hlines(np.linspace(one.top, bottom, rows + 1), one.left, right, **lines)
                axes.vlines(np.linspace(one.left, right, columns + 1), one.top, bottom, **lines)
            if one.frame:
                place = (one.left, one.top)
                axes.add_patch(Rectangle(place, one.width, one.height, fill=False, linewidth=0.8))
        for left, right, y in self.ticks:
            axes.hlines(y, left, right, colors="black", linewidth=0.8)
        for words in self.words:
            axes.text(
                words.x,
                words.y,
                words.text,
                ha=words.across,
                va=words.down,
                fontsize=words.size,
                fontfamily=FONT,
                linespacing=_LINE,
                rotation=90 if words.turned else 0,
                color=str(words.colour),
                parse_math=False,
            )
        axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        return figure


def save_sheet(sheet: Sheet, path: Path) -> None:
    """Write a sheet; the file is replaced as a whole.

    Args:
        sheet: the sheet.
        path: of a PNG file; with ``.pdf`` or ``.svg`` it is written for print.
    """
    with whole_file(path) as temporary:
        if path.suffix == ".png":
            sheet.save(temporary)
        else:
            save_figure(temporary, sheet.figure())


def _dots(inches: float) -> int:
    return round(inches * DOTS)


def _paint(image: Image.Image, draw: ImageDraw.ImageDraw, shown: Shown) -> None:
    left, top = _dots(shown.left), _dots(shown.top)
    right, bottom = _dots(shown.left + shown.width), _dots(shown.top + shown.height)
    size = (right - left, bottom - top)
    picture = Image.fromarray(shown.picture)
    image.paste(picture.resize(size, Image.Resampling.NEAREST), (left, top))
    if shown.grid:
        rows, columns = shown.picture.shape[:2]
        for row in range(1, rows):
            y = top + round(row * size[1] / rows)
            draw.line((left, y, right - 1, y), fill=(224, 227, 231))
        for column in range(1, columns):
            x = left + round(column * size[0] / columns)
            draw.line((x, top, x, bottom - 1), fill=(224, 227, 231))
    if shown.frame:
        draw.rectangle((left - 1, top - 1, right, bottom), outline="black")


def _write(image: Image.Image, draw: ImageDraw.ImageDraw, sheet: Sheet, words: Words) -> None:
    letters, fill = font(words.size, DOTS), round(255 * words.colour)
    left, top, right, _ = (side * DOTS for side in sheet.box(words))
    if words.turned:  # one line
        strip = Image.new(
            "L", (round(letters.getlength(words.text)) + 1, sum(letters.getmetrics()))
        )
        ImageDraw.Draw(strip).text((0, 0), words.text, fill=255, font=letters)
        turned = strip.transpose(Image.Transpose.ROTATE_90)
        image.paste((fill, fill, fill), (round(left), round(top)), turned)
        return
    x = left + _BEFORE[words.across] * (right - left)
    for number, line in enumerate(words.text.split("\n")):
        place = (x, top + number * _step(words.size))
        anchor = f"{_SIDES[words.across]}a"
        draw.text(place, line, fill=(fill, fill, fill), font=letters, anchor=anchor)


def _step(size: float) -> float:
    """Return the dots from line to line."""
    return size / 72 * _LINE * DOTS
