"""The width of text, for figures that place their elements in inches."""

from collections.abc import Sequence

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

_LONGEST = 4  # so many texts are measured: the widest is almost always among the four longest
_DOTS = 720  # per inch: fine enough that hinting to whole dots does not matter
_RENDERER = RendererAgg(1, 1, _DOTS)  # type: ignore[no-untyped-call]


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
