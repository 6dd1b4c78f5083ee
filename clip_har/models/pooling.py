"""From frames to a clip: pool over time, then compare with the classes."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

Pooling = Literal["mean", "mean_probability", "max"]


def clip_embeddings(embeddings: Tensor, lengths: Sequence[int]) -> Tensor:
    """Return ``(B, D)`` float32 the renormalised mean of each clip's frames.

    Args:
        embeddings: ``(M, D)`` L2-normalised frame embeddings, the clips' frames in a row.
        lengths: frames of each of the B clips; they sum to M.
    """
    if len(set(lengths)) == 1:  # all at once
        means = embeddings.float().view(len(lengths), lengths[0], -1).mean(dim=1)
    else:
        clips = torch.split(embeddings.float(), list(lengths))
        means = torch.stack([clip.mean(dim=0) for clip in clips])
    return normalize(means, dim=-1)


def clip_scores(
    embeddings: Tensor,
    lengths: Sequence[int],
    classifier: Tensor,
    *,
    logit_scale: float,
    pooling: Pooling,
    logit_bias: float = 0.0,
) -> Tensor:
    """Score every class for every clip.

    Args:
        embeddings: ``(M, D)`` L2-normalised frame embeddings, the clips' frames in a row.
        lengths: frames of each of the B clips; they sum to M.
        classifier: ``(C, D)`` L2-normalised class embeddings.
        logit_scale: the model's learned temperature, as a factor.
        pooling: ``mean``: logits of the renormalised mean embedding; ``max``: per class the best
            frame's logit; ``mean_probability``: logarithm of the mean softmax over frames.
        logit_bias: added to every logit by the model; the softmax does not depend on it.

    Returns:
        ``(B, C)`` float32 logits, or log-probabilities with ``mean_probability``; the softmax of
        either is the clip's class distribution.
    """
    weight = classifier.float().T * logit_scale  # (D, C)
    if pooling == "mean":
        return clip_embeddings(embeddings, lengths) @ weight + logit_bias
    logits = torch.split(embeddings.float() @ weight + logit_bias, list(lengths))
    if pooling == "max":
        return torch.stack([clip.amax(dim=0) for clip in logits])
    return torch.stack(
        [
            clip.log_softmax(dim=-1).logsumexp(dim=0) - torch.tensor(len(clip)).log().to(clip)
            for clip in logits
        ]
    )
