"""A gate: clips of which the model is sure without noise keep these scores."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clip_har.heads.clips import balanced
from clip_har.noise.variants import Scores

_EVEN = 1e-12  # difference of accuracies that rounding explains


class Pair(NamedTuple):
    """The scores of the same N clips without and with noise, each ``(N, C)``."""

    clean: Scores
    noisy: Scores


@dataclass(frozen=True)
class Gate:
    """Which clips keep their scores without noise.

    Attributes:
        threshold: of the margin, at least 0: clips with a margin of at least this keep their scores
            without noise. 0 keeps all of them, infinity none.
        scale: positive, what kept scores are multiplied by. It changes no prediction, but the
            confidence of kept and other clips is comparable.
    """

    threshold: float
    scale: float = 1.0

    def said(self) -> str:
        """Return in words which clips keep their scores.

        Example:
            >>> Gate(0.0).said(), Gate(2.5).said()
            ('all clips keep their scores', 'clips with a margin of at least 2.5 keep their scores')
        """
        if self.threshold == 0:
            return "all clips keep their scores"
        if self.threshold == np.inf:
            return "no clip keeps its scores"
        return f"clips with a margin of at least {self.threshold:.3g} keep their scores"

    def keeps(self, clean: Scores) -> NDArray[np.bool_]:
        """Return which clips keep their scores ``(N, C)`` without noise, ``(N,)``."""
        kept: NDArray[np.bool_] = margins(clean) >= self.threshold
        return kept

    def apply(self, clean: Scores, noisy: Scores) -> Scores:
        """Return the scores ``(N, C)`` of clips behind the gate.

        Example:
            >>> clean = np.array([[9, 0], [1, 0]], np.float32)
            >>> noisy = np.array([[0, 1], [0, 1]], np.float32)
            >>> Gate(threshold=5.0).apply(clean, noisy).tolist()
            [[9.0, 0.0], [0.0, 1.0]]
        """
        return np.where(self.keeps(clean)[:, None], np.float32(self.scale) * clean, noisy)


def margins(scores: Scores) -> NDArray[np.float32]:
    """Return how far the best class is above the second best, ``(N,)``.

    Args:
        scores: ``(N, C)`` with at least two classes.

    Example:
        >>> margins(np.array([[3.0, 0.5, 2.0]], np.float32)).tolist()
        [1.0]
    """
    best = np.partition(scores, -2, axis=1)[:, -2:]
    found: NDArray[np.float32] = best[:, 1] - best[:, 0]
    return found


def fit_gate(masked: Pair, whole: Pair, labels: NDArray[np.int64], *, scale: float = 1.0) -> Gate:
    """Choose the threshold that gives the highest accuracy under the masks, all classes alike.

    Only thresholds are allowed with which at least as many whole clips are answered rightly as
    without noise. Of equal ones the lowest is taken, which leaves most clips as they are.

    Args:
        masked: scores of clips under the masks of the fit.
        whole: scores of the same clips without a mask.
        labels: ``(N,)``.
        scale: of the gate.
    """
    both = np.concatenate([margins(masked.clean), margins(whole.clean)])
    thresholds = np.unique(np.concatenate([[0.0, np.inf], both]).astype(np.float64))
    alike = np.full(len(labels), 1 / len(labels))
    without = alike @ _right(whole.clean, labels)
    allowed = _accuracies(whole, labels, alike, thresholds) >= without - _EVEN
    reached = np.where(allowed, _accuracies(masked, labels, balanced(labels), thresholds), -np.inf)
    return Gate(float(thresholds[np.flatnonzero(reached >= reached.max() - _EVEN)[0]]), scale)


def _accuracies(
    pair: Pair,
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    thresholds: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the weighted accuracy behind a gate of each threshold."""
    margin = margins(pair.clean).astype(np.float64)
    order = np.argsort(margin)
    gains = weights * (_right(pair.noisy, labels) - _right(pair.clean, labels))
    below = np.searchsorted(margin[order], thresholds)  # clips that do not keep their scores
    found: NDArray[np.float64] = (
        weights @ _right(pair.clean, labels)
        + np.concatenate([[0.0], np.cumsum(gains[order])])[below]
    )
    return found


def _right(scores: Scores, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    right: NDArray[np.float64] = (scores.argmax(axis=1) == labels).astype(np.float64)
    return right
