"""The gallery of a run: its masks on real frames."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.figures.style import INK, QUIET, draw_picture, tight_layout, write_left
from clip_har.figures.text import drawable

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

TILE = 1.6
"""Width of a tile, inches."""
CAPTION = 0.2
"""Height of a caption or title, inches."""
_LABEL = 1.25  # width of the row labels, inches
_LABEL_LETTERS = 14  # longest line of a row label
_NAME_LETTERS = 26  # longest line of a clip's name


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


def mask_gallery(
    rows: Sequence[GalleryRow], ratios: Sequence[float | None] | None = None
) -> "Figure":
    """Draw the frames of clips under masks, with the share of each that is hidden below it.

    The first picture of each column names the clip.

    Args:
        rows: at least one, all of the same length, with at least one tile.
        ratios: hidden share of each column, None for whole regions; without them columns have no
            titles.

    Returns:
        A figure with tiles of about 1.6 inches.

    Raises:
        ValueError: when there is nothing to draw.

    Example:
        >>> grey = Tile(np.full((32, 32, 3), 128, np.uint8), 0.0, "clip 1")
        >>> rows = [GalleryRow("none", [grey, None], clean=True), GalleryRow("box", [grey, grey])]
        >>> len([axes for axes in mask_gallery(rows, [0.1, 0.5]).axes if axes.get_visible()])
        3
    """
    from matplotlib.figure import Figure

    tiles = [tile for row in rows for tile in row.tiles]
    sizes = [tile.picture.shape for tile in tiles if isinstance(tile, Tile)]
    if not sizes:
        raise ValueError("expected at least one picture")
    height = TILE * max(size[0] / size[1] for size in sizes)
    columns = len(rows[0].tiles)
    size = (_LABEL + TILE * columns, CAPTION + (height + CAPTION) * len(rows))
    figure = Figure(figsize=size, layout=tight_layout())
    grid = figure.subplots(len(rows), columns, squeeze=False)
    titled, named = [ratios is None] * columns, [False] * columns
    for line, row in zip(grid, rows, strict=True):
        for column, (axes, tile) in enumerate(zip(line, row.tiles, strict=True)):
            if not isinstance(tile, Tile):
                axes.imshow(np.full((*sizes[0][:2], 3), 255, np.uint8))  # takes the same space
                axes.set_axis_off()
                axes.set_visible(tile is not None or column == 0)  # the first has the row's label
                if tile is not None:
                    where = {"xy": (0.5, 0.5), "xycoords": "axes fraction", "ha": "center"}
                    axes.annotate(tile, **where, va="center", fontsize=8, color=QUIET)
                continue
            draw_picture(axes, tile.picture, interpolation="nearest")
            lines = [] if named[column] else _name_lines(tile.clip)
            lines += [] if row.clean else [percent(tile.hidden, ".2f")]
            caption = {"fontsize": 7, "color": QUIET, "labelpad": 2, "parse_math": False}
            axes.set_xlabel("\n".join(lines), **caption)
            named[column] = True
            if not (row.clean or titled[column]):
                ratio = None if ratios is None else ratios[column]
                title = "whole region" if ratio is None else percent(ratio)
                axes.set_title(title, fontsize=10, color=INK, pad=4)
                titled[column] = True
        write_left(line[0], row.label, letters=_LABEL_LETTERS, size=9, away=0.08)
    return figure


def _name_lines(clip: str) -> list[str]:
    """Return the last part of a clip's name in lines that fit below a picture."""
    return textwrap.wrap(drawable(clip.rpartition("/")[2]), _NAME_LETTERS)


def percent(share: float, form: str = "g") -> str:
    """Return a share in per cent."""
    return f"{100 * share:{form}} %"
