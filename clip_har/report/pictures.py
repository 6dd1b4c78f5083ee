"""Pictures that are embedded in the page; charts follow the light or dark theme."""

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray
from PIL import Image

from clip_har.figures.save import INK

_DARK = {INK: "#e6e6e6", "#000000": "#ffffff"}  # what is dark, as light as it must be on dark
_MOST = 1400  # largest width of a photograph, in pixels
_SMALL = 30  # with more classes, squares and names are smaller
_LETTERS = 18  # letters of a name that are shown
_MARGIN = 20  # space for the axis titles of a confusion matrix
_LETTER = 0.6  # width of a letter of a name, as a share of the height of the font
_HIT = {True: "hit", False: "miss"}  # classes of the squares


def both_themes(svg: str, alt: str) -> Markup:
    """Return a figure as HTML, once for light and once for dark screens.

    The two differ in nothing but the colour of the ink.

    Args:
        svg: the figure in the colours of light screens, see `clip_har.figures.save.save_chart`.
        alt: a description of the figure.
    """
    dark = svg
    for ink, shown in _DARK.items():
        dark = dark.replace(ink, shown)
    return Markup(
        '<picture><source media="screen and (prefers-color-scheme: dark)" srcset="{}">'
        '<img src="{}" alt="{}"></picture>'
    ).format(_address(dark), _address(svg), alt)


def photograph(path: Path, alt: str) -> Markup:
    """Return a picture file as HTML, as a JPEG that is embedded in the page.

    Args:
        path: the picture file.
        alt: a description of the picture.
    """
    with Image.open(path) as picture:
        shown = picture.convert("RGB")
        if shown.width > _MOST:
            shown = shown.resize((_MOST, round(shown.height * _MOST / shown.width)))
        buffer = io.BytesIO()
        shown.save(buffer, "JPEG", quality=85)
    data = base64.b64encode(buffer.getvalue()).decode()
    return Markup('<img class="photo" width="{}" src="data:image/jpeg;base64,{}" alt="{}">').format(
        shown.width, data, alt
    )


def confusion_picture(
    confusion: NDArray[np.int64], names: Sequence[str], link: Callable[[int, int], str]
) -> Markup:
    """Return a confusion matrix as HTML, whose cells show their classes and counts.

    Args:
        confusion: ``(C, C)`` counts, rows are true classes, columns predicted classes.
        names: C names.
        link: returns the address of the clips of a true and a predicted class.
    """
    classes = len(names)
    totals = np.maximum(confusion.sum(axis=1), 1)
    small = classes > _SMALL
    side, font = (9, 8) if small else (14, 11)  # px
    size = side * classes
    safe = [escape(name) for name in names]
    places = np.argwhere(confusion).tolist()
    counts, of = confusion[confusion > 0].tolist(), totals.tolist()
    # Thousands of squares: Markup's own format would take seconds.
    cells = [
        f'<a href="{escape(link(true, predicted))}"><rect x="{side * predicted}" y="{side * true}"'
        f' width="{side - 0.5}" height="{side - 0.5}" class="{_HIT[true == predicted]}"'
        f' fill-opacity="{0.15 + 0.85 * number / of[true]:.2f}">'
        f"<title>{safe[true]} → {safe[predicted]}: {number} of {of[true]}</title></rect></a>"
        for (true, predicted), number in zip(places, counts, strict=True)
    ]
    longest = min(max(len(name) for name in names), _LETTERS)
    left = top = _MARGIN + round(font * _LETTER * longest)
    for index, name in enumerate(names):
        shown = name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"
        base = side * index + round(side / 2 + font * 0.36)
        cells.append(
            Markup(
                '<text x="-4" y="{}" text-anchor="end">{}</text>'
                '<text transform="translate({} -4) rotate(-90)">{}</text>'
            ).format(base, shown, base, shown)
        )
    cells.append(
        Markup(
            '<text x="{}" y="{}" text-anchor="middle">predicted class</text>'
            '<text transform="translate({} {}) rotate(-90)" text-anchor="middle">true class</text>'
        ).format(size / 2, 12 - top, 12 - left, size / 2)
    )
    frame = Markup('<rect class="frame" width="{0}" height="{0}"/>').format(size)
    inside = Markup("".join(cells))  # noqa: S704, each part is escaped above
    return Markup(
        '<svg class="confusion{6}" viewBox="{0} {1} {2} {3}" role="img" '
        'aria-label="confusion matrix">{4}{5}</svg>'
    ).format(
        *(-left, -top, size + left + 1, size + top + 1, frame, inside),
        " large" if small else "",
    )


def _address(svg: str) -> str:
    data = base64.b64encode(svg.encode("utf-8")).decode()
    return f"data:image/svg+xml;base64,{data}"
