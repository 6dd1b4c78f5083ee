from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp
from torch.nn.functional import normalize

from clip_har.models.pooling import Pooling, clip_scores

LENGTHS = [3, 1, 4]


@pytest.fixture
def embeddings() -> torch.Tensor:
    return normalize(torch.randn((8, 16), generator=torch.Generator().manual_seed(0)), dim=-1)


@pytest.fixture
def classifier() -> torch.Tensor:
    return normalize(torch.randn((5, 16), generator=torch.Generator().manual_seed(1)), dim=-1)


def by_hand(frames: np.ndarray, classes: np.ndarray, pooling: Pooling) -> Any:
    """One clip, written out."""
    if pooling == "mean":
        mean = frames.mean(axis=0)
        return 20 * (mean / np.linalg.norm(mean)) @ classes.T
    logits = 20 * frames @ classes.T
    if pooling == "max":
        return logits.max(axis=0)
    return logsumexp(log_softmax(logits, axis=1), axis=0) - np.log(len(frames))


@pytest.mark.parametrize("pooling", ["mean", "max", "mean_probability"])
def test_against_one_clip_at_a_time(
    embeddings: torch.Tensor, classifier: torch.Tensor, pooling: Pooling
) -> None:
    got = clip_scores(embeddings, LENGTHS, classifier, logit_scale=20.0, pooling=pooling)
    assert got.shape == (3, 5)
    start = 0
    for row, length in zip(got.numpy(), LENGTHS, strict=True):
        frames = embeddings[start : start + length].double().numpy()
        np.testing.assert_allclose(
            row, by_hand(frames, classifier.double().numpy(), pooling), atol=1e-4
        )
        start += length


def test_mean_probability_is_a_distribution(
    embeddings: torch.Tensor, classifier: torch.Tensor
) -> None:
    got = clip_scores(embeddings, LENGTHS, classifier, logit_scale=20.0, pooling="mean_probability")
    torch.testing.assert_close(got.exp().sum(dim=1), torch.ones(3))


@pytest.mark.parametrize("pooling", ["mean", "max", "mean_probability"])
def test_one_frame_needs_no_pooling(
    embeddings: torch.Tensor, classifier: torch.Tensor, pooling: Pooling
) -> None:
    got = clip_scores(embeddings[:1], [1], classifier, logit_scale=20.0, pooling=pooling)
    plain = 20.0 * embeddings[:1] @ classifier.T
    torch.testing.assert_close(got.softmax(dim=1), plain.softmax(dim=1))


def test_gradients_reach_the_frames(embeddings: torch.Tensor, classifier: torch.Tensor) -> None:
    embeddings.requires_grad_()
    scores = clip_scores(embeddings, LENGTHS, classifier, logit_scale=20.0, pooling="mean")
    scores.sum().backward()
    assert embeddings.grad is not None
    assert (embeddings.grad.abs().sum(dim=1) > 0).all()
