"""Text in figures: the font, names that it can show, and widths in inches.

Nothing of matplotlib is imported: every cell of a sweep writes pictures with text.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

FONT = "DejaVu Sans"
"""The font of all figures, which comes with matplotlib."""

_LONGEST = 4  # so many texts are measured: the widest is almost always among the four longest
_DOTS = 720  # per inch: fine enough that hinting to whole dots does not matter
_LETTERS = 48  # of a name: a longer one would fill the figure
_JOINERS = "\u200d\ufe0e\ufe0f"  # of emoji; nothing is drawn for them
_MISSING = "\uffff"  # no font has it: it is drawn as the box for letters that are missing


@cache
def font(size: float, dots: float) -> ImageFont.FreeTypeFont:
    """Return the font of all figures.

    Args:
        size: points.
        dots: per inch.
    """
    found = find_spec("matplotlib")
    assert found is not None and found.origin is not None  # noqa: S101, PT018, it is installed
    file = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / f"{FONT.replace(' ', '')}.ttf"
    # Not Raqm, where Pillow has it: drawn text must be as wide on every machine.
    return ImageFont.truetype(file, size * dots / 72, layout_engine=ImageFont.Layout.BASIC)


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
    if letter.isascii() or _shape(letter) != _shape(_MISSING):
        return letter
    return "" if letter in _JOINERS else letter.encode("unicode_escape").decode()


def _shape(letter: str) -> bytes:
    return bytes(font(9, 72).getmask(letter))


def widest(texts: Sequence[str], size: float) -> float:
    """Return the width of the widest of some one-line texts, inches.

    Args:
        texts: at least one.
        size: of the font, points.

    Example:
        >>> widest(["archery", "surfing the web"], 9) > widest(["archery"], 9) > 0.3
        True
    """
    longest = sorted(texts, key=len)[-_LONGEST:]
    return max(font(size, _DOTS).getlength(text) for text in longest) / _DOTS
