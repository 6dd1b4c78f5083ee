"""Crossed subjects and nested fits: against a mixed model's mean squares, and by simulation."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import GroupDraws, group_draws
from clip_har.metrics.crossed import CrossedEffect, crossed_effect
from clip_har.metrics.intervals import error_over_seeds, quantile

SUBJECTS, MODELS, SEEDS, MASKS = 32, 3, 4, 14
NAMES = [f"model {n // SEEDS}" for n in range(MODELS * SEEDS)]


def samples(draws: int = 2000) -> GroupDraws:
    return group_draws([str(n) for n in range(SUBJECTS)], draws=draws)


def of_subjects(cells: NDArray[np.float64], given: GroupDraws) -> NDArray[np.float64]:
    """Return ``(R + 1, F)`` means in each sample, of ``(F, G)`` means of subjects."""
    means: NDArray[np.float64] = given.weights @ cells.T / cells.shape[1]
    return means


def effect(changes: NDArray[np.float64], names: list[str] = NAMES, **more: float) -> CrossedEffect:
    return crossed_effect(
        np.zeros_like(changes), changes, names, measure="top1", degrees=SUBJECTS - 1,
        groups=SUBJECTS, **more,
    )  # fmt: skip


def test_the_error_is_that_of_the_crossed_mean_squares() -> None:
    """Of a balanced design: (MS_subject + MS_fit − MS_both) / (F G), the textbook's two-way sum."""
    random = np.random.default_rng(0)
    fits, subjects = MODELS * SEEDS, SUBJECTS
    cells = (
        random.normal(0, 0.02, (fits, 1)) + random.normal(0, 0.03, (1, subjects))
        + random.normal(0, 0.05, (fits, subjects)) + np.repeat([0.1, 0.2, 0.4], SEEDS)[:, None]
    )  # fmt: skip
    of_fits, mean = cells.mean(axis=1), cells.mean()
    models = np.repeat(of_fits.reshape(MODELS, SEEDS).mean(axis=1), SEEDS)
    within = cells - models[:, None]
    free = fits - MODELS
    fit = subjects * ((of_fits - models) ** 2).sum() / free
    subject = fits * ((cells.mean(axis=0) - mean) ** 2).sum() / (subjects - 1)
    apart = within - within.mean(axis=1, keepdims=True)
    # What a fit does to a subject, beside what its model does to it.
    apart -= np.repeat(apart.reshape(MODELS, SEEDS, subjects).mean(axis=1), SEEDS, axis=0)
    both = (apart**2).sum() / free / (subjects - 1)
    expected = np.sqrt((subject + fit - both) / fits / subjects)
    found = effect(of_subjects(cells, samples(20_000)))
    assert found.standard_error == pytest.approx(expected, rel=0.02)
    assert found.difference == pytest.approx(mean)
    assert (found.fits, found.models, found.groups) == (12, 3, 32)


def test_what_models_differ_by_is_no_error_of_these_models() -> None:
    random = np.random.default_rng(0)
    cells = random.normal(0, 0.02, (MODELS * SEEDS, SUBJECTS))
    apart = np.repeat([-0.1, 0.0, 0.1], SEEDS)[:, None]
    given = samples()
    alike, other = (effect(of_subjects(one, given)) for one in (cells, cells + apart))
    assert other.standard_error == pytest.approx(alike.standard_error)
    assert other.high_models - other.low_models > 4 * (other.high - other.low)
    assert other.low_models < other.low < other.high < other.high_models


def test_models_that_agree_do_not_narrow_the_interval() -> None:
    fits = np.tile(np.linspace(-0.15, 0.15, SEEDS), MODELS)[:, None]
    subjects = np.random.default_rng(0).normal(0.02, 0.01, (1, SUBJECTS))
    found = effect(of_subjects(subjects + fits, samples()))
    assert found.low < 0 < found.high
    assert (found.low_models, found.high_models) == (found.low, found.high)


