"""Detection of named classes, against scikit-learn and cases computed by hand."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as oracle

from clip_har.config.measures import MeasureSettings
from clip_har.metrics.detection import (
    Events,
    curve_areas,
    detection,
    detection_at_thresholds,
    thresholds,
)
from clip_har.metrics.detection_intervals import (
    detection_changes,
    detection_intervals,
    detection_tests,
)
from clip_har.metrics.intervals import share_interval
from clip_har.metrics.measures import find
from clip_har.metrics.significance import sign_flip
from clip_har.metrics.summary import depends_on_settings, summarise
from clip_har.results.score_table import ScoreTable
from tests.tables import made_table, rows_of

NAMES = ("fallen", "falling", "walking")
TARGET = (0, 1)
SETTINGS = MeasureSettings(target=("falling", "fallen"), reference="val", sensitivity=0.75)


def made(labels: list[int], event: list[float], groups: list[str] | None = None) -> ScoreTable:
    """A table of three classes; ``event`` is the probability of both target classes together."""
    score, clips = np.array(event), len(labels)
    shares = np.stack([score * 0.55, score * 0.45, 1 - score], axis=1)
    return replace(
        made_table(labels=labels, classes=3, right=[1] * clips),
        class_names=NAMES,
        groups=tuple(groups or [f"group {number}" for number in range(clips)]),
        scores=np.log(shares).astype(np.float32),
        kind="log_probabilities",
    )


def random_table(seed: int, clips: int = 240, groups: int = 30) -> ScoreTable:
    """Three classes, scores rounded so that many are equal."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=clips)
    score = np.where(labels < 2, rng.beta(3, 2, clips), rng.beta(2, 3, clips)).round(2)
    names = [f"group {number % groups}" for number in range(clips)]
    return made(labels.tolist(), score.clip(0.01, 0.99).tolist(), names)


HAND = made([0, 1, 0, 1, 2, 2, 2, 2, 2, 2], [0.9, 0.8, 0.6, 0.3, 0.7, 0.4, 0.2, 0.2, 0.1, 0.1])
REFERENCE = made([0, 1, 0, 1, 2, 2, 2, 2], [0.9, 0.8, 0.7, 0.4, 0.75, 0.45, 0.2, 0.1])


def test_a_case_by_hand() -> None:
    found = detection(HAND, TARGET)
    # One target class has 55 % of the event's score: 0.55 * 0.7 > 0.3, but 0.55 * 0.6 < 0.4.
    expected = {
        "prevalence": 0.4, "argmax/sensitivity": 2 / 4, "argmax/specificity": 5 / 6,
        "argmax/ppv": 2 / 3, "argmax/npv": 5 / 7,
    }  # fmt: skip
    for name, value in expected.items():
        assert found[f"detect/{name}"] == pytest.approx(value)
    assert "detect/argmax/false_alarms_per_hour" not in found, "no clip has a known length"


def test_thresholds_are_scores_of_the_reference() -> None:
    found = thresholds(REFERENCE, TARGET, 0.75)
    # Sensitivity minus false alarms: 0.5 - 0 at 0.8, 0.75 - 0.25 at 0.7, 1 - 0.5 at 0.4. The
    # highest of equal ones counts. Three of four events reach 0.7.
    assert found == pytest.approx({"youden": 0.8, "required": 0.7}, abs=1e-6)
    assert thresholds(REFERENCE, TARGET, 0.76)["required"] == pytest.approx(0.4)
    assert thresholds(REFERENCE, TARGET, 1.0)["required"] == pytest.approx(0.4)
    assert thresholds(REFERENCE, TARGET, 0.01)["required"] == pytest.approx(0.9)


def test_rates_at_the_thresholds_of_the_reference_by_hand() -> None:
    found = detection_at_thresholds(HAND, TARGET, REFERENCE, 0.75)
    assert found["detect/youden/sensitivity"] == 2 / 4
    assert found["detect/youden/specificity"] == 1
    assert found["detect/youden/ppv"] == 1
    assert found["detect/required/sensitivity"] == 2 / 4
    assert found["detect/required/ppv"] == pytest.approx(2 / 3)
    assert found["detect/required/npv"] == pytest.approx(5 / 7)


