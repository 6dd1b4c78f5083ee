"""Learned noise at its start, for settings and a model."""

import torch
from torch import Tensor

from clip_har.core.errors import ClipHarError
from clip_har.core.seeding import generator
from clip_har.models.dual_encoder import DualEncoder
from clip_har.noise.learned.base import Learned, LearnedPixels
from clip_har.noise.learned.low_rank import PATTERNS, WEIGHTS
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.pixel_noise import FROZEN, PixelNoise
from clip_har.noise.learned.shift import EmbeddingShift

_START = 0.01  # of the budget: enough to break ties, too little to be visible


def make_perturbation(
    noise: Learned,
    *,
    model: DualEncoder,
    class_embeddings: Tensor,
    frames: int,
    restart: int = 0,
    frozen: Tensor | None = None,
) -> Perturbation:
    """Return noise at its start: random values, a hundredth of the budget at most.

    Args:
        noise: the settings.
        model: whose frames or embeddings get it.
        class_embeddings: ``(C, D)`` class embeddings.
        frames: of a clip; used only by noise that is not static.
        restart: each has other random values.
        frozen: ``(1, F, 3, r, r)``, the noise that it is learned on top of; None for zeros, if it
            is learned on top of any.

    Raises:
        ClipHarError: when there are more patterns than classes.
    """
    classes, width = class_embeddings.shape
    seed = noise.seed
    if restart:
        seed = int(generator(noise.seed, "noise/start", str(restart)).integers(2**62))
    draws = torch.Generator().manual_seed(seed)

    def start(*shape: int, budget: float, share: float = _START) -> Tensor:
        unit = 2 * torch.rand(shape, generator=draws) - 1
        return (unit * budget * share).to(model.device)

    budgets = noise.budgets()
    if not isinstance(noise, LearnedPixels):
        (length,) = budgets.values()
        return EmbeddingShift({"own": start(classes, width, budget=length)}, length)
    if noise.patterns is not None and noise.patterns > classes:
        raise ClipHarError(
            f"noise.rank={noise.patterns}: expected at most one pattern for each of the {classes}"
            " classes; noise.rank=null learns a free part for each class"
        )
    side = noise.resolution or model.image_size
    grid = (1 if noise.static else frames, 3, side, side)
    rows = {"shared": 1, "own": classes}
    if noise.patterns is not None:
        budgets = {PATTERNS: budgets["own"], WEIGHTS: 1.0}
        parts = {
            PATTERNS: start(noise.patterns, *grid, budget=budgets[PATTERNS]),
            WEIGHTS: start(classes, noise.patterns, budget=1.0, share=1.0),
        }
    else:
        parts = {name: start(rows[name], *grid, budget=size) for name, size in budgets.items()}
    if (base := noise.base()) is not None:
        budgets[FROZEN] = base.budgets()["shared"]
        frozen = torch.zeros(1, *grid, device=model.device) if frozen is None else frozen
    made = PixelNoise(
        parts=parts,
        budgets=budgets,
        norm=noise.norm,
        size=model.image_size,
        where=noise.where,
        window=None if noise.border is None else _border(noise.border, model),
        frozen=frozen,
    )
    made.project()
    return made


def _border(width: int, model: DualEncoder) -> Tensor:
    size = model.image_size
    window = torch.ones(size, size, device=model.device)
    inner = slice(width, size - width)
    window[inner, inner] = 0
    return window
