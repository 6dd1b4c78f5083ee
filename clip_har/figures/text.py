"""Text in figures: names that the font can show, and widths in inches."""

from collections.abc import Sequence
from functools import cache

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import FT2Font

_LONGEST = 4  # so many texts are measured: the widest is almost always among the four longest
_DOTS = 720  # per inch: fine enough that hinting to whole dots does not matter
_LETTERS = 48  # of a name: a longer one would fill the figure
_JOINERS = "\u200d\ufe0e\ufe0f"  # of emoji; nothing is drawn for them
_RENDERER = RendererAgg(1, 1, _DOTS)  # type: ignore[no-untyped-call]


def drawable(text: str) -> str:
    r"""Return a name as a figure shows it: shortened, and with letters of the figure's font only.

    Other letters are escaped, since the font would draw the same empty box for each.

    Args:
        text: one or more lines.

    Example:
        >>> drawable("caf\u00e9 $1"), drawable("\u8d70\U0001f3c3"), len(drawable("a" * 255))
        ('café $1', '\\u8d70\\U0001f3c3', 48)
    """
    return "\n".join(_short("".join(map(_drawn, line))) for line in text.split("\n"))


def _short(line: str) -> str:
    return line if len(line) <= _LETTERS else line[: _LETTERS - 13] + "…" + line[-12:]


@cache
def _drawn(letter: str) -> str:
    if letter.isascii() or _font().get_char_index(ord(letter)):
        return letter
    return "" if letter in _JOINERS else letter.encode("unicode_escape").decode()


@cache
def _font() -> FT2Font:
    return get_font(findfont(FontProperties()))


def widest(texts: Sequence[str], size: float) -> float:
    """Return the width of the widest of some one-line texts, inches.

    Args:
        texts: at least one.
        size: of the font, points.

    Example:
        >>> widest(["archery", "surfing the web"], 9) > widest(["archery"], 9) > 0.3
        True
    """
    font = FontProperties(size=size)
    longest = sorted(texts, key=len)[-_LONGEST:]
    measure = _RENDERER.get_text_width_height_descent
    widths = [measure(text, font, ismath=False)[0] for text in longest]  # type: ignore[no-untyped-call]
    return float(max(widths)) / _DOTS
