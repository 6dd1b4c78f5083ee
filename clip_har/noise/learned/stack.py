"""A stack: a few weights that all classes share, and a bias for each class, fitted by labels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from clip_har.core.errors import ClipHarError
from clip_har.heads.clips import balanced
from clip_har.noise.variants import Scores

PENALTIES = (10.0, 1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4)
"""From almost the first feature alone to almost free; of equal losses the first one wins."""
BIASES = (1000.0, 30.0, 1.0)
"""How many times larger the penalty of the biases is: there is one for each class, and weights are
few, so with few clips weights can be found where biases cannot."""
_FOLDS = 5
_EVEN = 1e-9  # relative difference of losses that rounding explains

Features = NDArray[np.float32] | NDArray[np.float64]
"""``(N, C, K)``: K scores of each class for each clip."""
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stack:
    """Scores that are a weighted sum of K scores of the same class, with a bias for each class.

    With K = 1 it is the calibration by one temperature and one bias for each class (Guo et al.
    2017, section 4.2, with one scale for all classes).

    Attributes:
        weights: ``(K,)`` of the features, the same for all classes.
        biases: ``(C,)``, added afterwards; they sum to 0, and that of a class without a clip is 0.
        penalty: that was chosen.
        biased: how many times larger the penalty of the biases is.
        loss: −ln of the true class's probability, mean of all classes, on groups that the stack of
            this penalty was not fitted on, nats.
    """

    weights: NDArray[np.float64]
    biases: NDArray[np.float64]
    penalty: float
    loss: float = float("nan")
    biased: float = 1.0

    def apply(self, features: Features) -> Scores:
        """Return the scores ``(N, C)`` of features ``(N, C, K)``.

        Example:
            >>> stack = Stack(np.array([2.0, 1.0]), np.array([0.0, 0.5]), penalty=1.0)
            >>> stack.apply(np.array([[[1.0, 0.0], [3.0, -1.0]]])).tolist()
            [[2.0, 5.5]]
        """
        return (features @ self.weights + self.biases).astype(np.float32)


def fit_stack(features: Features, labels: Labels, groups: NDArray[np.generic]) -> Stack:
    """Fit a stack: a conditional logistic regression of the true class (McFadden 1974).

    Minimises the mean of −ln softmax_y(Σ_k w_k f_k + b) + λ (Σ_k (s_k (w_k − w0_k))² + m |b|²) by
    L-BFGS. s_k is the standard deviation of a feature after its mean over the classes of a clip is
    taken away, which no softmax sees. w0 = (1, 0, …): a large λ leaves the first feature as it is,
    so a feature that tells nothing gets no weight. All classes count alike, whatever their number
    of clips. A class without a clip keeps the bias 0, and the biases of the others sum to 0, so
    that it is not held down: clips of it may come. λ and m are those of `PENALTIES` and `BIASES`
    with the lowest loss on groups that are left out of the fit, in up to five folds. With a single
    group, clips are left out instead.

    Args:
        features: ``(N, C, K)``; the first feature is what is improved on, such as the clean scores.
        labels: ``(N,)``.
        groups: ``(N,)``, the subject or source of each clip.

    Raises:
        ClipHarError: when the clips are of fewer than two classes.
        ValueError: when a feature is not finite.
    """
    problem = _Problem.of(features, labels)
    folds = folds_of(groups)
    choices = [(penalty, biased) for biased in BIASES for penalty in PENALTIES]
    losses = np.zeros(len(choices))
    for kept, left_out in folds:
        fitted_on, tried_on = problem.rows(kept), problem.rows(left_out)
        fit = np.zeros(len(problem.sizes) + features.shape[1])
        for number, choice in enumerate(choices):
            fit = fitted_on.fit(*choice, start=fit)  # from one penalty to the next it moves little
            losses[number] += tried_on.loss(fit)
    even = losses <= losses.min() * (1 + _EVEN)
    best = max(np.flatnonzero(even), key=lambda number: choices[number])
    penalty, biased = choices[best]
    return problem.stack(problem.fit(penalty, biased), penalty, float(losses[best]), biased)


def crossed(
    stack: Stack,
    features: Features,
    labels: Labels,
    groups: NDArray[np.generic],
    *,
    shown: Features | None = None,
) -> Scores:
    """Return scores ``(N, C)`` of clips, each by a stack that its group had no part in.

    Args:
        stack: gives the penalties.
        features: ``(N, C, K)`` that the stacks are fitted on.
        labels: ``(N,)``.
        groups: ``(N,)``.
        shown: ``(N, C, K)`` of the same clips under another mask, that are scored; None for
            ``features``.
    """
    problem = _Problem.of(features, labels)
    shown = features if shown is None else shown
    found = np.empty(shown.shape[:2], np.float32)
    for kept, rows in folds_of(groups):
        fit = problem.rows(kept).fit(stack.penalty, stack.biased)
        found[rows] = problem.stack(fit, stack.penalty, stack.loss, stack.biased).apply(shown[rows])
    return found


def folds_of(groups: NDArray[np.generic]) -> list[tuple[Labels, Labels]]:
    """Return for each fold the rows that are kept, and those that are left out.

    Args:
        groups: ``(N,)``; a group is never in both parts, unless it is the only one.

    Example:
        >>> [left_out.tolist() for _, left_out in folds_of(np.array(["a", "b", "a"]))]
        [[0, 2], [1]]
    """
    # Here: cells without learned noise import this module, too.
    from sklearn.model_selection import GroupKFold

    names, numbers = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        numbers = np.arange(len(groups))
    count = min(_FOLDS, len(np.unique(numbers)))
    if count < 2:
        raise ClipHarError("scores are calibrated on clips: expected at least 2 of them, got 1")
    return list(GroupKFold(count).split(numbers, groups=numbers))


@dataclass(frozen=True, eq=False)
class _Problem:
    """The data of a fit, as a logistic regression around w0.

    Attributes:
        base: ``(N, C)``, the first feature.
        standard: ``(N, C, K)``, centred over the classes of a clip, standard deviation 1.
        labels: ``(N,)``.
        weights: ``(N,)`` of the clips.
        sizes: ``(K,)``, what the features were divided by.
    """

    base: NDArray[np.float64]
    standard: NDArray[np.float64]
    labels: Labels
    weights: NDArray[np.float64]
    sizes: NDArray[np.float64]

    @classmethod
    def of(cls, features: Features, labels: Labels) -> "_Problem":
        if not np.isfinite(features).all():
            raise ValueError("expected finite features, got some that are not")
        if len(np.unique(labels)) < 2:
            raise ClipHarError(
                "scores are calibrated on clips of several classes: expected at least 2, got"
                f" {len(np.unique(labels))}; give more training clips or groups"
            )
        values = features.astype(np.float64)
        centred = values - values.mean(axis=1, keepdims=True)
        sizes = np.sqrt((centred**2).mean(axis=(0, 1)))
        sizes[sizes < 1e-12 * max(sizes.max(), 1e-12)] = np.inf  # tells nothing: gets no weight
        return cls(centred[:, :, 0], centred / sizes, labels, balanced(labels), sizes)

    def rows(self, rows: Labels) -> "_Problem":
        """Return the problem of some clips; their weights stay those among all clips."""
        return _Problem(
            self.base[rows], self.standard[rows], self.labels[rows], self.weights[rows], self.sizes
        )

    @cached_property
    def hits(self) -> NDArray[np.float64]:
        """``(N, C)``, 1 at the true class."""
        return np.eye(self.base.shape[1])[self.labels]

    def fit(
        self, penalty: float, biased: float, *, start: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Return ``(K + C,)``: the change of the standardised weights, and the biases.

        With a start it is only as exact as a choice between penalties needs.
        """
        count = self.standard.shape[2]
        total = self.weights.sum()
        held = np.full(count + self.base.shape[1], penalty)
        held[count:] *= biased
        present = self.hits.any(axis=0)

        def objective(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            logs = log_softmax(self._scores(values), axis=1)
            errors = (self.weights / total)[:, None] * (np.exp(logs) - self.hits)
            biases = errors.sum(axis=0)
            # From 0 on, biases move along this slope alone: their sum stays 0.
            biases = np.where(present, biases - biases[present].mean(), 0)
            slope = np.concatenate([np.tensordot(errors, self.standard, axes=2), biases])
            value = -(self.weights / total) @ logs[np.arange(len(logs)), self.labels]
            return value + held @ values**2, slope + 2 * held * values

        exact = {"ftol": 1e-13, "gtol": 1e-8} if start is None else {"ftol": 1e-9, "gtol": 1e-5}
        found: NDArray[np.float64] = minimize(
            objective,
            np.zeros(len(held)) if start is None else start,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 1000, **exact},
        ).x
        return found

    def loss(self, values: NDArray[np.float64]) -> float:
        """Return the weighted sum of −ln of the true class's probability."""
        logs = log_softmax(self._scores(values), axis=1)
        return -float(self.weights @ logs[np.arange(len(logs)), self.labels])

    def stack(
        self, values: NDArray[np.float64], penalty: float, loss: float, biased: float
    ) -> Stack:
        """Return fitted values in the units of the features."""
        count = len(self.sizes)
        first = np.eye(1, count)[0]
        weights = first + values[:count] / self.sizes
        return Stack(weights, values[count:], penalty, loss, biased)

    def _scores(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        count = len(self.sizes)
        scores: NDArray[np.float64] = self.base + self.standard @ values[:count] + values[count:]
        return scores
