"""Logistic regression on embeddings, and the search for the strength of its penalty."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

STEPS = 1000
"""Largest number of L-BFGS steps, as in CLIP's evaluation."""

TOLERANCE = 1e-8
"""A fit ends when no partial derivative of the mean loss is larger. scikit-learn's default, 1e-4,
ends it far from the optimum: features of length 1 have small derivatives."""

POWERS = range(-6, 7, 2)
"""Powers of ten of C that CLIP's evaluation tries first."""

_HALVINGS = 4  # of the distance between two tried powers: from 2 to 1/8


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted classifier.

    Attributes:
        classifier: scikit-learn's `LogisticRegression`.
        steps: number of L-BFGS steps.
        converged: whether L-BFGS converged.
    """

    classifier: Any
    steps: int
    converged: bool


def fit_logistic(
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    power: float,
    *,
    start: Fit | None = None,
    class_weight: Literal["balanced"] | None = None,
    tolerance: float = TOLERANCE,
) -> Fit:
    """Fit a multinomial logistic regression with C = 10^power, the inverse strength of the penalty.

    Args:
        features: ``(N, D)``; in double precision, single is too coarse for the tolerance.
        labels: ``(N,)``, of at least two classes.
        power: of ten.
        start: a fit whose weights it starts from.
        class_weight: ``balanced``: all classes have equal weight, whatever their number of clips.
        tolerance: the fit ends when no partial derivative of the mean loss is larger.
    """
    # Imported here: only heads need it.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    classifier = LogisticRegression(
        C=10.0**power,
        tol=tolerance,
        max_iter=STEPS,
        warm_start=start is not None,
        class_weight=class_weight,
    )
    if start is not None:
        classifier.coef_ = start.classifier.coef_
        classifier.intercept_ = start.classifier.intercept_
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always", ConvergenceWarning)
        classifier.fit(features, labels)
    converged = not any(issubclass(one.category, ConvergenceWarning) for one in raised)
    return Fit(classifier, int(classifier.n_iter_.max()), converged)


def search_penalty(
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    quality: Callable[[Any], Any],
    *,
    powers: range = POWERS,
    **more: Any,
) -> tuple[float, dict[float, Fit]]:
    """Return the best power, see `best_power`, and all fits that were tried, by power.

    Args:
        features: ``(N, D)`` float64.
        labels: ``(N,)``.
        quality: returns how good a fitted classifier is; larger is better.
        powers: see `best_power`.
        more: see `fit_logistic`.
    """
    fits: dict[float, Fit] = {}

    def of(power: float) -> Any:
        similar = min(fits, key=lambda known: abs(known - power), default=None)
        start = None if similar is None else fits[similar]
        fits[power] = fit_logistic(features, labels, power, start=start, **more)
        return quality(fits[power].classifier)

    return best_power(of, powers), fits


def best_power(quality: Callable[[float], Any], powers: range = POWERS) -> float:
    """Return the power of ten of the best C by CLIP's search (Radford et al. 2021, appendix A.3).

    C = 10⁻⁶, 10⁻⁴ … 10⁶ are tried, then the best power is refined by halving the distance four
    times, down to 8 steps a decade.

    Args:
        quality: returns how good a power is; larger is better.
        powers: that are tried first; the best one is between the first and the last.

    Example:
        >>> best_power(lambda power: -abs(power - 1.3))
        1.25
    """
    known = {float(power): quality(float(power)) for power in powers}
    distance = float(powers.step)
    for _ in range(_HALVINGS):
        distance /= 2
        centre = max(known, key=known.__getitem__)
        for power in (centre - distance, centre + distance):
            if power not in known and powers[0] <= power <= powers[-1]:
                known[power] = quality(power)
    return max(known, key=known.__getitem__)
