"""The loss of one step: which noise each frame gets, and the scores that each term uses."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from clip_har.models.attribution import attribution_with_gradient
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned import loss
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.training_clips import Batch

_RARE = 1e-3  # prior of a class without a training clip, before all are scaled to sum to 1


def terms(
    noise: Learned,
    perturbation: Perturbation,
    zero_shot: ZeroShot,
    batch: Batch,
    wrong: Tensor | None,
    prior: Tensor,
    mean: Tensor | None = None,
) -> dict[str, Tensor]:
    """Return the terms of the loss that have a weight, by name, as scalars with a gradient.

    Args:
        noise: the settings.
        perturbation: the current noise.
        zero_shot: the frozen model with its classes.
        batch: B frames.
        wrong: ``(B, J)`` wrong classes whose noise each frame is seen under, too; None for
            noise that is one for all classes.
        prior: ``(C,)``, see `class_prior`.
        mean: of the batch that these frames are a part of, see `mean_prediction`; None if they are
            the whole batch. Only the term ``bias`` needs it.
    """
    device = zero_shot.class_embeddings.device
    labels = batch.labels.to(device)
    weights = noise.weights()
    shown = _shown(labels, wrong)  # (B, 1 + J)
    logits = _logits(noise, perturbation, zero_shot, batch, shown)  # (B, 1 + J, C)
    own, others = logits[:, 0], logits[:, 1:]

    found: dict[str, Tensor] = {}
    if "cross_entropy" in weights:
        found["cross_entropy"] = loss.cross_entropy(own, labels)
    if "contrast" in weights:
        found["contrast"] = loss.contrast(others, shown[:, 1:])
    if "ranking" in weights:
        found["ranking"] = loss.ranking(logits.gather(2, shown[:, :, None]).squeeze(2))
    if "bias" in weights:
        found["bias"] = loss.bias(_unaided(logits), prior.to(device), mean)
    if "attention" in weights:
        found["attention"] = _attention(noise, perturbation, zero_shot, batch)
    return {name: found[name] for name in weights if name in found}


def mean_prediction(
    noise: Learned,
    perturbation: Perturbation,
    zero_shot: ZeroShot,
    parts: Sequence[tuple[Batch, Tensor | None]],
) -> Tensor:
    """Return the mean of p over all frames of a batch, ``(C,)``, as the term ``bias`` uses it.

    Args:
        noise: the settings.
        perturbation: the current noise.
        zero_shot: the frozen model with its classes.
        parts: the batch in parts, each with its wrong classes, see `terms`.
    """
    total, count = torch.zeros(()), 0
    with torch.no_grad():
        for batch, wrong in parts:
            shown = _shown(batch.labels.to(zero_shot.class_embeddings.device), wrong)
            seen = _unaided(_logits(noise, perturbation, zero_shot, batch, shown))
            total = total.to(seen.device) + seen.softmax(dim=1).sum(dim=0)
            count += len(seen)
    return total / count


def sample_wrong(
    clean: Tensor, labels: Tensor, *, count: int, draws: np.random.Generator
) -> Tensor:
    """Sample the wrong classes whose noise each frame is seen under.

    Half of them, rounded up, are the most likely ones without noise; the others are sampled
    uniformly from the rest.

    Args:
        clean: ``(B, C)`` scores without noise.
        labels: ``(B,)`` true classes.
        count: number of wrong classes of each frame; at most C − 1.
        draws: the step's own random numbers.

    Returns:
        ``(B, J)`` distinct classes, none of them the true one.
    """
    classes = clean.shape[1]
    count = min(count, classes - 1)
    hard = (count + 1) // 2
    ranks = clean.clone()
    ranks[torch.arange(len(labels)), labels] = float("-inf")
    order = ranks.argsort(dim=1, descending=True)[:, : classes - 1]  # all but the true class
    rows = []
    for row in order:
        rest = draws.permutation(classes - 1 - hard)[: count - hard] + hard
        rows.append(torch.cat([row[:hard], row[torch.from_numpy(rest)]]))
    return torch.stack(rows)


def class_prior(labels: np.ndarray, classes: int) -> Tensor:
    """Return the class prior of the batches: uniform over present classes, `_RARE` for others.

    Args:
        labels: of the training clips.
        classes: their number C.
    """
    prior = torch.full((classes,), _RARE)
    prior[torch.from_numpy(np.unique(labels))] = 1.0
    return prior / prior.sum()


def _shown(labels: Tensor, wrong: Tensor | None) -> Tensor:
    """Return the classes whose noise each frame gets, ``(B, 1 + J)``, its own first."""
    if wrong is None:
        return labels[:, None]
    return torch.cat([labels[:, None], wrong.to(labels.device)], dim=1)


def _logits(
    noise: Learned,
    perturbation: Perturbation,
    zero_shot: ZeroShot,
    batch: Batch,
    shown: Tensor,
) -> Tensor:
    """Return the logits of B frames under the noise of some classes each, ``(B, 1 + J, C)``."""
    device, each = shown.device, shown.shape[1]
    prepared = perturbation.prepare(zero_shot.model, batch.frames)
    embeddings = perturbation.embed(
        zero_shot.model,
        prepared.repeat_interleave(each, dim=0),
        batch.visible.to(device).repeat_interleave(each, dim=0),
        shown.flatten() if noise.per_class else torch.zeros_like(shown.flatten()),
        batch.times.to(device).repeat_interleave(each),
    )
    logits = zero_shot.frame_logits(embeddings)  # (B * (1 + J), C)
    return logits.reshape(len(shown), each, -1)


def _unaided(logits: Tensor) -> Tensor:
    """Return the logits ``(…, C)`` that show bias: those under wrong classes' noise, if any.

    Under its own class's noise a prediction is right for a trivial reason.
    """
    return logits[:, 1:].flatten(0, 1) if logits.shape[1] > 1 else logits[:, 0]


def _attention(
    noise: Learned, perturbation: Perturbation, zero_shot: ZeroShot, batch: Batch
) -> Tensor:
    """Return the attention term: attribution for the true class on x + δ_y, against the subject."""
    pixel_noise = cast(PixelNoise, perturbation)  # checked with the configuration
    assert batch.subject is not None  # noqa: S101
    device = zero_shot.class_embeddings.device
    labels = batch.labels.to(device)
    pixels = pixel_noise.pixels(
        zero_shot.model,
        batch.frames.to(device),
        batch.visible.to(device),
        labels if noise.per_class else torch.zeros_like(labels),
        batch.times.to(device),
    )
    attribution = attribution_with_gradient(
        zero_shot.model, pixels, zero_shot.class_embeddings[labels]
    )
    subject = adaptive_avg_pool2d(batch.subject.to(device), attribution.shape[-1])
    return loss.attention(attribution, subject)
