"""The gradient of a step, in passes that need no more memory than ``learning.batch`` frames."""

from collections.abc import Callable

import torch
from torch import Tensor

from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.objective import mean_prediction, terms
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.training_clips import Batch


def add_gradient(
    noise: Learned,
    perturbation: Perturbation,
    zero_shot: ZeroShot,
    batch: Batch,
    wrong: Tensor | None,
    prior: Tensor,
    *,
    backward: Callable[[Tensor], None],
) -> dict[str, float]:
    """Add the gradient of the loss of a batch to the noise, and return the terms of the loss.

    Frames pass in parts of `Learned.frames_at_once`, one after the other. Terms that are means over
    frames are means of the parts' means, weighted by frames; ``attention`` is weighted by frames
    with a subject. ``bias`` is a function of the mean prediction of the whole batch: with several
    parts, that is found first, in a pass without a gradient. So the gradient is that of one pass
    over all frames, up to rounding, except where a frame has no attribution at all.

    Args:
        noise: the settings.
        perturbation: the current noise.
        zero_shot: the frozen model with its classes.
        batch: B frames.
        wrong: ``(B, J)`` wrong classes, see `terms`.
        prior: ``(C,)``, see `clip_har.noise.learned.objective.class_prior`.
        backward: computes the gradient of the loss of a part.

    Returns:
        Each term and their weighted sum, ``total``.
    """
    size, weights = noise.frames_at_once(len(prior)), noise.weights()
    batches = batch.split(size)
    wrongs = [None] * len(batches) if wrong is None else torch.split(wrong, size)
    parts = list(zip(batches, wrongs, strict=True))
    mean = None
    if "bias" in weights and len(parts) > 1:
        mean = mean_prediction(noise, perturbation, zero_shot, parts)
    found = dict.fromkeys([*weights, "total"], 0.0)
    for part, own in parts:
        values = terms(noise, perturbation, zero_shot, part, own, prior, mean)
        shares = {name: _share(name, part, batch) for name in values}
        total = torch.stack([weights[name] * shares[name] * values[name] for name in values]).sum()
        backward(total)
        for name, value in values.items():
            found[name] += shares[name] * float(value.detach())
        found["total"] += float(total.detach())
    return found


def _share(name: str, part: Batch, batch: Batch) -> float:
    """Return the weight of a part's mean in the mean of a batch."""
    if name != "attention":
        return len(part.labels) / len(batch.labels)
    counted, every = _with_subject(part), _with_subject(batch)
    return counted / every if every else 0.0


def _with_subject(batch: Batch) -> int:
    """Return the number of frames with a subject."""
    assert batch.subject is not None  # noqa: S101
    return int((batch.subject.sum(dim=(1, 2)) > 0).sum())
