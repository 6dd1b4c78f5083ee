"""Figures of masks: on real frames for a run, and of all shapes for the documentation."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from clip_har.masking.area import Canvas, Strategy, lowest
from clip_har.masking.fill import apply_mask
from clip_har.masking.none import NoMask
from clip_har.masking.shape import Shape, ShapeMask

_TILE = 1.6  # width of a tile, inches
_LABEL = 1.25  # width of the row labels, inches
_LABEL_LETTERS = 14  # longest line of a row label
_CAPTION = 0.2  # height of a caption or title, inches
_INK = "#1a1a1a"
_QUIET = "#6b6b6b"
_SHADES = ("#f1ede4", "#d9c7a7", "#b3773f", "#4a2c1a")  # from never hidden to hidden first


def mask_gallery(
    frames_by_clip: Mapping[str, NDArray[np.uint8]],
    strategies: Sequence[Strategy],
    ratios: Sequence[float],
    *,
    seed: int = 0,
    subjects: Mapping[str, NDArray[np.float32]] | None = None,
) -> Figure:
    """Draw the middle frames of clips under masks.

    A row is a strategy, a column a ratio; of several clips, each ratio has them side by side. The
    share of pixels that is really hidden stands below each tile. `NoMask` shows each clip once.

    Args:
        frames_by_clip: clip id to ``(T, 3, H, W)`` RGB in 0 … 255, at least one clip.
        strategies: at least one; their own ratios are not used.
        ratios: at least one, in [0, 1].
        seed: the root seed, as in the run, so that the masks are the run's.
        subjects: clip id to ``(T, H, W)`` relevance, for strategies that need it.

    Returns:
        A figure to be saved, of about 1.6 inches a tile.

    Raises:
        ValueError: when there is nothing to draw.
        ClipHarError: when a strategy needs the subject and ``subjects`` lacks the clip.

    Example:
        >>> clips = {"clip 1": np.zeros((8, 3, 32, 32), np.uint8)}
        >>> figure = mask_gallery(clips, [NoMask(), ShapeMask(ratio=0.5)], [0.1, 0.5])
        >>> len([axes for axes in figure.axes if axes.get_visible()])
        3
    """
    if not (frames_by_clip and strategies and ratios):
        raise ValueError("expected at least one clip, one strategy and one ratio")
    columns = [(ratio, clip_id) for ratio in ratios for clip_id in frames_by_clip]
    tile = _TILE * max(frames.shape[2] / frames.shape[3] for frames in frames_by_clip.values())
    size = (_LABEL + _TILE * len(columns), _CAPTION + (tile + _CAPTION) * len(strategies))
    figure = Figure(figsize=size, layout=_tight())
    grid = figure.subplots(len(strategies), len(columns), squeeze=False)
    titled = False
    for line, strategy in zip(grid, strategies, strict=True):
        clean = isinstance(strategy, NoMask)
        for column, (axes, (ratio, clip_id)) in enumerate(zip(line, columns, strict=True)):
            if clean and column >= len(frames_by_clip):
                axes.set_visible(False)
                continue
            subject = (subjects or {}).get(clip_id)
            frames = frames_by_clip[clip_id]
            image, hidden = _masked_middle(
                strategy, frames, 0.0 if clean else ratio, clip_id, seed=seed, subject=subject
            )
            _draw_tile(axes, image)
            axes.set_xlabel(_percent(hidden, ".2f"), fontsize=7, color=_QUIET, labelpad=2)
            if not (clean or titled):
                axes.set_title(_percent(ratio), fontsize=10, color=_INK, pad=4)
        titled = titled or not clean
        _label_row(line[0], strategy)
    return figure


def shape_figure(ratios: tuple[float, float, float] = (0.1, 0.3, 0.5), side: int = 224) -> Figure:
    """Draw every shape once in the middle of a square frame, at three ratios as nested shades.

    Args:
        ratios: three rising shares of the frame; the darkest shade is the first.
        side: of the frame, in pixels.

    Example:
        >>> len(shape_figure(side=16).axes)
        12
    """
    shapes = get_args(Shape)
    columns = 6
    lines = -(-len(shapes) // columns)
    figure = Figure(
        figsize=(_TILE * columns, (_TILE + _CAPTION) * lines + _CAPTION), layout=_tight()
    )
    canvas = Canvas(clip_id="", seed=0, frames=1, height=side, width=side)
    for axes, shape in zip(figure.subplots(lines, columns).flat, shapes, strict=False):
        field = ShapeMask(ratio=ratios[0], shape=shape).field(canvas)
        depth = sum(lowest(field, ratio).astype(int) for ratio in ratios)
        _draw_tile(axes, np.asarray(depth)[0])
        axes.set_title(shape.replace("_", " "), fontsize=10, color=_INK, pad=4)
    legend = ", ".join(_percent(ratio) for ratio in ratios)
    figure.supxlabel(f"from dark to light: {legend} hidden", fontsize=8, color=_QUIET)
    return figure


def _masked_middle(
    strategy: Strategy,
    frames: NDArray[np.uint8],
    ratio: float,
    clip_id: str,
    *,
    seed: int,
    subject: NDArray[np.float32] | None,
) -> tuple[NDArray[np.uint8], float]:
    """Return the masked middle frame ``(H, W, 3)`` and the share of it that is hidden."""
    count, _, height, width = frames.shape
    canvas = Canvas(
        clip_id=clip_id, seed=seed, frames=count, height=height, width=width, subject=subject
    )
    mask = lowest(strategy.field(canvas), ratio)
    # Copied: the frame store's frames are read-only, and torch warns when it is to share them.
    masked = apply_mask(torch.tensor(frames), mask, strategy.fill, seed=seed, clip_id=clip_id)
    middle = count // 2
    return masked[middle].permute(1, 2, 0).numpy(), float(mask[middle % len(mask)].mean())


def _label_row(axes: Axes, strategy: Strategy) -> None:
    text = strategy.short_name + ("" if strategy.fill == "black" else f" {strategy.fill}")
    axes.set_ylabel(
        textwrap.fill(text, _LABEL_LETTERS),
        fontsize=9,
        color=_INK,
        rotation=0,
        ha="right",
        va="center",
        labelpad=6,
    )


def _draw_tile(axes: Axes, image: NDArray[np.generic]) -> None:
    """Show ``(H, W, 3)`` uint8 RGB, or ``(H, W)`` whole numbers 0 … 3 as shades."""
    axes.imshow(
        image, cmap=ListedColormap(_SHADES), vmin=0, vmax=len(_SHADES) - 1, interpolation="nearest"
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _tight() -> ConstrainedLayoutEngine:
    return ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.03, wspace=0.0, hspace=0.0)


def _percent(share: float, form: str = "g") -> str:
    return f"{100 * share:{form}} %"
