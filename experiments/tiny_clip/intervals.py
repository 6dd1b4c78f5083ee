"""How sure the scores are: bootstrap over subjects, whose clips are not independent."""

import numpy as np
from numpy.typing import NDArray

from clip_har.core.seeding import generator
from experiments.tiny_clip.evaluation import Measured

_DRAWS = 2000
_TAILS = (0.025, 0.975)


def intervals(measured: Measured) -> dict[str, tuple[float, float]]:
    """Return 95 % percentile intervals of all scores.

    Subjects are drawn with replacement, each with all of its clips; the same draws serve all
    measures, so that the gap is compared within subjects.

    Args:
        measured: what a model answered.

    Returns:
        For each name of `Measured.scores` its lower and upper bound.
    """
    subjects = sorted({str(name) for group in measured.groups.values() for name in group})
    rng = generator(0, "tiny/intervals", "subjects")
    drawn = rng.integers(len(subjects), size=(_DRAWS, len(subjects)))
    times = np.stack([np.bincount(row, minlength=len(subjects)) for row in drawn])  # (R, S)
    found = {
        name: _resampled(hits, measured.groups[name], subjects, times)
        for name, hits in measured.hits.items()
    }
    found["gap"] = found["biased"] - found["unbiased"]
    bounds = {name: np.nanquantile(values, _TAILS) for name, values in found.items()}
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}


def _resampled(
    hits: NDArray[np.bool_],
    groups: NDArray[np.str_],
    subjects: list[str],
    times: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the score in each of R draws, ``(R,)``."""
    which = np.searchsorted(subjects, groups)
    right = times @ np.bincount(which, hits, minlength=len(subjects))
    asked = times @ np.bincount(which, minlength=len(subjects))
    return np.asarray(right / np.maximum(asked, 1), np.float64)
