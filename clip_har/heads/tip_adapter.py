"""Tip-Adapter: the labels of similar training clips are added to the model's own answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from clip_har.core.seeding import generator
from clip_har.heads.clips import LabelledClips
from clip_har.heads.head import Embeddings, TextClasses
from clip_har.heads.learn import Rows, Schedule, learn
from clip_har.heads.validation import best_scale, validation_score

SHOTS = 16
"""Largest number of keys of a class, as in the paper."""

ALPHAS = (0.0, *(2.0**power for power in range(-4, 9)))
"""The α that are tried, up to 256, for a model whose logit scale is 100; for others in proportion.
The authors' go up to 10."""

BETAS = tuple(2.0 ** (power / 2) for power in range(-2, 13))
"""The β that are tried, 0.5 to 64; the authors' go up to 12."""

RATE = 1e-3
"""Step size of the learned keys at the start, as in the authors' code."""


@dataclass(frozen=True, eq=False)
class TipAdapter:
    """z + α · exp(−β (1 − f Kᵀ)) V, with z the model's own logits of the embedding f.

    Attributes:
        classes: the zero-shot classifier, whose logits are z.
        keys: ``(K, D)`` float32, the rows of K.
        values: ``(K, C)`` float32, the rows of V: the label of a key, one-hot times its weight.
        alpha: weight of the keys, at least 0.
        beta: sharpness: how near a key must be to count.
    """

    classes: TextClasses
    keys: NDArray[np.float32]
    values: NDArray[np.float32]
    alpha: float
    beta: float

    def logits(self, embeddings: Embeddings) -> NDArray[np.float32]:
        """Return the logits ``(N, C)`` of clips ``(N, D)``."""
        own, added = self.classes.exact(embeddings), self.cached(embeddings, self.beta)
        return (own + self.alpha * added).astype(np.float32)

    def cached(self, embeddings: Embeddings, beta: float) -> NDArray[np.float64]:
        """Return ``(N, C)``: what the keys say of clips ``(N, D)``."""
        affinity = embeddings.astype(np.float64) @ self.keys.astype(np.float64).T
        found: NDArray[np.float64] = np.exp(-beta * (1 - affinity)) @ self.values.astype(np.float64)
        return found

    def searched(self, validation: LabelledClips, *, alphas: tuple[float, ...]) -> "TipAdapter":
        """Return the head with the α and β that are best on validation clips.

        Of equal ones the smallest is taken, so that keys that do not help get no weight.

        Args:
            validation: clips of other groups than the keys.
            alphas: that are tried, see `ALPHAS`.
        """
        own = self.classes.exact(validation.embeddings)
        best, highest = self, -np.inf
        for beta in BETAS:
            added = self.cached(validation.embeddings, beta)
            for alpha in alphas:
                scaled = alpha * self.classes.logit_scale / 100
                logits = (own + scaled * added).astype(np.float32)
                score = validation_score(logits, validation.labels)
                if score > highest:
                    best, highest = replace(self, alpha=scaled, beta=beta), score
        return best


def fit_tip_adapter(
    training: LabelledClips, validation: LabelledClips, classes: TextClasses, *, seed: int
) -> TipAdapter:
    """Make the keys from the training clips, and choose α and β on the validation clips.

    Zhang et al. 2022 ("Tip-Adapter: Training-free adaption of CLIP for few-shot classification"),
    equations 5 and 6: the keys are embeddings of training clips, the values their labels, and
    nothing is learned.

    A class has at most `SHOTS` keys. With more clips these are dealt to that many sets by the seed,
    as evenly as possible, and a key is the mean of its set, L2-normalised: the paper's way to a
    cache that is smaller than the training set. So every clip counts. All classes have the same sum
    of values, as in the paper, where they have as many clips; a class without a clip has no key.

    Args:
        training: the labelled clips.
        validation: clips of other groups.
        classes: the zero-shot classifier.
        seed: of the sets.
    """
    keys, labels = make_keys(training, seed=seed)
    counts = np.bincount(labels, minlength=len(classes.vectors))
    values = np.zeros((len(labels), len(classes.vectors)), np.float32)
    values[np.arange(len(labels)), labels] = counts.max() / counts[labels]
    start = TipAdapter(classes, keys, values, alpha=0.0, beta=BETAS[0])
    return start.searched(validation, alphas=ALPHAS)


def learn_tip_adapter(
    training: LabelledClips, validation: LabelledClips, tip: TipAdapter, schedule: Schedule
) -> TipAdapter:
    """Learn the keys of a Tip-Adapter: Tip-Adapter-F.

    As in the authors' code the values stay as they are, the keys may get any length, the loss is
    the cross-entropy, the step size is `RATE`, and α and β are searched again for the learned keys.
    Our differences: Adam without weight decay, steps and batch of `Schedule`; α and β during
    learning, which the authors set by hand for each data set, are the best ones of the
    training-free head with α above 0, and the logits are multiplied by the factor that is best for
    them.

    Args:
        training: the labelled clips; all of them are in the batches.
        validation: clips of other groups, which say what is kept.
        tip: the head with its keys at the start.
        schedule: how long.
    """
    used = tip.searched(validation, alphas=ALPHAS[1:])
    logits = _differentiable(used)
    # So large an α may make a head too sure, and then only its mistakes would be learned from.
    factor = best_scale(used.logits(validation.embeddings), validation.labels)
    given, labels = torch.from_numpy(training.embeddings), torch.from_numpy(training.labels)

    def loss(keys: Tensor, rows: Rows) -> Tensor:
        return cross_entropy(factor * logits(keys, given[rows]), labels[rows])

    def score(keys: Tensor) -> float:
        head = replace(used, keys=keys.numpy())
        return validation_score(head.logits(validation.embeddings), validation.labels)

    keys, _ = learn(
        torch.from_numpy(used.keys), training.labels, schedule,
        loss=loss, score=score, message="learning tip-adapter-f", rate=RATE,
    )  # fmt: skip
    return replace(used, keys=keys.numpy()).searched(validation, alphas=ALPHAS)


def make_keys(
    training: LabelledClips, *, seed: int, shots: int = SHOTS
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return keys ``(K, D)`` and their labels ``(K,)``, see `fit_tip_adapter`.

    Args:
        training: the labelled clips.
        seed: deals the clips of a class to its keys.
        shots: largest number of keys of a class.
    """
    keys, labels = [], []
    for label in np.unique(training.labels).tolist():
        own = np.flatnonzero(training.labels == label)
        own = own[generator(seed, "heads/keys", str(label)).permutation(len(own))]
        for rows in np.array_split(own, min(shots, len(own))):
            mean = training.embeddings[rows].astype(np.float64).mean(axis=0)
            keys.append(mean / max(np.linalg.norm(mean), 1e-12))
            labels.append(label)
    return np.stack(keys).astype(np.float32), np.array(labels, np.int64)


def _differentiable(head: TipAdapter) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the logits ``(B, C)`` of keys and embeddings ``(B, D)``, with a gradient."""
    classes, values = head.classes, torch.from_numpy(head.values)
    vectors = torch.from_numpy(classes.vectors)

    def logits(keys: Tensor, embeddings: Tensor) -> Tensor:
        own = classes.logit_scale * embeddings @ vectors.T + classes.logit_bias
        added = (-head.beta * (1 - embeddings @ keys.T)).exp() @ values
        return own + head.alpha * added

    return logits
