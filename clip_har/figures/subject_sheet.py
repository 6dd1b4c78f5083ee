"""Contact sheets: what a region source takes for the subject, for a person to judge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from clip_har.figures.style import BLUE, INK, ORANGE, QUIET
from clip_har.figures.text import drawable, widest
from clip_har.regions.source import INSIDE

_SIDE = 1.5  # of a picture, inches; so are the next ones
_GAP, _APART = 0.05, 0.35  # between two pictures, and between two clips side by side
_HEAD, _CAPTION, _BELOW = 0.24, 0.2, 0.14  # over a clip, under a picture, under a clip
_TITLE, _MARGIN = 0.75, 0.15
_LEAST = 5.6  # width of a clip, so that its name and the verdict are beside each other
_ACROSS = 2  # clips side by side
_DOTS = 330  # px of a picture's side: twice what is printed, so that outlines are smooth
_DIMMED = 0.72  # brightness of what is not the subject
_LINE, _HALO = 3, 7  # px: widths of the outline, and of the white under it

SURE, UNSURE = BLUE, ORANGE
"""Colours of the outline in frames in which the subject was found, and in other frames."""


@dataclass(frozen=True, eq=False)
class Strip:
    """A few frames of one clip.

    Attributes:
        name: of the clip.
        verdict: whether the subject counts as found in the clip, in a few words.
        used: whether it does.
        pictures: ``(K, S, S, 3)`` uint8 RGB.
        soft_masks: ``(K, S, S)`` of the subject, in [0, 1].
        confidence: ``(K,)`` of the frames, in [0, 1].
        found: ``(K,)`` whether the subject was found in the frame itself.
    """

    name: str
    verdict: str
    used: bool
    pictures: NDArray[np.uint8]
    soft_masks: NDArray[np.float32]
    confidence: NDArray[np.float32]
    found: NDArray[np.bool_]


def subject_sheet(strips: Sequence[Strip], *, class_name: str, remark: str) -> Figure:
    """Draw the frames of clips with the outline of the subject, and the confidence under each.

    Args:
        strips: at least one; all of at most as many frames as the first.
        class_name: of the clips.
        remark: how many clips there are, and of how many the subject was found.

    Returns:
        A figure with pictures of 1.5 inches, two clips side by side.

    Example:
        >>> frames = np.full((2, 8, 8, 3), 128, np.uint8)
        >>> found = np.ones(2, bool)
        >>> strip = Strip("a.avi", "found", True, frames, frames[..., 0] / 255, found * 0.9, found)
        >>> len(subject_sheet([strip], class_name="run", remark="1 of 1").axes[0].images)
        2
    """
    across = min(_ACROSS, len(strips))
    rows = -(-len(strips) // across)
    columns = max(len(strip.pictures) for strip in strips)
    wide = max(columns * (_SIDE + _GAP) - _GAP, _LEAST)
    high = _HEAD + _SIDE + _CAPTION + _BELOW
    title = f"{drawable(class_name)}: {remark}"
    needed = max(across * (wide + _APART) - _APART, widest([title], 12), 7)
    width = needed + 2 * _MARGIN
    height = _TITLE + rows * high + _MARGIN
    figure = Figure(figsize=(width, height))
    # One pair of axes in inches, y downwards: each further one costs more than its picture.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    _write(axes, _MARGIN, 0.22, title, size=12, colour=INK)
    _draw_legend(axes, 0.5)
    for place, strip in enumerate(strips):
        corner = _MARGIN + place % across * (wide + _APART), _TITLE + place // across * high
        _draw_strip(axes, strip, *corner, wide)
    axes.set(xlim=(0, width), ylim=(height, 0))
    return figure


def _draw_legend(axes: Axes, y: float) -> None:
    left = _MARGIN
    for colour, text in (
        (SURE, "found in the frame"),
        (UNSURE, "not sure: its own region, or that of the nearest frame"),
        (None, "number: confidence"),
    ):
        if colour is not None:
            axes.plot([left, left + 0.25], [y, y], color=colour, linewidth=2.5)
            left += 0.32
        _write(axes, left, y, text, size=8, colour=QUIET)
        left += widest([text], 8) + 0.3


def outlined(
    picture: NDArray[np.uint8], soft_mask: NDArray[np.float32], colour: str
) -> NDArray[np.uint8]:
    """Return a frame with the outline of the subject; the rest is darker.

    Args:
        picture: ``(S, S, 3)`` uint8 RGB.
        soft_mask: ``(S, S)`` in [0, 1]; without a subject the frame stays as it is.
        colour: of the outline, as matplotlib names it.
    """
    import cv2
    from matplotlib.colors import to_rgb

    size = (_DOTS, _DOTS)
    large = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC))
    inside = np.asarray(cv2.resize(soft_mask, size, interpolation=cv2.INTER_LINEAR)) >= INSIDE
    if not inside.any():
        return large.astype(np.uint8)
    shown = np.where(inside[..., None], large, large * _DIMMED).astype(np.uint8)
    edges, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    line = tuple(round(255 * part) for part in to_rgb(colour))
    for ink, thick in (((255, 255, 255), _HALO), (line, _LINE)):  # seen on any ground
        shown = np.asarray(cv2.drawContours(shown, edges, -1, ink, thick, cv2.LINE_AA), np.uint8)
    return shown


def _draw_strip(axes: Axes, strip: Strip, left: float, top: float, wide: float) -> None:
    """Draw one clip with its upper left corner at a place, in inches."""
    colour = QUIET if strip.used else UNSURE
    _write(axes, left, top + _HEAD / 2, drawable(strip.name), size=8, colour=INK)
    _write(axes, left + wide, top + _HEAD / 2, strip.verdict, size=8, colour=colour, to="right")
    top += _HEAD
    frames = zip(strip.pictures, strip.soft_masks, strip.confidence, strip.found, strict=True)
    for picture, soft_mask, confidence, found in frames:
        tile = outlined(picture, soft_mask, SURE if found else UNSURE)
        axes.imshow(tile, extent=(left, left + _SIDE, top + _SIDE, top))
        colour = QUIET if found else UNSURE
        middle, below = left + _SIDE / 2, top + _SIDE + _CAPTION / 2
        _write(axes, middle, below, f"{confidence:.2f}", size=7.5, colour=colour, to="center")
        left += _SIDE + _GAP


def _write(
    axes: Axes, x: float, y: float, text: str, *, size: float, colour: str, to: str = "left"
) -> None:
    axes.text(x, y, text, ha=to, va="center", fontsize=size, color=colour, parse_math=False)
