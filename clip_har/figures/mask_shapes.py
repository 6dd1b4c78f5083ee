"""A picture of all mask shapes, for the documentation."""

from typing import get_args

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from clip_har.figures.gallery import CAPTION, TILE, percent
from clip_har.figures.style import INK, QUIET, draw_picture, tight_layout
from clip_har.masking.area import Canvas, lowest
from clip_har.masking.shape import Shape, ShapeMask

_SHADES = ("#f1ede4", "#d9c7a7", "#b3773f", "#4a2c1a")  # from never hidden to hidden first


def shape_figure(ratios: tuple[float, float, float] = (0.1, 0.3, 0.5), side: int = 224) -> Figure:
    """Draw every shape in the middle of a square frame, at three ratios as nested shades.

    Args:
        ratios: three rising shares of the frame; the darkest shade is the first.
        side: of the frame, in pixels.

    Example:
        >>> len(shape_figure(side=16).axes)
        12
    """
    shapes = get_args(Shape)
    columns = 6
    lines = -(-len(shapes) // columns)
    figure = Figure(
        figsize=(TILE * columns, (TILE + CAPTION) * lines + CAPTION), layout=tight_layout()
    )
    shades, most = ListedColormap(_SHADES), len(_SHADES) - 1
    canvas = Canvas(clip_id="", seed=0, frames=1, height=side, width=side)
    for axes, shape in zip(figure.subplots(lines, columns).flat, shapes, strict=False):
        mask = ShapeMask(ratio=ratios[0], shape=shape, phase="aligned")
        field = mask.field(canvas)
        depth = sum(lowest(field, ratio, mask.ties(canvas)).astype(int) for ratio in ratios)
        scale = {"cmap": shades, "vmin": 0, "vmax": most}
        draw_picture(axes, np.asarray(depth)[0], interpolation="nearest", **scale)
        axes.set_title(shape.replace("_", " "), fontsize=10, color=INK, pad=4)
    legend = ", ".join(percent(ratio) for ratio in ratios)
    figure.supxlabel(f"from dark to light: {legend} hidden", fontsize=8, color=QUIET)
    return figure
