"""Lift finds what is planted in class parts, noise for all classes cannot; and finds no more."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import group_draws
from clip_har.metrics.intervals import error_over_seeds, share_difference_interval
from clip_har.noise.learned.arms import BY_NAME, GATED, LIFT, ORACLE, SHARED, STACKED, Arm
from clip_har.noise.learned.fits import Fits, fit_arms
from clip_har.noise.variants import CALIBRATION, RANDOM, SHUFFLED, SHUFFLED_LABELS
from tests.noise.learned.planted import planted_answers

NAMES = (LIFT, STACKED, SHARED, SHUFFLED, RANDOM, SHUFFLED_LABELS, CALIBRATION, ORACLE, GATED)
SEEN, ERRATIC = {"gain": 1.5}, {"wiggle": 1.0}
FITS, POOL, STUDIES = 3, 45, 500


def arms(names: tuple[str, ...]) -> list[Arm]:
    return [BY_NAME[name] for name in names]


@cache
def fits(fit: int, names: tuple[str, ...], **world: float) -> Fits:
    held, groups = planted_answers(fit=fit, clips=10**6 + fit, subjects=5, each=18, **world)
    return fit_arms(arms(names), held, held, groups)


def top1(fit: int, clips: int, names: tuple[str, ...], **world: float) -> dict[str, NDArray]:
    """Return whether each of 240 clips of 20 new subjects is answered rightly, by variant."""
    answers, _ = planted_answers(fit=fit, clips=clips, subjects=20, each=12, **world)
    found = fits(fit, names, **world).variants(arms(names), answers)
    return {name: one.scores.argmax(axis=1) == answers.labels for name, one in found.items()}


def test_lift_finds_evidence_that_only_a_class_s_own_part_shows():
    found = {name: hits.mean() for name, hits in top1(0, 1, NAMES, **SEEN).items()}
    assert found[LIFT] > found[STACKED] + 0.25
    assert found[LIFT] > found[RANDOM] + 0.25
    assert found[LIFT] > found[SHUFFLED_LABELS] + 0.25
    assert found[GATED] > found[STACKED] + 0.25
    assert abs(found[STACKED] - found[RANDOM]) < 0.03, "other noise shows none of it"
    assert found[STACKED] > found[CALIBRATION] + 0.05, "but what all noise shows, it has"


def test_without_such_evidence_all_stacks_are_alike():
    found = {name: hits.mean() for name, hits in top1(0, 1, NAMES).items()}
    others = set(NAMES) - {CALIBRATION, GATED}
    assert all(abs(found[name] - found[STACKED]) < 0.03 for name in others), found


def test_the_mean_over_many_noises_is_a_gain_that_the_placebo_has_too():
    found = {name: hits.mean() for name, hits in top1(0, 1, NAMES, **ERRATIC).items()}
    assert found[LIFT] > found[STACKED] + 0.02, "so this difference alone says nothing of classes"
    assert found[SHARED] > found[STACKED] + 0.02
    assert abs(found[LIFT] - found[SHUFFLED]) < 0.03


def study(number: int, against: str, **world: float) -> tuple[float, float]:
    """Return the interval of lift minus another variant, over subjects and fits."""
    order = np.random.default_rng(number).permutation(POOL)[:FITS].tolist()
    answers = [top1(fit, 2 * 10**6 + number, (LIFT, against), **world) for fit in order]
    first, groups = planted_answers(fit=0, clips=2 * 10**6 + number, subjects=20, each=12)
    samples = group_draws(groups.astype(str).tolist(), first.labels)
    changes = np.stack(
        [samples.sums(one[LIFT] - one[against].astype(float)) for one in answers], axis=1
    ) / samples.sums(np.ones(len(groups)))[:, None]  # fmt: skip
    error, degrees = error_over_seeds(changes, samples.degrees)
    low, high = share_difference_interval(
        float(changes[0].mean()), error, groups=samples.groups, degrees=degrees
    )
    return low, high


@pytest.mark.long
@pytest.mark.parametrize(
    ("against", "world"),
    [(STACKED, {}), (SHUFFLED, {}), (SHUFFLED, ERRATIC)],
    ids=["lift - stacked universal", "lift - shuffled", "lift - shuffled, much to average"],
)
def test_a_study_finds_nothing_where_there_is_nothing(against, world):
    low, high = np.array([study(number, against, **world) for number in range(STUDIES)]).T
    found = (low > 0) | (high < 0)
    assert found.mean() <= 0.06, f"{(low > 0).mean()} above, {(high < 0).mean()} below"


@pytest.mark.long
@pytest.mark.parametrize("against", [STACKED, SHUFFLED])
def test_a_study_finds_a_small_effect_that_is_there(against):
    low, _ = np.array([study(number, against, gain=0.06) for number in range(60)]).T
    assert (low > 0).mean() > 0.8