def test_one_fit_of_each_model_counts_as_one_sample() -> None:
    random = np.random.default_rng(0)
    cells = random.normal(0, 0.02, (3, SUBJECTS)) + np.array([[-0.1], [0.0], [0.1]])
    found = effect(of_subjects(cells, samples()), list("abc"))
    assert (found.low, found.high) == pytest.approx((found.low_models, found.high_models))
    assert found.low < -0.2, "three numbers that are a tenth apart"
    one = effect(of_subjects(cells, samples()), list("aaa"))
    assert (one.low, one.high) == pytest.approx((found.low, found.high))
    assert np.isnan(one.low_models)


def test_unequal_designs_are_refused() -> None:
    changes = np.zeros((11, 3))
    with pytest.raises(ValueError, match="as many seeds in each stratum"):
        effect(changes, list("aab"))
    with pytest.raises(ValueError, match="got 3, 3 and 2 names"):
        effect(changes, list("ab"))


def test_strata_of_one_are_no_strata() -> None:
    changes = np.random.default_rng(0).normal(size=(50, 6))
    one = np.zeros(6, np.int64)
    assert error_over_seeds(changes, 30, one) == pytest.approx(error_over_seeds(changes, 30))


def test_equivalence_is_the_inner_interval() -> None:
    given, rows = samples(), np.random.default_rng(1).normal(0, 0.005, (12, SUBJECTS))
    found = effect(of_subjects(rows, given), margin=0.01)
    half = quantile(found.degrees, level=0.9) * found.standard_error
    inside = abs(found.difference) + half < 0.01
    assert inside
    assert found.p_equivalent < 0.05
    outside = effect(of_subjects(rows, given), margin=abs(found.difference) + 0.99 * half)
    assert outside.p_equivalent > 0.05


REALISTIC: dict[str, dict[str, Any]] = {
    "usual": {},
    "more clips": {"clips": 640},
    "fits differ most": {"fit": 0.6},
    "subjects differ most": {"subject": 0.8, "fit": 0.05},
    "what a fit does to a subject": {"both": 0.8},
    "nothing but chance": {"subject": 0.0, "fit": 0.0, "both": 0.0, "clip": 0.0},
}


def studies(
    count: int, *, clips: int = 320, subject: float = 0.35, fit: float = 0.2, both: float = 0.2,
    clip: float = 0.4, seed: int = 0,
) -> list[CrossedEffect]:  # fmt: skip
    """Simulate studies without an effect: each clip is gained or lost, under each fit and mask.

    The standard deviations are those of the log odds of a gain among what changes (12 %).
    """
    random = np.random.default_rng(seed)
    fits, which = MODELS * SEEDS, np.arange(clips) % SUBJECTS
    given = samples(500)
    each = clips // SUBJECTS
    found = []
    for _ in range(count):
        odds = (
            random.normal(0, subject, SUBJECTS)[which] + random.normal(0, fit, (fits, 1))
            + random.normal(0, both, (fits, SUBJECTS))[:, which] + random.normal(0, clip, clips)
        )  # fmt: skip
        changed = random.binomial(MASKS, 0.12, (fits, clips))
        gained = random.binomial(changed, 1 / (1 + np.exp(-2 * odds)))
        change = (2 * gained - changed) / MASKS
        cells = np.stack([change[:, which == n].sum(axis=1) for n in range(SUBJECTS)], 1) / each
        found.append(effect(of_subjects(cells, given)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", REALISTIC)
def test_95_percent_intervals_hold_the_truth_and_tests_find_nothing_in_nothing(name: str) -> None:
    """Within three standard errors of the simulation at the worst: 1,000 studies."""
    found = studies(1000, **REALISTIC[name])
    held = np.mean([one.low <= 0 <= one.high for one in found])
    assert 0.93 <= held <= 0.975
    assert np.mean([one.p < 0.05 for one in found]) <= 0.06
    spread = np.std([one.difference for one in found])
    error = np.sqrt(np.mean([one.standard_error**2 for one in found]))
    assert error == pytest.approx(spread, rel=0.1)
