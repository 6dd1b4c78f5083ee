"""Controls for learned noise: other causes of a gain than attention to the action."""

import numpy as np
import torch
from numpy.typing import NDArray

from clip_har.core.seeding import generator
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.perturbation import Perturbation

EMPTY_LEVELS = (0, 127, 255)
"""Frames of one grey: black, mid grey, white."""


def random_like(perturbation: Perturbation, *, seed: int) -> Perturbation:
    """Return random noise as strong as learned noise.

    The values of each class's δ are shuffled over its grid (those of a border over the border), and
    their signs are sampled. The tensors of a sum are shuffled independently. Then the noise of a
    class in a frame is scaled to the root mean square of the learned noise, because random values
    of a coarse grid average out when they are spread over the frame, and so do two tensors that
    are added. Parts of low rank become free parts; frozen noise stays as it is.

    Args:
        perturbation: the learned noise.
        seed: of the random numbers.
    """
    perturbation = perturbation.free()
    parts = {}
    for name, part in perturbation.parts.items():
        rows = part.detach().cpu().flatten(1).numpy().copy()  # (1 or C, values)
        shown = perturbation.grid(part).cpu().expand(part.shape[1:]).numpy().flatten() > 0
        for number, row in enumerate(rows):
            draws = generator(seed, f"noise/random/{name}", str(number))
            dealt = draws.permutation(row[shown])
            row[shown] = dealt * draws.choice(np.array([-1, 1], np.float32), len(dealt))
        parts[name] = torch.from_numpy(rows).reshape(part.shape).to(part.device)
    return perturbation.as_strong(parts)


def named_on_empty(perturbation: Perturbation, zero_shot: ZeroShot) -> NDArray[np.float64]:
    """Return how often each class's noise alone makes the model predict it, on empty frames.

    Args:
        perturbation: noise per class.
        zero_shot: the model with its classes.

    Returns:
        ``(C,)`` shares of the empty frames: black, mid grey and white.
    """
    model, classes = zero_shot.model, len(zero_shot.class_embeddings)
    size = (len(EMPTY_LEVELS), 3, model.image_size, model.image_size)
    levels = torch.tensor(EMPTY_LEVELS, dtype=torch.uint8).view(-1, 1, 1, 1)
    empty = levels.expand(size).contiguous()
    visible = torch.ones(len(empty), 1, *size[2:], device=model.device)
    shares = np.empty(classes)
    with torch.inference_mode():
        prepared = perturbation.prepare(model, empty)
        for label in range(classes):
            own = torch.full((len(empty),), label, device=model.device)
            embedded = perturbation.embed(model, prepared, visible, own, torch.zeros_like(own))
            answers = zero_shot.frame_logits(embedded).argmax(dim=1)
            shares[label] = float((answers == own).float().mean())
    return shares
