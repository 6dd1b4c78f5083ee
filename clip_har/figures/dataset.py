"""The content of a data set: clips and groups per class, lengths of clips."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from clip_har.figures.style import BLUE, ORANGE, hide_frame
from clip_har.figures.text import drawable

_NAMED = 30  # with more classes there is no space for their names


def dataset_figure(
    name: str,
    per_class: Mapping[str, tuple[int, int]],
    seconds: Sequence[float],
    frames: Sequence[int],
) -> Figure:
    """Draw clips and groups per class, and the lengths of clips.

    Args:
        name: of the data set.
        per_class: numbers of clips and of groups by class.
        seconds: of each clip whose length in time is known.
        frames: of each clip.
    """
    named = len(per_class) <= _NAMED
    height = max(3.2, 0.22 * len(per_class) + 1.2) if named else 4.2
    figure = Figure(figsize=(9.0, height), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.25, 1.0))
    _draw_classes(figure.add_subplot(grid[:, 0]), per_class, named=named)
    _draw_lengths(figure.add_subplot(grid[0, 1]), seconds, "seconds")
    _draw_lengths(figure.add_subplot(grid[1, 1]), frames, "frames")
    figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=8)
    title = f"{name}: {len(frames):,} clips"
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, parse_math=False)
    return figure


def _draw_classes(axes: Axes, per_class: Mapping[str, tuple[int, int]], *, named: bool) -> None:
    order = sorted(per_class, key=lambda name: (-per_class[name][0], name))
    at = np.arange(len(order))
    clips = [per_class[name][0] for name in order]
    groups = [per_class[name][1] for name in order]
    axes.barh(at, clips, color=BLUE, height=0.8 if named else 1.0, label="clips")
    axes.plot(groups, at, ".", color=ORANGE, markersize=6 if named else 2.5, label="groups")
    axes.invert_yaxis()
    axes.margins(y=0.01)
    if named:
        axes.set_yticks(at, [drawable(one) for one in order], fontsize=8, parse_math=False)
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(order)} classes, most clips first", fontsize=9)
    axes.set_title("clips and independent groups per class", loc="left", fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _plain(axes)


def _draw_lengths(axes: Axes, values: Sequence[float], unit: str) -> None:
    if len(values):
        middle = float(np.median(values))
        axes.hist(values, bins=min(40, max(5, len(values) // 4)), color=BLUE)
        axes.axvline(middle, color=ORANGE, linewidth=1.2)
        axes.set_title(f"{unit} of a clip (median {middle:.4g})", loc="left", fontsize=9)
    axes.set_ylabel("clips", fontsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    _plain(axes)


def _plain(axes: Axes) -> None:
    hide_frame(axes)
    axes.tick_params(labelsize=8)
