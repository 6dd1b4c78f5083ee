"""What chance alone gives, against exact counts and against random data without the fault."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from clip_har.metrics.calibration import debiased_calibration_error, expected_calibration_error
from clip_har.metrics.chance import asymmetry_by_chance, error_by_chance, recalls_by_chance
from clip_har.metrics.prediction_bias import prediction_bias
from clip_har.metrics.summary import summarise
from clip_har.results.score_table import ScoreTable
from tests.metrics.structure import split1
from tests.tables import made_table


def table(answers: np.ndarray, labels: np.ndarray, groups: list[str], classes: int) -> ScoreTable:
    found = made_table(labels=labels.tolist(), classes=classes, right=[1] * len(labels))
    scores = np.eye(classes, dtype=np.float32)[answers]
    return replace(found, scores=scores, groups=tuple(groups))


def test_a_calibrated_model_of_few_clips_has_this_error() -> None:
    """Its exact mean: all outcomes of six clips in two bins."""
    confidence = np.array([0.9, 0.92, 0.9, 0.55, 0.58, 0.6])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    expected = 0.0
    for labels in product((0, 1), repeat=6):
        chance = probabilities[np.arange(6), labels].prod()
        expected += chance * expected_calibration_error(np.array(labels), probabilities)
    assert error_by_chance(probabilities) == pytest.approx(expected, rel=0.1)


def test_calibrated_answers_show_what_chance_gives_and_less_when_debiased() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.full(8, 0.3), 400)
    draws = [
        np.minimum((random.random((400, 1)) > probabilities.cumsum(axis=1)).sum(axis=1), 7)
        for _ in range(40)
    ]
    plain = np.mean([expected_calibration_error(labels, probabilities) for labels in draws])
    debiased = np.mean([debiased_calibration_error(labels, probabilities) for labels in draws])
    assert 0.03 < plain < 0.07, "a calibrated model shows an error at 400 clips"
    assert error_by_chance(probabilities) == pytest.approx(plain, rel=0.1)
    assert debiased == pytest.approx(0.6 * plain, rel=0.1)
    wrong = (probabilities.argmax(axis=1) + 1) % 8
    off = probabilities.max(axis=1).mean()
    assert debiased_calibration_error(wrong, probabilities) == pytest.approx(off), "no bias left"


def test_groups_dealt_to_classes_give_the_spread_of_recalls_without_a_difference() -> None:
    labels, groups = split1()
    random = np.random.default_rng(0)
    of_group = dict(zip(dict.fromkeys(groups), random.beta(3, 1.5, 707), strict=True))
    rates = np.array([of_group[name] for name in groups])
    same = np.where(random.random(len(labels)) < rates, labels, (labels + 1) % 101)
    rates = np.where(labels % 2, rates, rates / 4)
    other = np.where(random.random(len(labels)) < rates, labels, (labels + 1) % 101)
    for answers, differs in ((same, False), (other, True)):
        one = table(answers, labels, groups, 101)
        found = summarise(one)
        chance = recalls_by_chance(one)
        assert chance.items() <= found.items()
        assert (found["bias/recall_sd"] > 1.5 * chance["bias/recall_sd_by_chance"]) == differs
        assert (found["bias/worst10"] < 0.5 * chance["bias/worst10_by_chance"]) == differs
    assert chance["bias/recall_sd_by_chance"] > 0.05


def test_recalls_by_chance_by_hand() -> None:
    """Two groups of each of two classes, two all right and two all wrong: six ways to deal."""
    labels = np.array([0, 0, 0, 1, 1, 1])
    one = table(np.array([0, 0, 1, 1, 0, 0]), labels, list("aabcdd"), 2)
    pieces = [(2, 2), (0, 1), (1, 1), (0, 2)]  # hits and clips
    recalls = []
    for first in product(range(4), range(4)):
        if first[0] >= first[1]:
            continue
        parts = [first, [n for n in range(4) if n not in first]]
        recalls.append([np.divide(*np.sum([pieces[n] for n in part], axis=0)) for part in parts])
    chance = recalls_by_chance(one)
    spread, worst = np.std(recalls, axis=1).mean(), np.min(recalls, axis=1).mean()
    assert chance["bias/recall_sd_by_chance"] == pytest.approx(spread, rel=0.2)
    assert chance["bias/worst10_by_chance"] == pytest.approx(worst, rel=0.2)


def test_a_group_with_several_classes_is_dealt_by_class() -> None:
    labels = np.tile([0, 1], 6)
    one = table(np.where(labels, 1, 1), labels, [str(n // 4) for n in range(12)], 2)
    chance = recalls_by_chance(one)
    assert 0 < chance["bias/recall_sd_by_chance"] < 0.5, "all of one class, by hand: 0.5"
    assert prediction_bias(labels, one.probabilities())["bias/recall_sd"] == 0.5


def test_confusions_without_a_direction() -> None:
    """Four errors between two classes, one per group: |±1 ±1 ±1 ±1| / 4 is 0.375 on average."""
    labels = np.array([0, 0, 0, 0, 2])
    answers = np.array([1, 1, 1, 1, 2])
    assert asymmetry_by_chance(table(answers, labels, list("abcde"), 3)) == pytest.approx(
        0.375, abs=0.06
    )
    together = table(answers, labels, list("aaaab"), 3)
    assert asymmetry_by_chance(together) == 1, "one group errs one way"
    assert asymmetry_by_chance(table(labels, labels, list("abcde"), 3)) == 0, "no error"


def test_one_clip_and_one_class() -> None:
    one = table(np.array([0]), np.array([0]), ["a"], 2)
    found = summarise(one)
    assert found["bias/recall_sd_by_chance"] == 0
    assert found["bias/worst10_by_chance"] == 1
