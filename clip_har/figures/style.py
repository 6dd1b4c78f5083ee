"""What all figures have in common: colours, and how axes and pictures look."""

import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from clip_har.figures.text import drawable

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.axes import Axes
    from matplotlib.layout_engine import ConstrainedLayoutEngine

BLUE, ORANGE = "#0072b2", "#d55e00"
# Okabe and Ito; olive instead of their yellow, which is too light for thin lines on white
COLOURS = (
    BLUE, ORANGE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933",
)  # fmt: skip
MARKERS = "osD^vPX<>"
STYLE = Path(__file__).with_name("clip_har.mplstyle")
"""Sizes, lines and fonts of all charts; a paper may use it, too: ``plt.style.use(STYLE)``."""
INK = "#1a1a1a"
QUIET = "#6b6b6b"


def styled() -> AbstractContextManager[None]:
    """Return the context in which a chart is drawn and written."""
    from matplotlib import rc_context, rc_params_from_file

    # Not rc_context(fname): it would set all else to its default, also the ink of dark screens.
    own = rc_params_from_file(STYLE, use_default_template=False)
    context: AbstractContextManager[None] = rc_context(own)
    return context


def tight_layout() -> "ConstrainedLayoutEngine":
    """Return a layout with almost no space between pictures."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.03, wspace=0.0, hspace=0.0)


def draw_picture(axes: "Axes", picture: NDArray[Any], **how: Any) -> None:
    """Draw a picture without ticks and frame.

    Args:
        axes: where.
        picture: ``(H, W, 3)`` RGB or ``(H, W)``.
        how: further arguments of ``imshow``.
    """
    axes.imshow(picture, **how)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def write_left(axes: "Axes", text: str, *, letters: int, size: float, away: float) -> None:
    """Write the label of a row of pictures left of its first one.

    Args:
        axes: of the first picture.
        text: its lines are kept.
        letters: largest number of letters in a line.
        size: of the font, points.
        away: distance from the picture, as a share of its width.
    """
    lines = [textwrap.fill(line, letters) for line in drawable(text).splitlines()]
    axes.annotate(
        "\n".join(lines),
        (-away, 0.5),
        xycoords="axes fraction",
        fontsize=size,
        color=INK,
        ha="right",
        va="center",
        annotation_clip=False,
        parse_math=False,
    )


def hide_frame(axes: "Axes", sides: Sequence[str] = ("top", "right")) -> None:
    """Hide some of the four lines around the axes."""
    axes.spines[list(sides)].set_visible(False)


def in_percent(axes: "Axes") -> None:
    """Write shares as per cent on both axes."""
    from matplotlib.ticker import PercentFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
