"""Bias that is planted, weak to strong: the measures grow with it, and say little without it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from clip_har.metrics.prediction_bias import prediction_bias
from clip_har.metrics.robustness import robustness
from clip_har.metrics.scene import SceneTables, scene_measures
from tests.report.made import table

STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8)
GROW = (
    "bias/skew_kl", "bias/prediction_kl", "bias/prediction_tv", "bias/overprediction",
    "bias/recall_gap", "bias/recall_sd", "bias/recall_gini", "bias/confusion_asymmetry",
)  # fmt: skip
FALL = ("bias/prediction_entropy", "bias/worst10")


def biased(strength, *, seed=0, classes=10, clips=4000, accuracy=0.7):
    """Return answers, a share of which is moved to class 0 whatever the clip shows."""
    draws = np.random.default_rng(seed)
    labels = np.arange(clips) % classes
    errs = draws.random(clips) >= accuracy
    answers = np.where(errs, (labels + draws.integers(1, classes, clips)) % classes, labels)
    answers = np.where(draws.random(clips) < strength, 0, answers)
    scores = np.zeros((clips, classes))
    scores[np.arange(clips), answers] = 5
    return labels, softmax(scores, axis=1)


@pytest.mark.parametrize("seed", range(3))
def test_measures_of_bias_grow_with_the_bias_that_is_planted(seed):
    found = [prediction_bias(*biased(strength, seed=seed)) for strength in STRENGTHS]
    for name in GROW:
        values = [one[name] for one in found]
        assert values == sorted(values), name
        assert values[-1] > 1.5 * values[0] + 0.02, name
    for name in FALL:
        values = [one[name] for one in found]
        assert values == sorted(values, reverse=True), name
    none = found[0]
    assert none["bias/skew_kl"] < 0.005
    assert none["bias/prediction_kl"] < 0.01
    assert none["bias/prediction_tv"] < 0.05
    assert none["bias/overprediction"] < 1.15
    assert none["bias/recall_gini"] < 0.05
    assert none["bias/recall_gap"] < 0.15
    assert none["bias/confusion_asymmetry"] < 0.25
    assert none["bias/prediction_entropy"] > 0.99
    assert none["bias/never_predicted"] == 0


def test_a_model_that_knows_one_class_only():
    labels = np.arange(20) % 5
    found = prediction_bias(labels, np.eye(5)[np.zeros(20, int)] * 0.96 + 0.008)
    assert found["bias/never_predicted"] == 4
    assert found["bias/overprediction"] == 5
    assert found["bias/prediction_tv"] == pytest.approx(0.8)
    assert found["bias/prediction_entropy"] == pytest.approx(0, abs=1e-12)
    assert found["bias/recall_gap"] == 1
    assert found["bias/recall_sd"] == pytest.approx(0.4)
    assert found["bias/recall_gini"] == pytest.approx(0.8)
    assert found["bias/worst10"] == 0
    assert found["bias/confusion_asymmetry"] == 1


def test_one_clip_all_right_and_all_wrong():
    one = prediction_bias(np.array([1]), np.eye(3)[[1]])
    assert one["bias/recall_gap"] == one["bias/confusion_asymmetry"] == 0
    labels = np.arange(6) % 3
    wrong = prediction_bias(labels, np.eye(3)[(labels + 1) % 3])
    assert wrong["bias/recall_gini"] == wrong["bias/worst10"] == 0
    assert wrong["bias/confusion_asymmetry"] == 1


@pytest.mark.parametrize("seed", range(3))
def test_answers_that_follow_the_scene_show_in_the_swap_error(seed):
    draws = np.random.default_rng(seed)
    clean = table(0.9, clips=800, groups=40)
    scenes = (clean.labels + draws.integers(1, 8, 800)) % 8
    found = []
    for strength in STRENGTHS:
        follows = draws.random(800) < strength
        answers = np.where(follows, scenes, table(0.9, clips=800, seed=seed).predictions())
        scores = np.zeros((800, 8), np.float32)
        scores[np.arange(800), answers] = 1
        swap = replace(clean, scores=scores, scene_labels=scenes)
        measures = scene_measures(SceneTables(clean=clean, swap=swap)).set_index("measure")
        found.append(measures["value"])
    errors = [one["scene/swap_error"] for one in found]
    right = [one["scene/swap_accuracy"] for one in found]
    assert errors == sorted(errors)
    assert right == sorted(right, reverse=True)
    np.testing.assert_allclose(
        errors, np.array(STRENGTHS) + (1 - np.array(STRENGTHS)) / 70, atol=0.06
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_corruption_that_grows_shows_against_the_twin(seed):
    clean = table(0.9, clips=800)
    draws = np.random.default_rng(seed)
    noise = draws.standard_normal(clean.scores.shape).astype(np.float32)
    found = []
    for strength in (0.0, 1.0, 2.0, 4.0):
        scores = clean.scores + strength * noise
        scores[:, 0] += strength
        found.append(robustness(replace(clean, scores=scores), clean))
    for name in ("flip_rate", "flip_rate/harmful", "kl_from_clean", "bias/amplification"):
        values = [one[name] for one in found]
        assert values == sorted(values), name
        assert values[0] == 0
        assert values[-1] > 0.1
    for name in ("robustness/absolute", "robustness/relative", "top5_overlap"):
        values = [one[name] for one in found]
        assert values == sorted(values, reverse=True), name
        assert values[0] == 1
