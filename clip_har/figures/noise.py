"""Pictures of learned noise: alone as a contact sheet, and on frames with attribution."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from clip_har.figures.style import INK, QUIET, draw_picture, tight_layout, write_left
from clip_har.figures.text import drawable

_LETTER = 0.0085  # width of a letter per point of its size, inches
_TILE = 1.7  # width of a picture in a row of clips, inches
_LABEL = 2.2  # width of the captions of these rows, inches
_HEAT = mpl.colormaps["inferno"]
_OPACITY = 0.6  # of the attribution over the frame


@dataclass(frozen=True, eq=False)
class NoiseRow:
    """One frame with and without noise.

    Attributes:
        caption: true class and the predictions before and after; lines are kept.
        shown: ``(S, S, 3)`` uint8 RGB without noise.
        noisy: ``(S, S, 3)`` uint8 RGB with noise.
        added: ``(S, S, 3)`` int16 difference in grey levels.
        attribution_before: ``(S, S)`` float32 in [0, 1], attribution of the prediction without
            noise; None if not known.
        attribution_after: ``(S, S)`` float32 in [0, 1], that of the prediction with noise.
        subject: ``(S, S)`` float32 in [0, 1], 1 on the subject; None if not known.
    """

    caption: str
    shown: NDArray[np.uint8]
    noisy: NDArray[np.uint8]
    added: NDArray[np.int16]
    attribution_before: NDArray[np.float32] | None = None
    attribution_after: NDArray[np.float32] | None = None
    subject: NDArray[np.float32] | None = None


def noise_sheet(
    deltas: NDArray[np.float32], captions: Sequence[str], *, title: str, peak: float
) -> Figure:
    """Draw a contact sheet of noise, amplified around mid grey.

    Args:
        deltas: ``(K, 3, S, S)`` signed, in grey levels, RGB.
        captions: K class names; see `drawable`.
        title: of the figure; the amplification is written below it.
        peak: grey levels that are shown as white (and as black when negative).

    Raises:
        ValueError: when the shape of ``deltas``, the number of captions or ``peak`` is wrong.

    Example:
        >>> sheet = noise_sheet(np.zeros((3, 3, 8, 8), np.float32), list("abc"), title="", peak=16)
        >>> sum(axes.get_visible() for axes in sheet.axes)
        3
    """
    if deltas.ndim != 4 or deltas.shape[1] != 3 or not len(deltas):
        raise ValueError(f"expected deltas of shape (K, 3, S, S), K at least 1, not {deltas.shape}")
    if len(captions) != len(deltas):
        raise ValueError(f"expected a caption for each of {len(deltas)} tiles, not {len(captions)}")
    if not peak > 0:
        raise ValueError(f"expected a peak above 0 grey levels, not {peak}")
    columns = math.ceil(math.sqrt(len(deltas)))
    rows = math.ceil(len(deltas) / columns)
    tile = float(np.interp(columns, [1, 2, 5, 11], [4.2, 2.6, 1.75, 1.3]))  # inches
    font = 9 if columns <= 5 else 7
    letters = int(tile / (_LETTER * font))
    below = [textwrap.fill(drawable(caption), letters) for caption in captions]
    lines = max(caption.count("\n") + 1 for caption in below)
    height = tile - 0.08 + (lines * font * 1.3 + 4) / 72
    figure = Figure(figsize=(columns * tile, rows * height + 0.5), layout=tight_layout())
    _write_title(figure, f"{title}\n{_amplification(peak)}")
    places = figure.subplots(rows, columns, squeeze=False).flat
    for index, axes in enumerate(places):
        if index >= len(deltas):
            axes.set_visible(False)
            continue
        draw_picture(axes, _amplify(deltas[index].transpose(1, 2, 0), 127.5 / peak))
        axes.set_xlabel(below[index], fontsize=font, color=INK, labelpad=3, parse_math=False)
    return figure


def noise_clips_figure(rows: Sequence[NoiseRow], *, title: str) -> Figure:
    """Draw frames without and with noise, the difference, and the attribution.

    Args:
        rows: at least one. The columns of attribution are drawn only if a row has it.
        title: of the figure.

    Raises:
        ValueError: when there is no row.

    Example:
        >>> grey = np.full((8, 8, 3), 128, np.uint8)
        >>> row = NoiseRow("Diving", grey, grey, np.zeros((8, 8, 3), np.int16))
        >>> [axes.get_title() for axes in noise_clips_figure([row], title="").axes]
        ['without noise', 'with noise', 'what was added (× 1)']
    """
    if not rows:
        raise ValueError("expected at least one row")
    peak = max(int(np.abs(row.added).max()) for row in rows)
    factor = max(1, round(127.5 / peak)) if peak else 1
    heads = ["without noise", "with noise", f"what was added (× {factor})"]
    attributions = {
        "attribution without": [row.attribution_before for row in rows],
        "attribution with": [row.attribution_after for row in rows],
    }
    known = {
        head: heats for head, heats in attributions.items() if any(h is not None for h in heats)
    }
    columns = len(heads) + len(known)
    size = (_LABEL + _TILE * columns, _TILE * len(rows) + (1.0 if known else 0.5))
    figure = Figure(figsize=size, layout=tight_layout())
    _write_title(figure, title)
    places = figure.add_gridspec(len(rows) + 1, columns, height_ratios=[1.0] * len(rows) + [0.04])
    for index, row in enumerate(rows):
        line = [figure.add_subplot(places[index, column]) for column in range(columns)]
        letters = int(_LABEL / (_LETTER * 8))
        write_left(line[0], row.caption, letters=letters, size=8, away=0.06)
        pictures = (row.shown, row.noisy, _amplify(row.added, factor))
        for axes, picture in zip(line, pictures, strict=False):
            draw_picture(axes, picture)
        for axes, heats in zip(line[len(pictures) :], known.values(), strict=True):
            _draw_attribution(axes, row.shown, heats[index], row.subject)
        for axes, head in zip(line if index == 0 else [], [*heads, *known], strict=False):
            axes.set_title(head, fontsize=10, color=INK, pad=4)
    if known:
        _draw_key(figure.add_subplot(places[-1, len(heads) :]))
    return figure


def _amplify(signed: NDArray[np.number], factor: float) -> NDArray[np.uint8]:
    """Return uint8 pixels in which mid grey is 0."""
    raised = 127.5 + signed.astype(np.float32) * factor
    pixels: NDArray[np.uint8] = np.clip(np.rint(raised), 0, 255).astype(np.uint8)
    return pixels


def _amplification(peak: float) -> str:
    factor = 127.5 / peak
    times = f"{factor:.0f}" if factor >= 4 else f"{factor:.2g}"
    return (
        f"amplified {times} times: mid grey is 0, "
        f"white is +{peak:g} grey levels, black is −{peak:g}"
    )


def _draw_attribution(
    axes: Axes,
    frame: NDArray[np.uint8],
    heat: NDArray[np.float32] | None,
    subject: NDArray[np.float32] | None,
) -> None:
    """Draw ``(S, S)`` attribution over the grey frame, or write that it is not known."""
    if heat is None:
        draw_picture(axes, np.full_like(frame, 255))
        where = axes.transAxes
        axes.text(0.5, 0.5, "not known", transform=where, ha="center", fontsize=8, color=QUIET)
        return
    grey = frame.mean(axis=-1) / 255  # (S, S)
    draw_picture(axes, np.rint(255 * lay_over(heat, grey)).astype(np.uint8))
    # if the subject covers nothing or everything there is no outline, and contour would warn
    if subject is not None and subject.min() < 0.5 < subject.max():
        outline = axes.contour(subject, levels=[0.5], colors="white", linewidths=0.9)
        outline.set_path_effects([patheffects.withStroke(linewidth=1.8, foreground="black")])


def lay_over(heat: NDArray[np.floating], grey: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the colours of attribution over a grey picture, RGB in [0, 1].

    Args:
        heat: ``(…, H, W)`` in [0, 1].
        grey: ``(…, H, W)`` in [0, 1].
    """
    colours = _HEAT(np.clip(heat, 0, 1))[..., :3]
    laid: NDArray[np.float64] = (1 - _OPACITY) * grey[..., None] + _OPACITY * colours
    return laid


def _draw_key(axes: Axes) -> None:
    """Draw the colour scale of the attribution, over mid grey."""
    heat = np.linspace(0, 1, 256)[None]  # (1, 256)
    draw_picture(axes, lay_over(heat, np.full_like(heat, 0.5)), aspect="auto", extent=(0, 1, 0, 1))
    axes.set_xticks([0, 1], ["0", "1"])
    axes.tick_params(labelsize=7, length=0, colors=QUIET)
    axes.set_xlabel("attribution (line: the subject)", fontsize=8, color=QUIET, labelpad=-4)


def _write_title(figure: Figure, text: str) -> None:
    """Write the title at the left, wrapped to the width of the figure."""
    width = figure.get_figwidth()
    letters = int(width / (_LETTER * 11))
    lines = [textwrap.fill(line, letters) for line in text.splitlines()]
    figure.suptitle("\n".join(lines), fontsize=11, x=0.05 / width, ha="left", parse_math=False)
