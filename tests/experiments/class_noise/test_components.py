"""Variance components of a pilot: planted ones are found again."""

import numpy as np
import pytest

from experiments.class_noise.components import Components, components_of

PLANTED = Components(subject=2, subject_by_fit=3, clip=8, clip_by_fit=12, fit=2, model=3)


def pilot(given: Components, *, models: int, fits: int, subjects: int, each: int) -> np.ndarray:
    """Return ``(F, N)`` differences with these components, in shares."""
    random = np.random.default_rng(0)
    which, many = np.arange(subjects * each) % subjects, models * fits
    points = (
        np.repeat(random.normal(0, given.model, models), fits)[:, None]
        + random.normal(0, given.fit, (many, 1))
        + random.normal(0, given.subject, subjects)[which]
        + random.normal(0, given.clip, len(which))
        + random.normal(0, given.subject_by_fit, (many, subjects))[:, which]
        + random.normal(0, given.clip_by_fit, (many, len(which)))
    )
    return points / 100


def test_planted_components_are_found_in_a_large_pilot() -> None:
    models, fits, subjects, each = 40, 6, 150, 8
    found = components_of(
        pilot(PLANTED, models=models, fits=fits, subjects=subjects, each=each),
        [str(n % subjects) for n in range(subjects * each)],
        [str(n // fits) for n in range(models * fits)],
    )
    for key, planted in PLANTED.model_dump().items():
        assert found.model_dump()[key] == pytest.approx(planted, rel=0.25), key


def test_what_fits_do_to_single_clips_and_subjects_is_no_component_of_all_clips() -> None:
    """In a small pilot it is most of what fits, and what subjects, differ by."""
    nothing = dict.fromkeys(Components.model_fields, 0.0)
    planted = Components(**nothing | {"subject_by_fit": 10.0, "clip": 20.0, "clip_by_fit": 30.0})
    found = components_of(
        pilot(planted, models=60, fits=6, subjects=12, each=4), [str(n % 12) for n in range(48)],
        [str(n // 6) for n in range(360)],
    )  # fmt: skip
    assert found.fit < 3, "not 5.2: (10² + 30² / 4) / 12"
    assert found.model < 2
    assert found.subject_by_fit == pytest.approx(10, rel=0.15)


def test_one_model_has_no_component_of_models() -> None:
    found = components_of(
        pilot(PLANTED, models=1, fits=6, subjects=20, each=4), [str(n % 20) for n in range(80)],
        ["one"] * 6,
    )  # fmt: skip
    assert found.model == 0
    assert found.clip_by_fit == pytest.approx(12, rel=0.15)


@pytest.mark.parametrize(
    ("groups", "models"), [("aaaa", "xx"), ("abcd", "xx"), ("aabb", "xy")],
    ids=["one subject", "one clip each", "one fit each"],
)  # fmt: skip
def test_what_cannot_be_told_apart_is_refused(groups: str, models: str) -> None:
    with pytest.raises(ValueError, match="at least two subjects, two clips of each and two fits"):
        components_of(np.zeros((2, 4)), list(groups), list(models))
