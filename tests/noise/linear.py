"""A frozen model whose embedding is linear in the pixels: every number can be worked by hand."""

from types import SimpleNamespace

import torch
from torch import Tensor

from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.processor import PixelScale
from clip_har.models.zero_shot import ZeroShot

SIDE = 16
WIDTH = 6  # of the embedding
CPU = torch.device("cpu")


class LinearNetwork:
    """Maps normalised pixels to features by one matrix."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight  # (D, 3 * S * S)

    def get_image_features(self, pixel_values: Tensor) -> SimpleNamespace:
        return SimpleNamespace(pooler_output=pixel_values.flatten(1) @ self.weight.T)


def linear_model(
    weight: Tensor | None = None, *, side: int = SIDE, seed: int = 0, device: torch.device = CPU
) -> DualEncoder:
    """Return a model with the given ``(D, 3 * S * S)`` weights, or random ones."""
    if weight is None:
        draws = torch.Generator().manual_seed(seed)
        weight = torch.randn(WIDTH, 3 * side * side, generator=draws)
    return DualEncoder(
        network=LinearNetwork(weight),
        tokenizer=None,
        name="linear",
        digest=f"linear {seed}",
        image_size=side,
        context_length=77,
        scale=PixelScale((0.5, 0.4, 0.3), (0.25, 0.2, 0.3)),
        logit_scale=10.0,
        device=device,
        dtype=torch.float32,
    )


def block_classifier(classes: int, *, side: int = SIDE) -> ZeroShot:
    """Return a model that names the class whose horizontal stripe is the brightest."""
    weight = torch.zeros(classes, 3, side, side)
    for label, rows in enumerate(torch.arange(side).tensor_split(classes)):
        weight[label, :, rows] = 1 / len(rows)
    weight -= weight.mean(dim=0)  # a frame of one grey speaks for no class
    return ZeroShot(linear_model(weight.flatten(1), side=side), torch.eye(classes), "mean", 32)


def random_frames(count: int, *, side: int = SIDE, seed: int = 0) -> Tensor:
    """Return ``(M, 3, S, S)`` uint8."""
    draws = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=draws)
