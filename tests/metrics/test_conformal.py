"""Conformal sets over groups: by hand, against the textbook for single clips, in simulations."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from clip_har.metrics.conformal import (
    conformal_intervals,
    conformal_measures,
    evenly_by_group,
    least_probability,
)
from clip_har.results.score_table import ScoreTable
from tests.tables import made_table


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


def table(
    probabilities: list[list[float]] | np.ndarray, labels: list[int], groups: str
) -> ScoreTable:
    shares = np.asarray(probabilities)
    found = made_table(labels=labels, classes=shares.shape[1], right=[1] * len(labels))
    return replace(found, scores=np.log(shares).astype(np.float32), groups=tuple(groups))


@pytest.mark.parametrize(("groups", "enough"), [(8, False), (9, True)])
def test_too_few_groups_give_the_set_of_all_classes(groups: int, enough: bool) -> None:
    names = "".join(str(number // 5) for number in range(5 * groups))
    reference = table([[0.75, 0.25]] * 5 * groups, [0] * 5 * groups, names)
    found = conformal_measures(reference, reference, 0.9)
    assert found["conformal/least_probability"] == pytest.approx(0.75 if enough else 0.0)
    assert found["conformal/set_size"] == (1 if enough else 2)
    assert found["conformal/coverage"] == 1


CELL = table(
    [[0.5, 0.31, 0.19], [0.8, 0.1, 0.1], [0.2, 0.31, 0.49], [0.24, 0.32, 0.44], [0.26, 0.3, 0.44]],
    [1, 0, 0, 2, 0],
    "aabbb",
)
REFERENCE = table([[0.305, 0.4, 0.295]] * 9, [0] * 9, "abcdefghi")


def test_sets_by_hand() -> None:
    """Sets {0, 1} and {0} in group a; {1, 2}, {1, 2}, {2} in b; the truths are 1 0; 0 2 0."""
    found = conformal_measures(CELL, REFERENCE, 0.9)
    assert found.pop("conformal/least_probability") == pytest.approx(0.305)
    assert found == pytest.approx(
        {
            "conformal/coverage": (1 + 1 / 3) / 2,
            "conformal/set_size": (1.5 + 5 / 3) / 2,
            "conformal/single": (1 / 2 + 1 / 3) / 2,
            "conformal/empty": 0,
        }
    )
    unsure = table([[0.35, 0.35, 0.3]] * 9, [0] * 9, "abcdefghi")
    sure = table([[0.8, 0.1, 0.1]] * 9, [0] * 9, "abcdefghi")
    assert conformal_measures(unsure, sure, 0.9)["conformal/empty"] == 1


def test_the_intervals_are_about_the_measures_and_the_change_is_paired_by_clip() -> None:
    draws = np.random.default_rng(0)
    names = "".join(chr(65 + number // 4) for number in range(80))
    scores = draws.normal(size=(80, 3)) + np.eye(3)[0]
    clean, masked = (
        table(softmax(scores + noise, axis=1), [0] * 80, names)
        for noise in (0.0, draws.normal(size=(80, 3)) - 1.5 * np.eye(3)[0])
    )
    before, after = (conformal_measures(one, clean, 0.8) for one in (clean, masked))
    least = before.pop("conformal/least_probability")
    found = conformal_intervals(masked, clean, least=least)
    change, low, high = found.pop("change")
    for name, (value, under, over) in found.items():
        assert value == pytest.approx(after[name]), name
        assert under <= value <= over
    assert change == pytest.approx(after["conformal/coverage"] - before["conformal/coverage"])
    assert low < change < high < 0, "noise costs coverage"
    order = draws.permutation(80)
    moved = replace(
        clean,
        clip_ids=tuple(clean.clip_ids[row] for row in order),
        scores=clean.scores[order],
        groups=tuple(names[row] for row in order),
    )
    again = conformal_intervals(masked, moved, least=least)["change"]
    assert again == pytest.approx((change, low, high))
    assert "change" not in conformal_intervals(masked, least=least)


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
    for _ in range(500):
        true, names = simulated(draws, groups)
        new, new_names = simulated(draws, 20)
        weights = evenly_by_group(new_names)
        alone = [str(number) for number in range(len(true))]
        for found, kind in ((by_group, names), (by_clip, alone)):
            least = least_probability(*binary(true), kind, level=0.9)
            found.append(weights[new >= least].sum())
    assert 0.89 < np.mean(by_group) < 0.91 + 1.5 / (groups + 1)
    if groups == 12:
        assert np.mean(by_clip) < 0.88, "what it would be if groups were ignored"
