"""Planted embeddings: labels that can be read linearly, and texts that say little about them."""

import numpy as np
import torch
from numpy.typing import NDArray

from clip_har.heads.clips import LabelledClips
from clip_har.heads.head import Head, TextClasses
from clip_har.heads.learn import Schedule

CLASSES, SIZE = 4, 16
CPU = torch.device("cpu")
QUICK = Schedule(steps=30, batch=24, validate_every=10)


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return rows of length 1."""
    found: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found.astype(np.float32)


def centres() -> NDArray[np.float64]:
    """Return the directions of the classes, ``(C, D)``."""
    return np.random.default_rng(99).normal(size=(CLASSES, SIZE))


def texts(*, error: float = 1.5, scale: float = 20.0, bias: float = -3.0) -> TextClasses:
    """Return class embeddings that miss the directions of the classes by a random error."""
    draws = np.random.default_rng(7)
    return TextClasses(unit(centres() + error * draws.normal(size=(CLASSES, SIZE))), scale, bias)


def clips(seed: int, count: int = 120, *, spread: float = 0.7) -> LabelledClips:
    """Return clips around the directions of their classes, with groups of their own."""
    draws = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    vectors = centres()[labels] + spread * draws.normal(size=(count, SIZE)) * 2
    return LabelledClips(unit(vectors), labels, [f"{seed} g{row // 8}" for row in range(count)])


def without(clips: LabelledClips, *classes: int) -> LabelledClips:
    """Return the clips of the other classes."""
    rows = np.flatnonzero(~np.isin(clips.labels, classes)).tolist()
    groups = [clips.groups[row] for row in rows]
    return LabelledClips(clips.embeddings[rows], clips.labels[rows], groups)


def relabelled(clips: LabelledClips, labels: NDArray[np.int64]) -> LabelledClips:
    return LabelledClips(clips.embeddings, labels, clips.groups)


def top1(head: Head, clips: LabelledClips) -> float:
    return float((head.logits(clips.embeddings).argmax(axis=1) == clips.labels).mean())


TRAIN, VALIDATION, TEST = clips(1), clips(2, 60), clips(3, 800)
