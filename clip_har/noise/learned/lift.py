"""The features of the stacks: scores of each class without noise, under noise, and by heads.

x is a clip under its mask, z_c the model's score of class c, δu the noise for all classes, δc the
part of class c.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clip_har.noise.learned.arms import Dealt, Feature
from clip_har.noise.learned.protocols import best_classes
from clip_har.noise.learned.stack import Features
from clip_har.noise.variants import NONE, SECOND, UNIVERSAL, Scores


@dataclass(frozen=True, eq=False)
class Parts:
    """The scores of N clips under the part that each class gets.

    Attributes:
        noisy: ``(N, C, C)``: clip, class whose part it is by the deal, class that is scored; NaN
            for parts that were not computed.
        computed: ``(N, C)``, which parts are used.
        dealt: ``(C,)``, the class that the part of each class was learned for.
    """

    noisy: Scores
    computed: NDArray[np.bool_]
    dealt: NDArray[np.int64]

    @cached_property
    def mean(self) -> Scores:
        """``(N, C)``, the mean of a class's score over the parts of other classes that are used.

        The part that was learned for the class is left out: a placebo must not see it, not even in
        a mean. So at least two parts must be used.

        Example:
            >>> noisy = np.array([[[1, 5, 9], [3, 4, 5], [5, 6, 7]]], np.float32)
            >>> Parts(noisy, np.ones((1, 3), bool), np.arange(3)).mean.tolist()
            [[4.0, 5.5, 7.0]]
        """
        classes = np.arange(len(self.dealt))
        place = np.argsort(self.dealt)  # where the part is that was learned for each class
        used = self.computed[:, :, None]
        total = np.where(used, self.noisy, 0).sum(axis=1, dtype=np.float64)
        without = self.computed[:, place]
        left = np.where(without, self.noisy[:, place, classes], 0)
        count = self.computed.sum(axis=1)[:, None] - without
        mean: Scores = ((total - left) / count).astype(np.float32)
        return mean

    @cached_property
    def own(self) -> Scores:
        """``(N, C)``, the score of each class under its part; the mean where that is not used.

        Example:
            >>> noisy = np.array([[[1, 5, 9], [np.nan] * 3, [3, 1, 1]]], np.float32)
            >>> parts = Parts(noisy, np.array([[True, False, True]]), np.arange(3))
            >>> parts.own.tolist()
            [[1.0, 3.0, 1.0]]
        """
        return np.where(self.computed, np.diagonal(self.noisy, axis1=1, axis2=2), self.mean)

    def of(self, classes: NDArray[np.int64]) -> Scores:
        """Return ``(N, C)``: the scores of each clip under the part of one class, ``(N,)``."""
        scores: Scores = self.noisy[np.arange(len(classes)), classes]
        return scores


def parts_of(
    clean: Scores, noisy: Scores, *, top_k: int | None, dealt: NDArray[np.int64] | None = None
) -> Parts:
    """Return the parts that a protocol uses.

    Args:
        clean: ``(N, C)``, the scores without noise.
        noisy: ``(N, C, C)``.
        top_k: the parts of so many classes are used, at least two, the best without noise; None for
            all.
        dealt: ``(C,)``, the class whose part each class gets; None for its own.
    """
    if dealt is None:
        return Parts(noisy, computed_parts(clean, top_k), np.arange(clean.shape[1]))
    return Parts(noisy[:, dealt], computed_parts(clean, top_k), dealt)


def computed_parts(clean: Scores, top_k: int | None) -> NDArray[np.bool_]:
    """Return which classes are scored under a part, ``(N, C)``; arguments as for `parts_of`."""
    if top_k is None:
        return np.ones(clean.shape, np.bool_)
    found = np.zeros(clean.shape, np.bool_)
    np.put_along_axis(found, best_classes(clean, top_k), values=True, axis=1)
    return found


def columns_needed(
    parts: Sequence[Dealt],
    clean: Scores,
    *,
    labels: NDArray[np.int64],
    partner: NDArray[np.int64],
    top_k: int,
) -> NDArray[np.int64]:
    """Return the classes whose parts clips are shown with, ``(N, K)``, some maybe twice.

    Args:
        parts: see `clip_har.noise.learned.arms.parts_needed`.
        clean: ``(N, C)``, the scores without noise.
        labels: ``(N,)``, the true classes; only ``true`` uses them.
        partner: ``(C,)``, another class for each class.
        top_k: number of classes that are scored under a part.
    """
    best = best_classes(clean, top_k)
    given = {"own": best, "another": partner[best], "true": labels[:, None]}
    return np.concatenate([given[part] for part in parts], axis=1)


@dataclass(frozen=True, eq=False)
class Answers:
    """All scores of N clips that the stacks are made of.

    Attributes:
        scores: ``(N, K, C)`` by noise; noise for all classes has one column.
        labels: ``(N,)``, the true classes; only what leaks uses them.
        partner: ``(C,)``, another class for each class.
        top_k: see `parts_of`.
        heads: ``(N, C)`` logits by classifier on frozen embeddings.
    """

    scores: Mapping[str, Scores]
    labels: NDArray[np.int64]
    partner: NDArray[np.int64]
    top_k: int | None = None
    heads: Mapping[str, Scores] = field(default_factory=dict)

    @property
    def clean(self) -> Scores:
        """``(N, C)``, the scores without noise."""
        return self.scores[NONE][:, 0]

    def parts(self, noise: str, *, another: bool = False) -> Parts:
        """Return the scores under the parts of a noise per class.

        Args:
            noise: its name.
            another: give each class the part of another class.
        """
        key = (noise, another)
        if key not in self._parts:
            dealt = self.partner if another else None
            self._parts[key] = parts_of(
                self.clean, self.scores[noise], top_k=self.top_k, dealt=dealt
            )
        return self._parts[key]

    def features(
        self, names: tuple[Feature, ...], *, noise: str, another: bool = False, head: str = ""
    ) -> Features:
        """Return the features of a stack, ``(N, C, K)``.

        Args:
            names: of the features.
            noise: the noise per class that ``own``, ``mean`` and ``true`` are scores under.
            another: give each class the part of another class.
            head: the classifier of ``head``.
        """
        found = []
        for name in names:
            match name:
                case "clean":
                    found.append(self.clean)
                case "universal":
                    found.append(self.scores[UNIVERSAL][:, 0])
                case "second":
                    found.append(self.scores[SECOND][:, 0])
                case "own":
                    found.append(self.parts(noise, another=another).own)
                case "mean":
                    found.append(self.parts(noise, another=another).mean)
                case "true":
                    found.append(self.parts(noise).of(self.labels))
                case "head":
                    found.append(self.heads[head])
        return np.stack(found, axis=2)

    @cached_property
    def _parts(self) -> dict[tuple[str, bool], Parts]:
        return {}
