"""The gallery of a run: its masks on real frames."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_har.figures.sheet import Sheet, Shown, Words
from clip_har.figures.text import drawable, widest

TILE = 1.6
"""Width of a tile, inches."""
CAPTION = 0.2
"""Height of a caption or title, inches."""
_LABEL_LETTERS = 14  # longest line of a row label
_NAME_LETTERS = 26  # longest line of a clip's name
_INK, _QUIET = 0.1, 0.42
_LABEL, _TITLE, _SMALL, _NOTE = 9.0, 10.0, 7.0, 8.0  # points
_GAP, _EDGE = 0.06, 0.1  # inches


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of the gallery.

    Attributes:
        picture: ``(H, W, 3)`` uint8 RGB.
        hidden: share of the picture's own pixels that is hidden, in [0, 1].
        clip: the name of the clip.
    """

    picture: NDArray[np.uint8]
    hidden: float
    clip: str


@dataclass(frozen=True, eq=False)
class GalleryRow:
    """The tiles of one mask.

    Attributes:
        label: a few words.
        tiles: one per column; a text is shown instead of a picture, None leaves the place empty.
        clean: whether nothing is hidden in it, so that it has no ratio.
    """

    label: str
    tiles: Sequence[Tile | str | None]
    clean: bool = False


def mask_gallery(rows: Sequence[GalleryRow], ratios: Sequence[float | None] | None = None) -> Sheet:
    """Draw the frames of clips under masks, with the share of each that is hidden below it.

    The first picture of each column names the clip, and the first with a mask has the ratio above.

    Args:
        rows: at least one, all of the same length, with at least one tile.
        ratios: hidden share of each column, None for whole regions; without them columns have no
            titles.

    Returns:
        A sheet with tiles of 1.6 inches.

    Raises:
        ValueError: when there is nothing to draw.

    Example:
        >>> grey = Tile(np.full((32, 32, 3), 128, np.uint8), 0.0, "clip 1")
        >>> rows = [GalleryRow("none", [grey, None], clean=True), GalleryRow("box", [grey, grey])]
        >>> len(mask_gallery(rows, [0.1, 0.5]).pictures)
        3
    """
    tiles = [tile for row in rows for tile in row.tiles if isinstance(tile, Tile)]
    if not tiles:
        raise ValueError("expected at least one picture")
    high = TILE * max(tile.picture.shape[0] / tile.picture.shape[1] for tile in tiles)
    columns = len(rows[0].tiles)
    labels = [_label(row.label) for row in rows]
    left = _EDGE + max(widest(label.split("\n"), _LABEL) for label in labels) + 2 * _GAP
    titled, named = [ratios is None] * columns, [False] * columns
    shown: list[Shown] = []
    words: list[Words] = []
    top = _EDGE
    for row, label in zip(rows, labels, strict=True):
        masked = [isinstance(tile, Tile) and not row.clean for tile in row.tiles]
        top += CAPTION * any(one and not had for one, had in zip(masked, titled, strict=True))
        words.append(Words(label, left - 2 * _GAP, top + high / 2, _LABEL, "right", colour=_INK))
        lines = 0
        for column, tile in enumerate(row.tiles):
            side = left + column * (TILE + _GAP)
            middle = side + TILE / 2
            if isinstance(tile, str):
                words.append(Words(tile, middle, top + high / 2, _NOTE, "center", colour=_QUIET))
            if not isinstance(tile, Tile):
                continue
            shown.append(Shown(tile.picture, side, top, TILE, high))
            below = [] if named[column] else _name_lines(tile.clip)
            below += [] if row.clean else [percent(tile.hidden, ".2f")]
            named[column] = True
            lines = max(lines, len(below))
            under = Words("\n".join(below), middle, top + high + 0.02, _SMALL, "center", "top",
                          colour=_QUIET)  # fmt: skip
            words += [under] if below else []
            if not (row.clean or titled[column]):
                ratio = None if ratios is None else ratios[column]
                title = "whole region" if ratio is None else percent(ratio)
                words.append(Words(title, middle, top - 0.04, _TITLE, "center", "bottom",
                                   colour=_INK))  # fmt: skip
                titled[column] = True
        top += high + 0.02 + lines * _SMALL / 72 * 1.35 + _GAP
    return Sheet(left + columns * (TILE + _GAP) - _GAP + _EDGE, top + _EDGE, shown, words)


def _label(text: str) -> str:
    """Return the label of a row in short lines; its own lines are kept."""
    return "\n".join(textwrap.fill(line, _LABEL_LETTERS) for line in drawable(text).splitlines())


def _name_lines(clip: str) -> list[str]:
    """Return the last part of a clip's name in lines that fit below a picture."""
    return textwrap.wrap(drawable(clip.rpartition("/")[2]), _NAME_LETTERS)


def percent(share: float, form: str = "g") -> str:
    """Return a share in per cent."""
    return f"{100 * share:{form}} %"
