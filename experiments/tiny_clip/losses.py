"""The losses of the tiny CLIP: pure functions of tensors."""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, normalize


def contrastive_loss(images: Tensor, texts: Tensor, match: Tensor, scale: Tensor) -> Tensor:
    """Return CLIP's symmetric loss for batches in which several captions fit one clip.

    The target of a row is spread evenly over all that fits, in both directions (the supervised
    contrastive loss of Khosla et al. 2020, across two modalities).

    Args:
        images: ``(B, D)`` clip embeddings.
        texts: ``(N, D)`` caption embeddings.
        match: ``(B, N)`` bool, which captions are true of which clips; a clip or a caption that
            nothing fits serves the others as a negative only.
        scale: factor of the cosines, the inverse temperature.

    Returns:
        A scalar.
    """
    logits = scale * normalize(images, dim=-1) @ normalize(texts, dim=-1).T  # (B, N)
    return (_towards(logits, match) + _towards(logits.T, match.T)) / 2


def _towards(logits: Tensor, match: Tensor) -> Tensor:
    """Return the mean cross-entropy of the rows that have a match."""
    fits = match.any(dim=1)
    target = match[fits].to(logits.dtype)
    target = target / target.sum(dim=1, keepdim=True)
    return -(log_softmax(logits[fits], dim=1) * target).sum(dim=1).mean()


def map_loss(logits: Tensor, cells: Tensor) -> Tensor:
    """Return the cross-entropy between predicted and true contents of the cells of patches.

    Args:
        logits: ``(M, P, K * 3)``, K cells of each patch by background, person and object.
        cells: ``(M, P, K, 3)``, true shares of the three in each cell; they sum to 1.

    Returns:
        A scalar.
    """
    return -(log_softmax(logits.view(cells.shape), dim=-1) * cells).sum(dim=-1).mean()


def cell_shares(maps: Tensor, patch: int, cell: int) -> Tensor:
    """Return which shares of each cell of each patch are background, person and object.

    Args:
        maps: ``(M, H, W)`` uint8 of 0, 1 and 2.
        patch: side of a patch in pixels, a divisor of H and W.
        cell: side of a cell in pixels, a divisor of ``patch``.

    Returns:
        ``(M, P, K, 3)`` float32; patches, and the cells in each, row by row.
    """
    count, height, width = maps.shape
    rows, columns, inner = height // patch, width // patch, patch // cell
    blocks = maps.view(count, rows, inner, cell, columns, inner, cell)
    blocks = blocks.permute(0, 1, 4, 2, 5, 3, 6).reshape(count, rows * columns, inner**2, cell**2)
    return torch.stack([(blocks == kind).float().mean(dim=3) for kind in range(3)], dim=3)
