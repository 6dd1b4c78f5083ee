"""The subject: people and motion joined, on planted evidence and on a real clip."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.regions.source import INSIDE, Estimate
from clip_har.regions.subject import SubjectRegion, join

SIZE = 100
Place = tuple[slice, slice]
BODY = (slice(20, 60), slice(30, 50))
SITTER = (slice(20, 60), slice(80, 95))
BALL = (slice(50, 58), slice(51, 59))  # at the body's feet
BIRD = (slice(2, 8), slice(70, 80))
CROWD = (slice(0, 90), slice(49, 70))  # reaches the body, and is far larger


def evidence(*places: Place, sure: float) -> Estimate:
    soft_mask = np.zeros((1, SIZE, SIZE), np.float32)
    for rows, columns in places:
        soft_mask[0, rows, columns] = 0.9
    return Estimate(soft_mask, np.array([sure], np.float32))


def area(*places: Place) -> NDArray[np.bool_]:
    return np.asarray(evidence(*places, sure=1).soft_mask[0] >= INSIDE)


@pytest.mark.parametrize(
    ("people", "sure", "motion", "moves", "subject"),
    [
        pytest.param([BODY], 0.9, [], 0.0, [BODY], id="who stands still"),
        pytest.param([BODY], 0.9, [BODY, BALL], 0.9, [BODY, BALL], id="with what is touched"),
        pytest.param([BODY], 0.9, [BODY, BALL, BIRD], 0.9, [BODY, BALL], id="not what is far"),
        pytest.param([BODY, SITTER], 0.9, [BODY], 0.9, [BODY], id="not who does not move"),
        pytest.param([BODY, SITTER], 0.9, [BODY], 0.2, [BODY, SITTER], id="unsure motion"),
        pytest.param([], 0.0, [BIRD], 0.9, [BIRD], id="what moves, if nobody is found"),
        pytest.param([BODY], 0.1, [BIRD], 0.9, [BIRD], id="a chance find"),
        pytest.param([BODY], 0.9, [BIRD], 0.3, [BODY], id="chance motion"),
        pytest.param([], 0.0, [], 0.0, [], id="nothing"),
    ],
)
def test_people_and_motion_make_the_subject(
    people: list[Place], sure: float, motion: list[Place], moves: float, subject: list[Place]
) -> None:
    found = join(evidence(*people, sure=sure), evidence(*motion, sure=moves))
    np.testing.assert_array_equal(found.soft_mask[0] >= INSIDE, area(*subject))


def test_a_large_motion_at_a_person_is_cut_to_what_is_near() -> None:
    found = join(evidence(BODY, sure=0.9), evidence(CROWD, BODY, sure=0.9))
    inside = found.soft_mask[0] >= INSIDE
    assert (inside & area(BODY)).sum() == area(BODY).sum()
    assert inside[:, 57:].sum() == 0
    assert inside.sum() < 1.7 * area(BODY).sum()


@pytest.mark.parametrize(
    ("motion", "confidence"),
    [([BODY], 0.88), ([BIRD], 0.7), ([], 0.7)],
)
def test_two_witnesses_who_agree_are_surer_than_one(motion: list[Place], confidence: float) -> None:
    found = join(evidence(BODY, sure=0.7), evidence(*motion, sure=0.6))
    assert found.confidence[0] == pytest.approx(confidence)


def test_the_frames_of_a_clip_are_joined_one_by_one() -> None:
    def clip(*frames: Estimate) -> Estimate:
        return Estimate(*(np.concatenate(parts) for parts in zip(*frames, strict=True)))

    frames = [
        (evidence(BODY, sure=0.9), evidence(BODY, sure=0.2)),
        (evidence(sure=0), evidence(BIRD, sure=0.8)),
    ]
    whole = join(*(clip(*parts) for parts in zip(*frames, strict=True)))
    for time, (people, motion) in enumerate(frames):
        alone = join(people, motion)
        np.testing.assert_array_equal(whole.soft_mask[time], alone.soft_mask[0])
        assert whole.confidence[time] == alone.confidence[0]


@pytest.mark.parametrize("target", ["object", "a ball"])
def test_other_targets_are_refused(target: str, tmp_path: Path) -> None:
    with pytest.raises(ClipHarError, match="region=subject knows subject, person, background"):
        SubjectRegion(cache_dir=tmp_path).check(target)