@pytest.mark.parametrize("seed", range(5))
def test_areas_and_thresholds_agree_with_scikit_learn(seed: int) -> None:
    table, reference = random_table(seed), random_table(seed + 100)
    events, known = Events.of(table, TARGET), Events.of(reference, TARGET)
    found = detection(table, TARGET)
    assert found["detect/auroc"] == pytest.approx(
        oracle.roc_auc_score(events.present, events.score)
    )
    precision = oracle.average_precision_score(events.present, events.score)
    assert found["detect/auprc"] == pytest.approx(precision)
    false, true, levels = oracle.roc_curve(known.present, known.score, drop_intermediate=False)
    chosen = thresholds(reference, TARGET, 0.9)
    assert chosen["youden"] == levels[np.argmax((true - false).round(12))]
    assert chosen["required"] == levels[np.argmax(true >= 0.9)]
    for rule, threshold in chosen.items():
        at = detection_at_thresholds(table, TARGET, reference, 0.9)
        alarms = events.score >= threshold
        named = {
            "sensitivity": oracle.recall_score(events.present, alarms),
            "specificity": oracle.recall_score(events.present, alarms, pos_label=False),
            "ppv": oracle.precision_score(events.present, alarms),
            "npv": oracle.precision_score(events.present, alarms, pos_label=False),
        }
        for rate, value in named.items():
            assert at[f"detect/{rule}/{rate}"] == pytest.approx(value)


def test_weighted_areas_agree_with_scikit_learn() -> None:
    events = Events.of(random_table(1), TARGET)
    weights = np.random.default_rng(0).integers(0, 4, size=(3, len(events.score))).astype(float)
    auroc, auprc = curve_areas(events.present, events.score, weights)
    for row, one, other in zip(weights, auroc, auprc, strict=True):
        given = (events.present, events.score)
        assert one == pytest.approx(oracle.roc_auc_score(*given, sample_weight=row))
        assert other == pytest.approx(oracle.average_precision_score(*given, sample_weight=row))


def test_false_alarms_are_counted_over_the_hours_of_clips_of_known_length() -> None:
    lengths = [10, 10, 10, 10, 30, np.nan, 30, 30, 30, 30]
    found = detection(replace(HAND, seconds=np.array(lengths)), TARGET)
    assert found["detect/argmax/false_alarms_per_hour"] == pytest.approx(1 / (150 / 3600))


@pytest.mark.parametrize(
    ("labels", "missing", "kept"),
    [
        ([2, 2, 2], {"auroc", "auprc", "argmax/sensitivity"}, {"argmax/specificity"}),
        ([0, 1, 1], {"auroc", "argmax/specificity"}, {"argmax/sensitivity", "auprc"}),
    ],
)
def test_what_is_not_defined_is_left_out(
    labels: list[int], missing: set[str], kept: set[str]
) -> None:
    found = {
        name.removeprefix("detect/") for name in detection(made(labels, [0.9, 0.2, 0.1]), TARGET)
    }
    assert not found & missing
    assert kept <= found


def test_no_alarm_has_no_predictive_value() -> None:
    found = detection(made([0, 2], [0.2, 0.1]), TARGET)
    assert "detect/argmax/ppv" not in found
    assert found["detect/argmax/npv"] == 0.5


def test_a_reference_without_events_gives_no_threshold() -> None:
    assert detection_at_thresholds(HAND, TARGET, made([2, 2], [0.4, 0.1]), 0.9) == {}
    only = thresholds(made([0, 1], [0.4, 0.1]), TARGET, 0.9)
    assert set(only) == {"required"}, "there is no false alarm to weigh"


def test_a_cell_logs_detection_only_with_a_target() -> None:
    assert not any(name.startswith("detect") for name in summarise(HAND))
    named = {name for name in summarise(HAND, None, None, SETTINGS) if depends_on_settings(name)}
    assert {"detect/auroc", "detect/argmax/ppv"} <= named
    assert not any("youden" in name for name in named), "there is no reference"
    every = summarise(HAND, None, REFERENCE, SETTINGS)
    assert every["detect/required/threshold"] == pytest.approx(0.7)
    assert find("detect/required/threshold").unit == "number"


RULES = {"argmax": None, "youden": 0.5}


def test_intervals_hold_the_estimates_and_rest_on_the_groups_with_events() -> None:
    table = random_table(3)
    found = detection_intervals(table, TARGET, RULES, draws=300)
    numbers = detection(table, TARGET)
    for name in ("auroc", "auprc", "argmax/sensitivity", "argmax/npv"):
        one = found[name]
        assert one.value == pytest.approx(numbers[f"detect/{name}"])
        assert 0 <= one.low < one.value < one.high <= 1
    assert set(found) == {"auroc", "auprc"} | {
        f"{rule}/{rate}" for rule in RULES for rate in ("sensitivity", "specificity", "ppv", "npv")
    }


def test_a_sensitivity_of_one_is_as_sure_as_its_groups() -> None:
    """Eight groups have events, and fifty others do not make the sensitivity any surer."""
    labels, event = [0] * 16 + [2] * 100, [0.9] * 16 + [0.1] * 100
    groups = [f"fall {number // 2}" for number in range(16)]
    groups += [f"walk {number // 2}" for number in range(100)]
    found = detection_intervals(made(labels, event, groups), TARGET, RULES, draws=100)
    low, high = share_interval(1.0, 0.0, groups=8, degrees=7)
    assert (found["argmax/sensitivity"].low, found["argmax/sensitivity"].high) == (low, high)
    assert found["auroc"].low == low
    assert found["argmax/specificity"].low > low
    few = detection_intervals(made(labels[8:], event[8:], groups[8:]), TARGET, RULES, draws=100)
    assert np.isnan(few["argmax/sensitivity"].low), "four groups"
    assert few["argmax/sensitivity"].value == 1


