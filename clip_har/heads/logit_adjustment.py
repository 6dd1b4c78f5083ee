"""Logit adjustment: what the model prefers in general is taken off its logits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

from clip_har.heads.clips import LabelledClips, balanced
from clip_har.heads.head import Embeddings, TextClasses
from clip_har.heads.validation import validation_score

STRENGTHS = (0.0, *(2.0 ** (power / 2) for power in range(-6, 11)))
"""The τ that are tried, up to 32: 1 is right for a calibrated model, and one that is too sure needs
more. Of equal ones the smallest is taken."""


@dataclass(frozen=True, eq=False)
class LogitAdjustment:
    """z − τ ln π, with π the model's own class prior.

    Attributes:
        classes: the zero-shot classifier, whose logits are z.
        log_prior: ``(C,)`` float64, ln π.
        tau: the strength, at least 0.
    """

    classes: TextClasses
    log_prior: NDArray[np.float64]
    tau: float

    def logits(self, embeddings: Embeddings) -> NDArray[np.float32]:
        """Return the logits ``(N, C)`` of clips ``(N, D)``."""
        return (self.classes.exact(embeddings) - self.tau * self.log_prior).astype(np.float32)


def fit_logit_adjustment(
    training: LabelledClips, validation: LabelledClips, classes: TextClasses
) -> LogitAdjustment:
    """Estimate the model's class prior, and choose τ on the validation clips.

    z − τ ln π is the post-hoc adjustment of Menon et al. 2021 ("Long-tail learning via logit
    adjustment", equation 9). For a zero-shot CLIP the prior is that of its training data, which
    nobody knows (Zhu et al. 2023, "Generalized logit adjustment"). Here π is the mean of the
    model's probabilities over the training clips, all classes weighted equally. Labels are used for
    these weights and for τ.

    Args:
        training: the labelled clips.
        validation: clips of other groups.
        classes: the zero-shot classifier.
    """
    logs = log_softmax(classes.exact(training.embeddings), axis=1)
    # In logarithms: a class that is never predicted may have a probability below 1e-300.
    log_prior = logsumexp(logs, axis=0, b=balanced(training.labels)[:, None])

    def quality(tau: float) -> float:
        head = LogitAdjustment(classes, log_prior, tau)
        return validation_score(head.logits(validation.embeddings), validation.labels)

    return LogitAdjustment(classes, log_prior, max(STRENGTHS, key=quality))
