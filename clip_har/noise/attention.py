"""Whether the model looks at the subject: the share of its evidence that lies there."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy
from torch.nn.functional import adaptive_avg_pool2d

from clip_har.models.evidence import clip_evidence, embed_clip
from clip_har.models.zero_shot import ZeroShot


def evidence_maps(zero_shot: ZeroShot, frames: Tensor, label: int) -> Tensor:
    """Return where a clip's evidence for a class lies, ``(T, g, g)`` at least 0.

    Args:
        zero_shot: the model with its classes.
        frames: ``(T, 3, S, S)`` uint8, as the model sees them.
        label: the class, usually the one that the model answers.
    """
    return clip_evidence(
        zero_shot.model,
        frames,
        zero_shot.classifier[label],
        embed_clip(zero_shot.model, frames),
        pooling=zero_shot.pooling,
    )


def mass_inside(evidence: Tensor, subject: NDArray[np.float32]) -> float:
    """Return the share of the evidence inside the subject, in [0, 1]; NaN without evidence.

    Relevance Mass Accuracy (Arras, Osman and Samek 2022), over all frames of a clip; a patch
    that the subject covers in part counts in part.

    Args:
        evidence: ``(T, g, g)`` at least 0.
        subject: ``(T, S, S)`` relevance in [0, 1].

    Example:
        >>> import torch
        >>> subject = np.zeros((1, 4, 4), np.float32)
        >>> subject[0, :2] = 1  # the upper half
        >>> mass_inside(torch.tensor([[[3.0, 0.0], [1.0, 0.0]]]), subject)
        0.75
    """
    patches = adaptive_avg_pool2d(from_numpy(subject.copy()), evidence.shape[-1])
    total = float(evidence.sum())
    return float((evidence * patches).sum()) / total if total > 0 else float("nan")
