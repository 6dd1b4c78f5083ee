"""One model in several domains: accuracy under each mask."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from clip_har.figures.models import Span
from clip_har.figures.style import COLOURS, MARKERS, QUIET, styled
from clip_har.figures.text import drawable

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

_APART = 0.62  # how much of a row its points fill
_ROW, _FRAME = 0.15, 1.4  # inches: of a point, and around the rows
_ROOM = 0.04  # free space beside the intervals, as a share of the axis


def domains_figure(masks: Mapping[str, Mapping[str, Span]], *, chance: float) -> "Figure":
    """Draw class-balanced accuracy under each mask, a point per domain with its interval.

    Args:
        masks: by mask, from the top down, the accuracy of each domain in [0, 1].
        chance: accuracy of random guessing, in (0, 1].
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    domains = list(dict.fromkeys(name for one in masks.values() for name in one))
    with styled():
        width, _ = Figure().get_size_inches()
        height = _FRAME + _ROW * (len(domains) + 1) * len(masks)
        figure = Figure(layout="constrained", figsize=(width, height))
        axes = figure.add_subplot()
        step = _APART / max(len(domains) - 1, 1)
        for number, name in enumerate(domains):
            places, spans = [], []
            for row, shown in enumerate(masks.values()):
                if name in shown:
                    places.append(row + (number - (len(domains) - 1) / 2) * step)
                    spans.append(shown[name])
            arms = [[one.arms[side][0] for one in spans] for side in (0, 1)]
            axes.errorbar(
                [one.value for one in spans], places, xerr=arms, linestyle="", elinewidth=1.2,
                color=COLOURS[number % len(COLOURS)], marker=MARKERS[number % len(MARKERS)],
                markersize=5, label=drawable(name),
            )  # fmt: skip
        axes.axvline(chance, color=QUIET, linewidth=1, linestyle=":")
        axes.annotate(
            "chance", (chance, 1.01), xycoords=("data", "axes fraction"), color=QUIET, fontsize=8,
            ha="center", annotation_clip=False,
        )  # fmt: skip
        axes.set_yticks(range(len(masks)), [drawable(name) for name in masks])
        axes.set_ylim(len(masks) - 0.5, -0.5)
        for row in range(1, len(masks)):
            axes.axhline(row - 0.5, color=QUIET, linewidth=0.5, alpha=0.4)
        ends = [e for one in masks.values() for s in one.values() for e in (s.value, s.low, s.high)]
        known = [chance, *(end for end in ends if end == end)]
        room = _ROOM * max(max(known) - min(known), 0.1)
        axes.set_xlim(min(known) - room, max(known) + room)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("class-balanced accuracy")
        legend = figure.legend(loc="outside lower center", ncols=2)
        for text in (*legend.get_texts(), *axes.get_yticklabels()):
            text.set_parse_math(False)  # a name is any text, also one with dollars
    return figure
