"""Conformal sets over groups: by hand, against the textbook for single clips, in simulations."""

import numpy as np
import pytest

from clip_har.metrics.conformal import evenly_by_group, least_probability, set_columns


def binary(true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and probabilities of clips whose true class, the first, has these."""
    return np.zeros(len(true), np.int64), np.stack([true, 1 - true], axis=1)


@pytest.mark.parametrize("clips", [9, 19, 20, 57])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_groups_of_one_clip_are_split_conformal_prediction(clips: int, level: float) -> None:
    """The textbook: the ⌈(n + 1) · level⌉-th smallest of the scores 1 − p(true)."""
    true = np.random.default_rng(clips).random(clips)
    place = int(np.ceil(round((clips + 1) * level, 9)))
    expected = 1 - np.sort(1 - true)[place - 1] if place <= clips else 0.0
    names = [str(number) for number in range(clips)]
    assert least_probability(*binary(true), names, level=level) == pytest.approx(expected)


def test_a_group_counts_as_one_however_many_clips_it_has() -> None:
    true = np.array([0.9, 0.8, 0.7, 0.1, 0.1, 0.1, 0.1, 0.1])
    names = [*"abc", *"ddddd"]
    # Of five (four groups and the new one) three fifths lie at 0.7 or above.
    assert least_probability(*binary(true), names, level=0.6) == 0.7
    assert least_probability(*binary(true), names, level=0.65) == 0.1
    assert evenly_by_group(names).tolist() == pytest.approx([0.25] * 3 + [0.05] * 5)


@pytest.mark.parametrize(("groups", "enough"), [(8, False), (9, True)])
def test_too_few_groups_give_the_set_of_all_classes(groups: int, enough: bool) -> None:
    labels, probabilities = binary(np.full(5 * groups, 0.75))
    names = [str(number // 5) for number in range(5 * groups)]
    least = least_probability(labels, probabilities, names, level=0.9)
    assert (least == 0.75) == enough
    assert (least == 0.0) != enough
    found = set_columns(labels, probabilities, least=least)
    assert set(found["conformal/set_size"]) == ({1} if enough else {2})
    assert found["conformal/coverage"].all()


def test_sets_by_hand() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.8, 0.1, 0.1], [0.28, 0.36, 0.36], [0.25] * 3])
    probabilities[3] = [0.29, 0.29, 0.42]
    found = set_columns(np.array([1, 0, 0, 2]), probabilities, least=0.3)
    expected = {
        "coverage": [1, 1, 0, 1],
        "set_size": [2, 1, 2, 1],
        "single": [0, 1, 0, 1],
        "empty": [0, 0, 0, 0],
    }
    for name, column in expected.items():
        assert found[f"conformal/{name}"].tolist() == column, name
    unsure = set_columns(np.array([0]), np.array([[0.4, 0.3, 0.3]]), least=0.5)
    assert unsure["conformal/empty"].tolist() == [1]


def simulated(draws: np.random.Generator, groups: int) -> tuple[np.ndarray, list[str]]:
    """Return probabilities of the true class; groups of 1 to 30 clips that are nearly all alike."""
    sizes = draws.integers(1, 31, groups)
    which = np.repeat(np.arange(groups), sizes)
    logits = draws.normal(1, 2, groups)[which] + draws.normal(0, 0.3, len(which))
    return 1 / (1 + np.exp(-logits)), [str(number) for number in which]


@pytest.mark.parametrize("groups", [12, 60])
def test_coverage_of_new_groups_holds_and_that_of_clips_as_independent_does_not(
    groups: int,
) -> None:
    draws = np.random.default_rng(groups)
    by_group: list[float] = []
    by_clip: list[float] = []
    for _ in range(1500):
        true, names = simulated(draws, groups)
        new, new_names = simulated(draws, 20)
        weights = evenly_by_group(new_names)
        alone = [str(number) for number in range(len(true))]
        for found, kind in ((by_group, names), (by_clip, alone)):
            least = least_probability(*binary(true), kind, level=0.9)
            found.append(weights[new >= least].sum())
    assert 0.895 < np.mean(by_group) < 0.9 + 1.5 / (groups + 1) + 0.005
    if groups == 12:
        assert np.mean(by_clip) < 0.88, "what it would be if groups were ignored"
