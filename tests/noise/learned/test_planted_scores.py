"""Lift finds what is planted in class parts, noise for all classes cannot; and finds no more."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import group_draws
from clip_har.metrics.crossed import CrossedEffect, crossed_effect
from clip_har.noise.learned.arms import BY_NAME, GATED, LIFT, ORACLE, SHARED, STACKED, Arm
from clip_har.noise.learned.fits import Fits, fit_arms
from clip_har.noise.variants import CALIBRATION, RANDOM, SHUFFLED, SHUFFLED_LABELS
from tests.noise.learned.planted import planted_answers

NAMES = (LIFT, STACKED, SHARED, SHUFFLED, RANDOM, SHUFFLED_LABELS, CALIBRATION, ORACLE, GATED)
SEEN, ERRATIC = {"gain": 1.5}, {"wiggle": 1.0}
FITS, POOL, STUDIES = 4, 48, 500


def arms(names: tuple[str, ...]) -> list[Arm]:
    return [BY_NAME[name] for name in names]


@cache
def fits(fit: int, names: tuple[str, ...], **world: float) -> Fits:
    held, groups = planted_answers(fit=fit, clips=10**6 + fit, subjects=5, each=18, **world)
    return fit_arms(arms(names), held, held, groups)


def top1(
    fit: int, clips: int, names: tuple[str, ...], **world: float
) -> dict[str, NDArray[np.bool_]]:
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


def study(number: int, against: str, **world: float) -> CrossedEffect:
    """Return lift minus another variant with its interval over subjects and fits."""
    order = np.random.default_rng(number).permutation(POOL)[:FITS].tolist()
    answers = [top1(fit, 2 * 10**6 + number, (LIFT, against), **world) for fit in order]
    first, groups = planted_answers(clips=2 * 10**6 + number, subjects=20, each=12)
    samples = group_draws(groups.astype(str).tolist(), first.labels)
    clips = samples.sums(np.ones(len(groups)))
    before, after = (
        np.stack([samples.sums(one[name].astype(float)) / clips for one in answers], axis=1)
        for name in (against, LIFT)
    )
    models = ["one model"] * FITS
    return crossed_effect(
        before, after, models, measure="top1", degrees=samples.degrees, groups=samples.groups
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("against", "world"),
    [(STACKED, {}), (SHUFFLED, {}), (SHUFFLED, ERRATIC)],
    ids=["lift - stacked universal", "lift - shuffled", "lift - shuffled, much to average"],
)
def test_a_study_finds_nothing_where_there_is_nothing(against, world):
    effects = [study(number, against, **world) for number in range(STUDIES)]
    found = [one.low > 0 or one.high < 0 for one in effects]
    assert np.mean(found) <= 0.06
    # A placebo averages over one noise less than lift: no part that was learned for the class.
    assert abs(np.mean([one.difference for one in effects])) < 0.01


@pytest.mark.long
@pytest.mark.parametrize("against", [STACKED, SHUFFLED])
def test_a_study_finds_what_is_there(against):
    assert np.mean([study(number, against, gain=0.06).low > 0 for number in range(60)]) > 0.8
