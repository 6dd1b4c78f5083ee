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

_POWERS = range(-5, 2, 2)  # of ten, of the C that are tried first
_TOLERANCE = 1e-6  # enough for features of standard deviation 1


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """A linear classifier.

    A class without a training clip has no weights: its logit is the lowest of the others, so that
    it is never predicted.

    Attributes:
        weights: ``(C, D)`` float64.
        biases: ``(C,)`` float64.
        known: ``(C,)`` bool, whether the class had a training clip.
        penalty: scikit-learn's C, the inverse strength of the L2 penalty, for embeddings that are
            centred and divided by their standard deviation over clips and numbers.
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

    All classes have equal weight. The penalty is between 10⁻⁵ and 10; it is searched as in CLIP's
    evaluation, see `clip_har.heads.logistic.best_power`, and has the best score on the validation
    clips, see `clip_har.heads.validation.validation_score`. The probe is not fitted on these, as
    noise is not learned from them.

    Args:
        training: the labelled clips.
        validation: clips of other groups.
        classes: their number C.

    Raises:
        ClipHarError: when the training clips are of one class.
    """
    if len(np.unique(training.labels)) < 2:
        raise ClipHarError("a linear probe needs training clips of at least 2 classes, got 1")

    # Centred and scaled, the optimum of a penalty C / spread² is the same, and found much sooner.
    features = training.embeddings.astype(np.float64)
    centre = features.mean(axis=0)
    spread = max(float((features - centre).std()), 1e-12)
    features = (features - centre) / spread

    def head_of(classifier: Any) -> LinearProbe:
        return _head(classifier, classes, centre, spread)

    def quality(classifier: Any) -> float:
        head = head_of(classifier)
        return validation_score(head.logits(validation.embeddings), validation.labels)

    power, fits = search_penalty(
        features,
        training.labels,
        quality,
        powers=_POWERS,
        class_weight="balanced",
        tolerance=_TOLERANCE,
    )
    if not fits[power].converged:
        log.warning(
            "linear probe: L-BFGS ended after %d steps, not at the optimum", fits[power].steps
        )
    return head_of(fits[power].classifier)


def _head(classifier: Any, classes: int, centre: NDArray[np.float64], spread: float) -> LinearProbe:
    """Return the head of a `LogisticRegression` on embeddings that were centred and scaled."""
    weights, biases = classifier.coef_, classifier.intercept_
    if len(classifier.classes_) == 2:  # scikit-learn keeps the second class's minus the first's
        sides = np.array([[-0.5], [0.5]])
        weights, biases = sides * weights, sides[:, 0] * biases
    weights = weights / spread
    known = np.zeros(classes, np.bool_)
    known[classifier.classes_] = True
    every, offsets = np.zeros((classes, weights.shape[1])), np.zeros(classes)
    every[known], offsets[known] = weights, biases - weights @ centre
    return LinearProbe(every, offsets, known, float(classifier.C))
