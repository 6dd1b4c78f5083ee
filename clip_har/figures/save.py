"""Write figures."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from clip_har.core.atomic import whole_file

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

Form = Literal["png", "pdf", "svg"]
"""The forms of a figure's file; they are also the ends of its name."""

FORMS: tuple[Form, ...] = get_args(Form)

INK = "#1c1e21"
"""The colour of lines and texts of a figure that is embedded in a page."""

_INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
_DOTS = 110  # per inch, on a screen
_PRINT_DOTS = 300  # per inch of the pictures in a page whose lines and letters are drawn


def save_figure(path: Path, figure: "Figure") -> None:
    """Write a figure as PNG; with ``.pdf`` or ``.svg`` for print.

    For print, text and lines stay text and lines, and pictures have 300 dots per inch.

    A figure with a layout engine is cropped to its content, for which it is drawn twice. A figure
    without one has placed its elements itself and is drawn once.
    """
    from matplotlib import rc_context

    box = "tight" if figure.get_layout_engine() else None
    how: dict[str, Any] = {"dpi": _PRINT_DOTS}
    if path.suffix not in (".pdf", ".svg"):
        # The lowest compression: half the time for a tenth more bytes.
        how = {"dpi": _DOTS, "pil_kwargs": {"compress_level": 1}}
    with rc_context({"pdf.fonttype": 42}), _small_fonts():  # whole letters, as publishers ask for
        figure.savefig(path, facecolor="white", bbox_inches=box, **how)


def save_whole(draw: "Callable[[], Figure]", *paths: Path) -> None:
    """Draw a figure and write it in several forms; each file is replaced as a whole.

    Args:
        draw: draws it.
        paths: of its files.
    """
    figure = draw()
    for path in paths:
        with whole_file(path) as temporary:
            save_figure(temporary, figure)
        _keep_places(figure)


def save_chart(draw: "Callable[[], Figure]", path: Path | None = None) -> str:
    """Draw a chart, and return it as SVG for a page.

    Args:
        draw: draws it.
        path: of a file for print that is written, too; None for none.
    """
    from matplotlib import rc_context

    theme: Any = dict.fromkeys(_INKED, INK) | {"axes.facecolor": "none"}
    buffer = BytesIO()
    with rc_context({**theme, "svg.hashsalt": "clip_har"}):
        figure = draw()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        if path is not None:
            _keep_places(figure)
            save_figure(path, figure)
    return buffer.getvalue().decode("utf-8")


@contextmanager
def _small_fonts() -> Iterator[None]:
    """Embed fonts without the tables that choose and move letters: matplotlib has placed each.

    Reading these tables takes a third of the time of a PDF.
    """
    from fontTools.subset import Options  # type: ignore[import-untyped]

    usual = getattr(Options, "_drop_tables_default", [])  # a version without it drops none
    Options._drop_tables_default = [*usual, "GDEF", "GPOS", "GSUB"]
    try:
        yield
    finally:
        Options._drop_tables_default = usual


def _keep_places(figure: "Figure") -> None:
    """Keep all elements where they were drawn: finding their places takes half of the time."""
    if figure.get_layout_engine():
        figure.set_layout_engine("none")
