"""A cell's numbers with its clean twin, and that every name stands for its own measure."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.metrics import log_loss
from torchmetrics.functional.classification import multiclass_calibration_error

from clip_har.metrics.prediction_bias import prediction_bias
from clip_har.metrics.robustness import robustness
from clip_har.metrics.summary import summarise
from tests.report.made import table

CLEAN, CELL = table(0.9), table(0.4, seed=1)


def test_each_name_is_its_own_measure():
    import torch

    found = summarise(CELL)
    labels, probabilities = CELL.labels, CELL.probabilities()
    best = np.sort(probabilities, axis=1)
    off = (probabilities.argmax(axis=1) == labels) - best[:, -1]
    mass_bins = np.array_split(off[np.argsort(best[:, -1], kind="stable")], 15)
    ece = multiclass_calibration_error(
        torch.tensor(probabilities), torch.tensor(labels), num_classes=8, n_bins=15, norm="l1"
    )
    expected = {
        "confidence": best[:, -1].mean(),
        "true_class_confidence": probabilities[np.arange(len(labels)), labels].mean(),
        "margin": (best[:, -1] - best[:, -2]).mean(),
        "entropy": entropy(probabilities, axis=1).mean() / np.log(8),
        "ece": float(ece),
        "ece_adaptive": sum(abs(part.sum()) for part in mass_bins) / len(labels),
        "brier": np.square(probabilities - np.eye(8)[labels]).sum(axis=1).mean(),
        "nll": log_loss(labels, probabilities, labels=range(8)),
        **prediction_bias(labels, probabilities),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    values = [found[name] for name in ("confidence", "margin", "entropy", "ece", "ece_adaptive")]
    assert len(np.unique(np.round(values, 6))) == 5  # so that a swap of two would show


def test_the_mask_s_ratio_and_its_spread():
    found = summarise(replace(CELL, mask_ratio=np.linspace(0.2, 0.6, 160)))
    assert found["mask/realised_ratio"] == pytest.approx(0.4)
    assert found["mask/realised_ratio_sd"] == pytest.approx(np.linspace(0.2, 0.6, 160).std())


def test_the_twin_adds_robustness_and_changes_nothing_else():
    alone, found = summarise(CELL), summarise(CELL, CLEAN)
    added = robustness(CELL, CLEAN)
    assert not alone.keys() & added.keys()
    assert found == {**alone, **added}
    assert found["robustness/absolute"] < 0.7  # the cell's, not the twin's
    assert found["flip_rate/harmful"] > found["flip_rate/helpful"]
    assert found["bias/amplification"] == pytest.approx(
        found["bias/skew_kl"] - summarise(CLEAN)["bias/skew_kl"]
    )
    assert found["robustness/relative"] == pytest.approx(found["top1"] / summarise(CLEAN)["top1"])


def test_a_cell_that_is_its_own_twin_is_robust():
    found = summarise(CLEAN, CLEAN)
    assert found["robustness/absolute"] == found["robustness/relative"] == 1
    assert found["flip_rate"] == found["kl_from_clean"] == found["bias/amplification"] == 0


def test_a_twin_of_other_clips_adds_nothing():
    stranger = replace(CLEAN, clip_ids=tuple(f"other {number}" for number in range(160)))
    assert summarise(CELL, stranger) == summarise(CELL)


def test_clips_in_which_the_thing_was_not_found_are_not_compared():
    gone = CELL.clip_ids[:60]
    found = summarise(replace(CELL, empty=gone), CLEAN)
    rest = CELL.predictions()[60:] != CLEAN.predictions()[60:]
    assert found["flip_rate"] == pytest.approx(rest.mean())
    assert found["top1"] == summarise(CELL)["top1"]


@pytest.mark.parametrize("clean", [None, CLEAN])
def test_mlflow_takes_every_name_and_every_value_is_a_finite_float(clean):
    found = summarise(CELL, clean)
    assert all(re.fullmatch(r"[\w\-. /]+", name) for name in found)
    assert all(type(value) is float and np.isfinite(value) for value in found.values())


def test_one_clip_of_one_group():
    one = table(1.0, clips=1, groups=1)
    found = summarise(one, one)
    assert found["top1"] == found["robustness/absolute"] == 1
    assert found["bias/recall_gap"] == found["bias/recall_sd"] == 0
    assert all(np.isfinite(list(found.values())))


def test_a_twin_that_is_never_right():
    never = table(0.0)
    found = summarise(CELL, never)
    assert "robustness/relative" not in found
    assert found["robustness/absolute"] > 1
    assert found["flip_rate/harmful"] == 0
