"""The terms of the loss that noise is learned with: pure functions, lower is better.

Throughout, ``logits`` are at the model's own scale, B is clips, C classes, J wrong classes that a
clip is seen under. The mix is ours; where a term is known from elsewhere, its source is named.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy as _cross_entropy


def cross_entropy(own: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of −ln p_y on x + δ_y.

    Args:
        own: ``(B, C)`` logits of the clips under their own class's δ.
        labels: ``(B,)`` true classes.
    """
    return _cross_entropy(own, labels)


def contrast(wrong: Tensor, classes: Tensor) -> Tensor:
    """Return the mean of −ln(1 − p_c) on x + δ_c, c wrong: δ_c must not name c by itself (ours).

    Args:
        wrong: ``(B, J, C)`` logits of the clips under wrong classes' δ.
        classes: ``(B, J)`` these classes.

    Example:
        >>> contrast(torch.zeros(1, 1, 2), torch.tensor([[1]]))  # -ln(1 - 1/2)
        tensor(0.6931)
    """
    named = wrong.gather(2, classes[:, :, None]).squeeze(2)
    others = wrong.scatter(2, classes[:, :, None], float("-inf")).logsumexp(dim=2)
    # ln(1 - p_c) = ln(sum of the others) - ln(sum of all), exact also where p_c is nearly 1
    return (torch.logaddexp(named, others) - others).mean()


def ranking(candidates: Tensor) -> Tensor:
    """Return the mean of −ln softmax_y over the candidates' scores s_c = z_c(x + δ_c) (ours).

    It is the cross-entropy of the ``candidate`` protocol, over the sampled classes.

    Args:
        candidates: ``(B, 1 + J)`` scores, the true class first.

    Example:
        >>> ranking(torch.tensor([[1.0, 1.0]]))
        tensor(0.6931)
    """
    first = torch.zeros(len(candidates), dtype=torch.long, device=candidates.device)
    return _cross_entropy(candidates, first)


def bias(logits: Tensor, prior: Tensor, mean: Tensor | None = None) -> Tensor:
    """Return KL(mean of p ‖ prior), the measure ``bias/skew_kl`` on a batch.

    Args:
        logits: ``(B, C)``.
        prior: ``(C,)`` above 0, sums to 1.
        mean: ``(C,)`` mean of p over a batch that these clips are a part of, without a gradient;
            the value is then that of the batch. The gradients of its parts, weighted by their
            share of the clips, sum to that of the batch.

    Example:
        >>> bias(torch.tensor([[9.0, 0.0], [0.0, 9.0]]), torch.tensor([0.5, 0.5])).abs() < 1e-6
        tensor(True)
    """
    own = logits.softmax(dim=1).mean(dim=0)
    if mean is not None:
        own = mean + (own - own.detach())
    # Also if a probability is too small for its type: 0 · ln 0 has no gradient.
    logs = own.clamp(min=torch.finfo(own.dtype).tiny).log()
    return (own * (logs - prior.log())).sum()


def attention(attribution: Tensor, subject: Tensor) -> Tensor:
    """Return the mean share of the attribution that lies outside the subject.

    One minus the Relevance Mass Accuracy of Arras, Osman and Samek 2022.

    Args:
        attribution: ``(B, g, g)`` at least 0.
        subject: ``(B, g, g)`` in [0, 1]; frames without a subject do not count.
    """
    total = attribution.sum(dim=(1, 2))
    inside = (attribution * subject).sum(dim=(1, 2))
    counts = (subject.sum(dim=(1, 2)) > 0) & (total > 0)
    shares = inside[counts] / total[counts]
    return 1 - shares.mean() if len(shares) else attribution.sum() * 0
