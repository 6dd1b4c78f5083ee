"""Write figures."""

from pathlib import Path
from typing import Any, Literal, get_args

from matplotlib import rc_context
from matplotlib.figure import Figure

Form = Literal["png", "pdf", "svg"]
"""The forms of a figure's file; they are also the ends of its name."""

FORMS: tuple[Form, ...] = get_args(Form)

_DOTS = 110  # per inch, on a screen
_PRINT_DOTS = 300  # per inch of the pictures in a page whose lines and letters are drawn


def save_figure(path: Path, figure: Figure) -> None:
    """Write a figure as PNG; with ``.pdf`` or ``.svg`` for print.

    For print, text and lines stay text and lines, and pictures have 300 dots per inch.

    A figure with a layout engine is cropped to its content, for which it is drawn twice. A figure
    without one has placed its elements itself and is drawn once.
    """
    box = "tight" if figure.get_layout_engine() else None
    how: dict[str, Any] = {"dpi": _PRINT_DOTS}
    if path.suffix not in (".pdf", ".svg"):
        # The lowest compression: half the time for a tenth more bytes.
        how = {"dpi": _DOTS, "pil_kwargs": {"compress_level": 1}}
    with rc_context({"pdf.fonttype": 42}):  # whole fonts, as publishers ask for
        figure.savefig(path, facecolor="white", bbox_inches=box, **how)
