"""How noise per class is used when the label is not known: protocols over one table of answers.

The table ``noisy`` is ``(N, C, C)``: row n, noise c, score of each class, so that one computation
serves all protocols; ``clean`` is ``(N, C)``, the scores without noise. All return ``(N, C)``
scores whose softmax is the distribution over the classes.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clip_har.core.seeding import generator
from clip_har.noise.variants import Scores

Protocol = Literal["candidate", "topk", "predicted", "oracle", "lift", "lift_topk"]
"""How noise per class is used when the label is not known."""
PROTOCOLS: tuple[Protocol, ...] = ("candidate", "topk", "predicted", "oracle")
LIFTS: tuple[Protocol, ...] = ("lift", "lift_topk")
"""Protocols of nested noise, whose weights are fitted on held clips."""
LEAKS = " (leaks the label)"
"""Follows the name of everything that depends on the true label."""


def variant_name(protocol: Protocol) -> str:
    """Return a protocol's name for tables and figures; one that leaks says so.

    Example:
        >>> variant_name("oracle")
        'oracle (leaks the label)'
    """
    return protocol + (LEAKS if protocol == "oracle" else "")


def apply_protocol(
    protocol: Protocol, clean: Scores, noisy: Scores, *, labels: NDArray[np.int64], top_k: int
) -> tuple[Scores, NDArray[np.int64]]:
    """Return the scores of a protocol, and the class whose noise each prediction was made under.

    Args:
        protocol: the protocol.
        clean: ``(N, C)`` scores without noise.
        noisy: ``(N, C, C)`` scores under each class's noise; only the classes that `needed`
            returns are used.
        labels: ``(N,)`` true classes; used only by ``oracle``.
        top_k: candidates of ``topk``.
    """
    if protocol in ("candidate", "topk"):
        scores = candidate(noisy) if protocol == "candidate" else topk(clean, noisy, top_k)
        return scores, used(protocol, clean, scores, labels=labels)
    columns = used(protocol, clean, clean, labels=labels)
    return noisy[np.arange(len(clean)), columns], columns


def used(
    protocol: Protocol, clean: Scores, scores: Scores, *, labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the class whose noise each clip's prediction was made under, ``(N,)``.

    Args:
        protocol: the protocol.
        clean: ``(N, C)`` scores without noise.
        scores: ``(N, C)`` of the protocol.
        labels: ``(N,)`` true classes; used only by ``oracle``.
    """
    if protocol == "oracle":
        return labels
    best: NDArray[np.int64] = (clean if protocol == "predicted" else scores).argmax(axis=1)
    return best


def needed(
    protocol: Protocol, clean: Scores, *, labels: NDArray[np.int64], top_k: int
) -> NDArray[np.int64]:
    """Return the classes whose noise a protocol needs for each clip, ``(N, K)``: K passes.

    Args:
        protocol: the protocol.
        clean: ``(N, C)`` scores without noise.
        labels: ``(N,)`` true classes; used only by ``oracle``.
        top_k: candidates of ``topk``.

    Example:
        >>> needed("topk", np.array([[3.0, 2.0, 0.0]], np.float32), labels=np.array([2]), top_k=2)
        array([[0, 1]])
    """
    if protocol == "oracle":
        return labels[:, None]
    if protocol == "candidate":
        return np.broadcast_to(np.arange(clean.shape[1]), clean.shape)
    return best_classes(clean, top_k if protocol == "topk" else 1)


def best_classes(clean: Scores, count: int) -> NDArray[np.int64]:
    """Return the best classes of each clip, ``(N, count)``, the best first; of equals the first."""
    return np.argsort(-clean, axis=1, kind="stable")[:, :count]


def candidate(noisy: Scores) -> Scores:
    """Score every class on its own noise: s_c = z_c(x + δ_c). C passes.

    Example:
        >>> candidate(np.array([[[1.0, 5.0], [2.0, 3.0]]], np.float32)).tolist()
        [[1.0, 3.0]]
    """
    return np.ascontiguousarray(np.diagonal(noisy, axis1=1, axis2=2))


def topk(clean: Scores, noisy: Scores, k: int) -> Scores:
    """Let the noise decide between the k best classes of the clean pass: 1 + k passes.

    Their scores are those of `candidate`. The other classes keep their clean scores, shifted by one
    number so that the gap between the k-th and the next class is that of the clean pass. So one of
    the k is always predicted.

    Args:
        clean: ``(N, C)``.
        noisy: ``(N, C, C)``.
        k: at least 1; with k ≥ C it is `candidate`.

    Example:
        >>> clean = np.array([[3.0, 2.0, 0.0]], np.float32)
        >>> noisy = np.array([[[1, 0, 0], [0, 4, 0], [0, 0, 9]]], np.float32)
        >>> topk(clean, noisy, 2).tolist()
        [[1.0, 4.0, -1.0]]
    """
    scores = candidate(noisy)
    classes = clean.shape[1]
    if k >= classes:
        return scores
    order = best_classes(clean, classes)
    best, others = order[:, :k], order[:, k:]
    ranked = np.take_along_axis(scores, best, axis=1)
    kept = np.take_along_axis(clean, others, axis=1)
    kth = np.take_along_axis(clean, order[:, k - 1 : k], axis=1)
    # A small minimum: with equal clean scores no class from outside the k must win.
    gap = np.maximum(kth - kept[:, :1], 1e-3)
    lowest = ranked.min(axis=1, keepdims=True)
    found = np.empty_like(scores)
    np.put_along_axis(found, best, ranked, axis=1)
    np.put_along_axis(found, others, kept - kept[:, :1] + lowest - gap, axis=1)
    return found


def derangement(classes: int, *, seed: int) -> NDArray[np.int64]:
    """Return for each class another class, whose δ it gets; each δ is used once.

    Args:
        classes: at least 2.
        seed: of the random numbers.
    """
    order = generator(seed, "noise/shuffled", "classes").permutation(classes)
    partner = np.empty(classes, np.int64)
    partner[order] = np.roll(order, 1)  # one cycle through all classes: none keeps its own
    return partner
