"""Batches: clips with their captions, some of them masked or in front of a plain colour."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.core.seeding import generator
from clip_har.models.preprocess import normalise
from clip_har.models.processor import PixelScale
from clip_har.synthetic import SCENES
from experiments.tiny_clip.captions import (
    STUDIO,
    CaptionShares,
    Facts,
    class_prompts,
    clip_facts,
    matches,
    sample_caption,
)
from experiments.tiny_clip.losses import cell_shares
from experiments.tiny_clip.network import CELL, MEAN, PATCH, STD
from experiments.tiny_clip.recipe import Recipe
from experiments.tiny_clip.rendered import RenderedClips

_OCCLUDERS = (8, 16, 16, 28)  # px; 16 is the default of `masking=percent`
_PLAIN = (70, 240)  # grey levels of a plain wall, per channel


@dataclass(frozen=True, eq=False)
class Batch:
    """The input of one step.

    Attributes:
        pixels: ``(B * T, 3, H, W)`` float32, normalised, the clips' frames in a row.
        cells: ``(B * T, P, K, 3)`` float32, see `cell_shares`.
        captions: N texts: one of each clip, then a prompt of each class.
        match: ``(B, N)`` bool, which captions are true of which clips.
    """

    pixels: Tensor
    cells: Tensor
    captions: list[str]
    match: Tensor


def batches(
    clips: RenderedClips, templates: list[str], recipe: Recipe, *, shares: CaptionShares
) -> Iterator[Batch]:
    """Yield one batch for each step; the same ones for the same recipe.

    Args:
        clips: of the training split.
        templates: prompt templates that captions may take.
        recipe: the settings.
        shares: how often a caption has which content.
    """
    rng = generator(recipe.seed, "tiny/batches", "train")
    order = _order(len(clips.specs), recipe, rng)
    for step, picked in enumerate(order):
        studio = rng.random(recipe.batch) < studio_share(step / recipe.steps, recipe)
        frames, maps = _pick_frames(clips, picked, recipe.frames, rng)
        cells = cell_shares(maps.flatten(0, 1), PATCH, CELL)
        frames = occlude(_to_studio(frames, maps, studio, rng), recipe, rng)
        facts = [
            clip_facts(action, STUDIO if plain else scene)
            for action, scene, plain in zip(*_truth(clips, picked), studio, strict=True)
        ]
        captions = [sample_caption(fact, templates, shares, rng) for fact in facts]
        if recipe.class_prompts:
            captions += class_prompts(templates[int(rng.integers(len(templates)))])
        yield Batch(
            normalise(frames.flatten(0, 1), PixelScale(MEAN, STD), dtype=torch.float32),
            cells,
            [caption for caption, _ in captions],
            _match(facts, [said for _, said in captions], recipe),
        )


def studio_share(progress: float, recipe: Recipe) -> float:
    """Return the share of clips in front of a plain colour at a point of the training.

    Args:
        progress: share of the steps that are done, in [0, 1].
        recipe: the settings.

    Example:
        >>> recipe = Recipe(studio_first=1, studio_last=0.2, studio_from=0.3, studio_until=0.5)
        >>> [round(studio_share(at, recipe), 2) for at in (0.0, 0.3, 0.4, 0.5, 1.0)]
        [1.0, 1.0, 0.6, 0.2, 0.2]
    """
    span = max(recipe.studio_until - recipe.studio_from, 1e-9)
    done = min(max((progress - recipe.studio_from) / span, 0.0), 1.0)
    return recipe.studio_first + (recipe.studio_last - recipe.studio_first) * done


def occlude(frames: Tensor, recipe: Recipe, rng: np.random.Generator) -> Tensor:
    """Paint random patches of some clips black, the same in all frames of a clip.

    The grid of the patches begins at a random place, so that it is not the model's own grid.

    Args:
        frames: ``(B, T, 3, H, W)`` uint8.
        recipe: the settings.
        rng: source of the random choices.

    Returns:
        ``(B, T, 3, H, W)`` uint8.
    """
    count, side = len(frames), frames.shape[-1]
    share = np.where(rng.random(count) < recipe.occlusion, rng.random(count), 0.0)
    hidden = np.zeros((count, side, side), np.bool_)
    for number in np.flatnonzero(share):
        size = int(rng.choice(_OCCLUDERS))
        cells = -(-side // size) + 1
        chosen = rng.random((cells, cells)) < share[number] * recipe.occlusion_most
        top, left = rng.integers(size, size=2)
        painted = chosen.repeat(size, 0).repeat(size, 1)
        hidden[number] = painted[top : top + side, left : left + side]
    return frames.masked_fill(torch.from_numpy(hidden)[:, None, None], 0)


def _order(clips: int, recipe: Recipe, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the clips of each step; each clip comes once before any is repeated."""
    left = np.empty(0, np.int64)
    for _ in range(recipe.steps):
        while len(left) < recipe.batch:
            left = np.concatenate([left, rng.permutation(clips)])
        yield left[: recipe.batch]
        left = left[recipe.batch :]


def _pick_frames(
    clips: RenderedClips, picked: NDArray[np.int64], count: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Return some frames ``(B, T, 3, H, W)`` of each clip and their maps ``(B, T, H, W)``."""
    length = clips.frames.shape[1]
    kept = [np.sort(rng.choice(length, count, replace=False)) for _ in picked]
    frames = np.stack([clips.frames[clip][t] for clip, t in zip(picked, kept, strict=True)])
    maps = np.stack([clips.maps[clip][t] for clip, t in zip(picked, kept, strict=True)])
    return torch.from_numpy(frames), torch.from_numpy(maps)


def _to_studio(
    frames: Tensor, maps: Tensor, studio: NDArray[np.bool_], rng: np.random.Generator
) -> Tensor:
    """Put a plain colour in place of the scene of some clips."""
    colours = torch.from_numpy(rng.integers(*_PLAIN, (len(frames), 3)).astype(np.uint8))
    plain = torch.from_numpy(studio)[:, None, None, None] & (maps == 0)  # (B, T, H, W)
    return torch.where(plain[:, :, None], colours[:, None, :, None, None], frames)


def _truth(clips: RenderedClips, picked: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Return the class numbers and scene numbers of some clips."""
    scenes = [SCENES.index(clips.specs[clip].scene) for clip in picked]
    return clips.labels[picked].tolist(), scenes


def _match(clips: list[Facts], captions: list[Facts], recipe: Recipe) -> Tensor:
    if recipe.multi_positive:
        return matches(clips, captions)
    return torch.eye(len(clips), len(captions), dtype=torch.bool)
