"""A change that several fits make to the same subjects: fits are nested in models.

The clips of all tables are the same, so subjects and fits are crossed: each fit shows its own draw
of the noise, each subject its own clips, and an interval must allow for both (Clark 1973, "The
language-as-fixed-effect fallacy"; Baayen, Davidson and Bates 2008, "Mixed-effects modeling with
crossed random effects for subjects and items").

**Models are fixed, fits within a model and subjects are random.** Three models would give a
variance of 2 degrees of freedom (t = 4.3), which says next to nothing of a fourth; five or more
levels are asked for before a factor counts as random (Bolker et al. 2009; Gelman and Hill 2007,
section 11.5). So the interval holds for the mean over these models, for new subjects and new fits.
Beside it stands the interval in which models are random, too, which few models make wide: only if
that leaves 0 out does a finding hold for new models.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_har.metrics.effect import mean_interval
from clip_har.metrics.significance import equivalence, t_test

Samples = NDArray[np.float64]
"""``(R + 1, F)``, a measure under each fit: of the data, then of each bootstrap sample."""


@dataclass(frozen=True)
class CrossedEffect:
    """A change of one measure, mean over fits; the fields are shares or nats, as the measure is.

    Attributes:
        before: mean without the change.
        after: mean with it.
        difference: after minus before.
        low: lower end of the 95 % interval over new subjects and new fits of these models.
        high: upper end.
        p: of Student's test that the difference is 0, two-sided.
        standard_error: NaN with fewer than `FEWEST_GROUPS` groups.
        degrees: of freedom of the standard error.
        low_models: lower end if models are random, too, and at most ``low``: models that happen to
            agree must not make it narrower; NaN for one model.
        high_models: upper end, at least ``high``.
        p_equivalent: that the difference is nearer to 0 than the margin (TOST).
        fits: their number.
        models: their number.
        groups: number of subjects.
    """

    before: float
    after: float
    difference: float
    low: float
    high: float
    p: float
    standard_error: float
    degrees: float
    low_models: float
    high_models: float
    p_equivalent: float
    fits: int
    models: int
    groups: int


def crossed_effect(
    before: Samples,
    after: Samples,
    models: Sequence[str],
    *,
    measure: str,
    degrees: float,
    groups: int,
    margin: float = 0.01,
) -> CrossedEffect:
    """Return a change with its intervals over subjects and fits.

    The variance of the mean is that over subjects plus that over fits, minus what both hold, see
    `clip_har.metrics.intervals.error_over_seeds`. With one fit of each model, fits and models
    cannot be told apart: the fits then count as one sample, which is the wider choice.

    Args:
        before: see `Samples`.
        after: the same fits, in the same order.
        models: F names; each must have as many fits as the others.
        measure: the name of the measure.
        degrees: of freedom of the samples of subjects.
        groups: the number of subjects.
        margin: of the test of equivalence.

    Raises:
        ValueError: for other numbers of fits, or models with unequal numbers of fits.

    Example:
        >>> draws = np.random.default_rng(0).normal(0, 0.01, (1001, 4))
        >>> draws[0] = 0.02, 0.03, 0.01, 0.02
        >>> found = crossed_effect(0 * draws, draws, list("aabb"), measure="top1", degrees=31,
        ...                        groups=32)
        >>> round(found.difference, 3), found.fits, found.models
        (0.02, 4, 2)
    """
    if before.shape != after.shape or before.shape[1] != len(models):
        raise ValueError(
            f"expected the same fits before and after, one name each; got {before.shape[1]},"
            f" {after.shape[1]} and {len(models)} names"
        )
    names, which, counts = np.unique(np.array(models), return_inverse=True, return_counts=True)
    strata = None if counts.max() == 1 else which.astype(np.int64)
    changes = after - before
    error, free, (low, high) = mean_interval(
        measure, changes, degrees=degrees, groups=groups, strata=strata
    )
    of_models = np.stack([changes[:, which == n].mean(axis=1) for n in range(len(names))], axis=1)
    ends = (np.nan, np.nan)
    if len(names) > 1:
        _, _, wide = mean_interval(measure, of_models, degrees=degrees, groups=groups)
        ends = min(low, wide[0]), max(high, wide[1])
    difference = float(changes[0].mean())
    return CrossedEffect(
        float(before[0].mean()), float(after[0].mean()), difference, low, high,
        t_test(difference, error, free), error, free, *ends,
        equivalence(difference, error, free, margin=margin), len(models), len(names), groups,
    )  # fmt: skip
