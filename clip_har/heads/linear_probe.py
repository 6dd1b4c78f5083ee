"""The linear probe: logistic regression on the embeddings, without the texts of the classes."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.heads.clips import LabelledClips
from clip_har.heads.head import Embeddings
from clip_har.heads.logistic import search_penalty
from clip_har.heads.validation import validation_score

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """A linear classifier.

    A class without a training clip has no weights: its logit is the lowest of the others, so that
    it is never predicted.

    Attributes:
        weights: ``(C, D)`` float64.
        biases: ``(C,)`` float64.
        known: ``(C,)`` bool, whether the class had a training clip.
        penalty: scikit-learn's C, the inverse strength of the L2 penalty.
    """

    weights: NDArray[np.float64]
    biases: NDArray[np.float64]
    known: NDArray[np.bool_]
    penalty: float

    def logits(self, embeddings: Embeddings) -> NDArray[np.float32]:
        """Return the logits ``(N, C)`` of clips ``(N, D)``."""
        found = embeddings.astype(np.float64) @ self.weights.T + self.biases
        found[:, ~self.known] = found[:, self.known].min(axis=1, keepdims=True)
        return found.astype(np.float32)


def fit_linear_probe(
    training: LabelledClips, validation: LabelledClips, *, classes: int
) -> LinearProbe:
    """Fit a linear probe whose penalty is chosen on the validation clips.

    All classes have equal weight. The penalty is that of CLIP's search, see
    `clip_har.heads.logistic.best_power`, with the best score on the validation clips, see
    `clip_har.heads.validation.validation_score`. It is not fitted on the validation clips, as noise
    is not learned from them.

    Args:
        training: the labelled clips.
        validation: clips of other groups.
        classes: their number C.

    Raises:
        ClipHarError: when the training clips are of one class.
    """
    if len(np.unique(training.labels)) < 2:
        raise ClipHarError("a linear probe needs training clips of at least 2 classes, got 1")

    def quality(classifier: Any) -> float:
        head = _head(classifier, classes)
        return validation_score(head.logits(validation.embeddings), validation.labels)

    features = training.embeddings.astype(np.float64)
    power, fits = search_penalty(features, training.labels, quality, class_weight="balanced")
    if not fits[power].converged:
        log.warning(
            "linear probe: L-BFGS ended after %d steps, not at the optimum", fits[power].steps
        )
    return _head(fits[power].classifier, classes)


def _head(classifier: Any, classes: int) -> LinearProbe:
    """Return the head of a fitted `LogisticRegression`."""
    weights, biases = classifier.coef_, classifier.intercept_
    if len(classifier.classes_) == 2:  # scikit-learn keeps the second class's minus the first's
        sides = np.array([[-0.5], [0.5]])
        weights, biases = sides * weights, sides[:, 0] * biases
    known = np.zeros(classes, np.bool_)
    known[classifier.classes_] = True
    every, offsets = np.zeros((classes, weights.shape[1])), np.zeros(classes)
    every[known], offsets[known] = weights, biases
    return LinearProbe(every, offsets, known, float(classifier.C))