def test_groups_of_one_class_each_leave_a_degree_less_per_class() -> None:
    """Two classes of four groups are the event: eight groups in two strata."""
    labels = np.repeat([0, 1, 2], [8, 8, 16])
    event, groups = np.where(labels < 2, 0.9, 0.1), [f"group {n // 2:02d}" for n in range(32)]
    found = detection_intervals(
        made(labels.tolist(), event.tolist(), groups), TARGET, {"youden": 0.5}, draws=100
    )
    for name, of_groups, degrees in (("sensitivity", 8, 6), ("specificity", 8, 7)):
        one = found[f"youden/{name}"]
        assert (one.low, one.high) == share_interval(1.0, 0.0, groups=of_groups, degrees=degrees)


def test_no_false_alarm_in_the_data_has_an_upper_bound() -> None:
    """That of no alarm in 10 groups, at 20 clips of 36 seconds: 100 clips an hour."""
    labels, event = [0] * 20 + [2] * 20, [0.9] * 20 + [0.1] * 20
    groups = [f"group {number // 2:02d}" for number in range(40)]
    quiet = replace(made(labels, event, groups), seconds=np.full(40, 36.0))
    one = detection_intervals(quiet, TARGET, RULES, draws=100)["youden/false_alarms_per_hour"]
    _, high = share_interval(0.0, 0.0, groups=10, degrees=9)
    assert (one.value, one.low) == (0, 0)
    assert one.high == pytest.approx(100 * high)


def test_the_interval_of_the_area_has_the_width_of_independent_clips() -> None:
    """With one clip per group it is near that of Hanley and McNeil (1982)."""
    table = random_table(7, clips=600, groups=600)
    one = detection_intervals(table, TARGET, {}, draws=1000)["auroc"]
    present = Events.of(table, TARGET).present
    area, m, n = one.value, present.sum(), (~present).sum()
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    error = np.sqrt(
        (area * (1 - area) + (m - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)) / (m * n)
    )
    assert (one.high - one.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.15)


def test_changes_are_paired_by_clip_and_tested_over_groups() -> None:
    clean = random_table(4)
    score = Events.of(clean, TARGET).score
    weaker = made(clean.labels.tolist(), (score * 0.6).tolist(), list(clean.groups))
    order = np.random.default_rng(0).permutation(len(score))
    shuffled = rows_of(weaker, order)
    found = detection_changes(shuffled, clean, TARGET, {"youden": 0.5}, draws=300)
    before, after = (
        detection_intervals(one, TARGET, {"youden": 0.5}, draws=10) for one in (clean, weaker)
    )
    for name, one in found.items():
        assert one.value == pytest.approx(after[name].value - before[name].value)
    sensitivity = found["youden/sensitivity"]
    assert sensitivity.high < 0
    present = clean.labels < 2
    lost = np.where(present, (score * 0.6 >= 0.5) * 1.0 - (score >= 0.5), 0.0)
    tests = detection_tests([shuffled], [clean], TARGET, [{"youden": 0.5}])
    assert tests["youden/sensitivity"] == pytest.approx(sign_flip(lost, clean.groups))
    assert "youden/ppv" not in tests, "its clips differ between the two"
    assert abs(found["auroc"].value) < 1e-9, "the order of the clips is the same"


def test_without_any_change_the_interval_still_has_a_width() -> None:
    table = random_table(5)
    found = detection_changes(table, table, TARGET, RULES, draws=100)
    assert all(one.value == 0 and one.low < 0 < one.high for one in found.values())
    assert set(detection_tests([table], [table], TARGET, [RULES]).values()) == {1.0}


def test_seeds_are_one_test_of_their_mean() -> None:
    """One seed loses a group's events, the other finds them: no change."""
    labels, groups = [0] * 12 + [2] * 12, [f"group {number % 6}" for number in range(24)]
    clean, low, high = (
        made(labels, [event] * 12 + [0.1] * 12, groups) for event in (0.6, 0.4, 0.9)
    )
    rules = [{"youden": 0.5}, {"youden": 0.5}]
    alone = detection_tests([low], [clean], TARGET, rules[:1])["youden/sensitivity"]
    assert alone == pytest.approx(2 / 2**6)
    both = detection_tests([low, high], [clean, clean], TARGET, rules)["youden/sensitivity"]
    assert both == pytest.approx(2 / 2**6), "half as large in every group"
    rules[0] = {"youden": 0.3}
    assert detection_tests([low, high], [clean] * 2, TARGET, rules)["youden/sensitivity"] == 1
