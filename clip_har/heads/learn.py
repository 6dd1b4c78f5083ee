"""Learn a head's tensor by gradient steps: as many, of as many clips, as noise is learned with."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.core.progress import track
from clip_har.core.seeding import generator
from clip_har.heads.clips import balanced

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """How long a head is learned; of noise, `LearningSettings` says it.

    Attributes:
        steps: optimiser steps.
        batch: clips in one step.
        validate_every: steps between validations.
        patience: validations without a better score before learning stops.
        seed: of everything random.
    """

    steps: int = 300
    batch: int = 96
    validate_every: int = 25
    patience: int = 6
    seed: int = 0


def learn(
    start: Tensor,
    labels: Rows,
    schedule: Schedule,
    *,
    rate: float,
    loss: Callable[[Tensor, Rows], Tensor],
    score: Callable[[Tensor], float],
    message: str,
    half: bool = False,
) -> tuple[Tensor, int]:
    """Learn a tensor with Adam; the values with the best validation score are kept.

    In each step all classes are equally likely, whatever their number of clips, as in the batches
    that noise is learned from. The start is kept if no step has a better score.

    Args:
        start: the values at the start.
        labels: ``(N,)`` of the training clips.
        schedule: how long.
        rate: the step size at the start; it falls to 0 along a cosine.
        loss: of the values and the rows of a batch.
        score: of the values, on validation clips; larger is better.
        message: for the progress bar.
        half: whether gradients pass through half precision (float16): then they are scaled, and a
            step whose gradients are not finite is skipped.

    Returns:
        The kept values, and their step.
    """
    values = start.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([values])
    scaler = torch.amp.GradScaler(values.device.type, enabled=half)
    weights = balanced(labels)
    best, kept, highest, waited = start.detach().clone(), 0, score(start), 0
    with track(schedule.steps, message) as advance:
        for step in range(schedule.steps):
            draws = generator(schedule.seed, "heads/batch", str(step))
            rows = draws.choice(len(labels), schedule.batch, p=weights)
            optimiser.zero_grad(set_to_none=True)
            scaler.scale(loss(values, rows)).backward()  # type: ignore[no-untyped-call]
            optimiser.param_groups[0]["lr"] = (
                rate * (1 + math.cos(math.pi * step / schedule.steps)) / 2
            )
            scaler.step(optimiser)
            scaler.update()
            advance(1, f"validation {highest:.3f}")
            done = step + 1
            if done % schedule.validate_every and done != schedule.steps:
                continue
            found = score(values.detach())
            waited += 1
            if found > highest:  # false of no number
                best, kept, highest, waited = values.detach().clone(), done, found, 0
            if waited >= schedule.patience:
                break
    return best, kept
