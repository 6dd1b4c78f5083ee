"""A prediction as a table in the terminal: the best classes, and each one's curve over time."""

import math

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from clip_har.core.names import plain_name
from clip_har.predict.prediction import Prediction
from clip_har.predict.times import clock, needs_tenths

_WIDE = 40  # columns of the curve, at most
_OF_ONE = 6  # columns of one window, at most
_NAME = 26  # columns of a class name, at most
_OTHERS = 47  # columns of a line that are not the curve
_ALSO = 3  # further classes that are named
_BLOCKS, _NOTHING = "▁▂▃▄▅▆▇█", "·"
_DIGITS, _NO_DIGIT = "0123456789", "."
_PARTS = " ▏▎▍▌▋▊▉"  # of a block, from the left


def prediction_table(
    found: Prediction, *, top: int, width: int, blocks: bool = True
) -> RenderableType:
    """Return the table of one video.

    Args:
        found: the prediction.
        top: number of classes.
        width: of the terminal, in columns.
        blocks: whether the terminal can show block letters; without them a curve is written in
            digits, tenths of the probability.
    """
    listed = found.top(top)
    names = [plain_name(found.class_names[label]) for label in listed]
    tenths = needs_tenths(found.edges[:-1])
    windows = len(found.winners)
    room = max(8, min(_WIDE, width - _OTHERS))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("class", max_width=_NAME, overflow="ellipsis", no_wrap=True)
    table.add_column("mean" if windows > 1 else "", justify="right", no_wrap=True)
    if windows > 1:
        table.add_column("highest", justify="right", no_wrap=True)
        drawn = [curve(found.probabilities[:, label], room, blocks=blocks) for label in listed]
    else:
        drawn = [bar(float(found.mean[label]), room, blocks=blocks) for label in listed]
    table.add_column(_axis(found, len(drawn[0])) if windows > 1 else "", no_wrap=True)
    for number, (label, name, picture) in enumerate(zip(listed, names, drawn, strict=True)):
        peak, at = found.peak(label)
        highest = [f"{_percent(peak)} at {clock(at, tenths=tenths)}"] if windows > 1 else []
        style = "bold" if number == 0 else ""
        row = [name, _percent(float(found.mean[label])), *highest]
        table.add_row(*(Text(text, style=style) for text in row), Text(picture, style="cyan"))
    lines: list[RenderableType] = [_head(found, width), table]
    if also := found.also(listed):
        named = ", ".join(
            f"{plain_name(found.class_names[label])} ({_percent(peak)} at"
            f" {clock(at, tenths=tenths)})"
            for label in also[:_ALSO]
            for peak, at in [found.peak(label)]
        )
        more = f" and {len(also) - _ALSO} more" if len(also) > _ALSO else ""
        lines.append(Text(f"also the most probable at times: {named}{more}", style="dim"))
    lines += [Text(note, style="yellow") for note in found.notes]
    return Group(*lines, Text())


def curve(values: NDArray[np.float64], columns: int, *, blocks: bool = True) -> str:
    """Return probabilities over time as one line of letters.

    If there are more values than columns, a letter stands for the mean of some.

    Args:
        values: ``(W,)`` in [0, 1]; NaN where nothing is known.
        columns: largest number of letters.
        blocks: letters are blocks of rising height; else digits, tenths of the probability.

    Example:
        >>> curve(np.array([0.0, 0.5, np.nan, 1.0]), 4)
        '▁▅·█'
        >>> curve(np.array([0.0, 0.5, np.nan, 1.0]), 8, blocks=False)
        '0055..99'
    """
    levels, nothing = (_BLOCKS, _NOTHING) if blocks else (_DIGITS, _NO_DIGIT)
    parts = np.array_split(values, min(columns, len(values)))
    letters = []
    for part in parts:
        known = part[np.isfinite(part)]
        level = int(known.mean() * len(levels)) if len(known) else -1
        letters.append(nothing if level < 0 else levels[min(level, len(levels) - 1)])
    times = max(1, min(columns // len(parts), _OF_ONE))
    return "".join(letter * times for letter in letters)


def bar(value: float, columns: int, *, blocks: bool = True) -> str:
    """Return a probability as a bar.

    Args:
        value: in [0, 1].
        columns: of a bar of 1.
        blocks: whether parts of a column can be shown.

    Example:
        >>> bar(0.55, 5), bar(0.55, 5, blocks=False)
        ('██▊', '###')
    """
    if not blocks:
        return "#" * round(value * columns)
    whole, rest = divmod(round(value * columns * len(_PARTS)), len(_PARTS))
    return "█" * whole + _PARTS[rest].strip()


def _head(found: Prediction, width: int) -> Text:
    windows = sum(map(bool, found.frames_seen))
    frames = sorted({count for count in found.frames_seen if count})
    counted = f"{frames[0]}" if len(frames) == 1 else f"{frames[0]} to {frames[-1]}"
    length = _length(found)
    several = f"{windows} windows of " if windows > 1 else ""
    plural = "" if counted == "1" else "s"
    path = plain_name(str(found.path))
    said = f"{length}, {several}{counted} frame{plural}"
    between = "  " if len(path) + len(said) + 2 <= width else "\n"
    head = Text(path, style="bold", overflow="fold")
    return head.append(f"{between}{said}", style="not bold dim")


def _length(found: Prediction) -> str:
    end = found.edges[-1]
    if math.isnan(end):  # images whose rate is not known
        return "1 image" if found.frames == 1 else f"{found.frames:,} images"
    return f"{end:.1f} s" if end < 60 else clock(end)


def _axis(found: Prediction, columns: int) -> str:
    """Return the header of the curves: where they begin and end."""
    end = clock(found.edges[-1], tenths=found.edges[-1] < 10)
    return "0:00" + end.rjust(columns - 4) if columns >= 6 + len(end) else f"to {end}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
