"""The pictures of learned noise in a cell's folder: how it was learned, the noise, its effect."""

from pathlib import Path
from typing import cast

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from clip_har.engine.evaluate import Evaluation
from clip_har.engine.examples import Example
from clip_har.figures.noise import NoiseRow, noise_clips_figure, noise_sheet
from clip_har.figures.noise_curves import loss_figure
from clip_har.figures.save import save_figure
from clip_har.noise.learned.cell_noise import LearnedNoise
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.variants import LEARNED


def write_noise_pictures(
    folder: Path, opened: LearnedNoise, found: Evaluation, *, title: str
) -> None:
    """Write the pictures of a cell's learned noise.

    Args:
        folder: of the noise.
        opened: the noise.
        found: the cell's clips, noise and score tables.
        title: the title of the figures.
    """
    noise, fitted, inspection = opened.settings, opened.fitted, found.inspection
    history = fitted.history
    save_figure(
        folder / "loss_curve.png",
        loss_figure(
            history.terms, history.validation, kept=history.kept, title=f"{title}: learning"
        ),
    )
    names = found.masked.frames.clip_set.class_names
    if noise.changes_pixels:
        pixels = cast(PixelNoise, fitted.perturbation)
        captions = list(names) if noise.per_class else [LEARNED]
        save_figure(folder / "noise.png", _sheet(pixels, captions, title=title))
    if inspection.examples:
        rows = [_row(example, names) for example in inspection.examples]
        figure = noise_clips_figure(rows, title=f"{title}: {found.headline}")
        save_figure(folder / "clips.png", figure)


def _sheet(noise: PixelNoise, captions: list[str], *, title: str) -> Figure:
    """Draw the noise of the first frame: of a sum the shared part, then each class's own part."""
    first = torch.zeros(1, dtype=torch.long)
    shared, own = noise.under(), noise.on(None)
    if {"shared", "own"} <= noise.parts.keys():
        shared, own = (noise.with_parts({name: noise.parts[name]}) for name in ("shared", "own"))
    deltas = [own.delta(first + column, first)[0] for column in range(own.columns)]
    if shared is not None:
        deltas.insert(0, shared.delta(first, first)[0])
        captions = ["all classes", *captions]
    stacked = torch.stack(deltas).detach().cpu().numpy()
    peak = float(np.ceil(max(np.abs(stacked).max(), 1e-3)))
    return noise_sheet(stacked, captions, title=f"{title}: δ", peak=peak)


def _row(example: Example, names: tuple[str, ...]) -> NoiseRow:
    frames = example.clip.frames
    middle = len(frames) // 2
    shown, noisy = (picture[middle].permute(1, 2, 0).numpy() for picture in (frames, example.noisy))
    heats = [
        None if attribution is None else _heat(attribution[middle], shown.shape[0])
        for attribution in (example.attribution_before, example.attribution_after)
    ]
    answers = f"before: {names[example.before]}\nafter: {names[example.after]}"
    return NoiseRow(
        caption=f"true: {names[example.label]}\n{answers}",
        shown=shown,
        noisy=noisy,
        added=noisy.astype(np.int16) - shown.astype(np.int16),
        attribution_before=heats[0],
        attribution_after=heats[1],
        subject=None if example.clip.subject is None else example.clip.subject[middle],
    )


def _heat(attribution: torch.Tensor, size: int) -> NDArray[np.float32]:
    """Return a frame's attribution at the frame's size, scaled to a maximum of 1."""
    spread = interpolate(
        attribution[None, None], size=(size, size), mode="bilinear", align_corners=False
    )[0, 0]
    heat: NDArray[np.float32] = (spread / spread.max().clamp(min=1e-12)).clamp(0, 1).numpy()
    return heat
