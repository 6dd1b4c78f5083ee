"""Every number of a cell against another library, or against the formula in plain Python."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from itertools import accumulate
from math import ceil, log
from statistics import fmean, pstdev
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from fairlearn.metrics import MetricFrame, equalized_odds_difference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cityblock, pdist
from scipy.special import log_softmax
from scipy.stats import entropy, foldnorm
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression
from torchmetrics.functional.classification import multiclass_calibration_error

from clip_har.config.measures import MeasureSettings
from clip_har.metrics.measures import MEASURES, find
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.summary import summarise
from clip_har.metrics.temperature import COLDEST, HOTTEST
from clip_har.results.score_table import ScoreTable
from tests.metrics.made import random_table


class Case:
    """A table, and what the oracles need of it."""

    def __init__(self, table: ScoreTable, clean: ScoreTable, reference: ScoreTable) -> None:
        self.table, self.reference = table, reference
        self.y, self.p = table.labels, table.probabilities()
        self.said = self.p.argmax(axis=1)
        self.classes = np.arange(self.p.shape[1])
        self.present = np.unique(self.y)
        self.best = np.sort(self.p, axis=1)[:, ::-1]
        self.off = (self.said == self.y) - self.best[:, 0]
        self.confusion = sk.confusion_matrix(self.y, self.said, labels=self.classes)
        self.true, self.predicted = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        self.recall = np.diag(self.confusion)[self.present] / self.true[self.present]
        self.risks = risks_of((self.said == self.y)[np.argsort(-self.best[:, 0])])
        (rows, _), _ = common_rows([table, clean])
        self.pairs = Pairs(rows, self.said[rows], clean.predictions()[rows], self.y[rows], clean)

    @cached_property
    def temperature(self) -> float:
        """The temperature of the least log score of the reference."""
        z, y = self.reference.scores.astype(np.float64), self.reference.labels

        def log_score(log_temperature: float) -> float:
            return float(-log_softmax(z / np.exp(log_temperature), axis=1)[range(len(y)), y].mean())

        ends = log(COLDEST), log(HOTTEST)
        best = minimize_scalar(log_score, bounds=ends, method="bounded", options={"xatol": 1e-9}).x
        inside = log_score(best) < min(map(log_score, ends))
        return float(np.exp(best)) if inside else np.nan

    @cached_property
    def least(self) -> float:
        """The largest probability that 0.8 of the groups and a new one reach."""
        reference = self.reference
        true = reference.probabilities()[range(len(reference.labels)), reference.labels]
        groups = {name: true[np.array(reference.groups) == name] for name in reference.groups}
        wanted = COVERAGE * (len(groups) + 1) - 1e-6
        reached = [
            p
            for p in true.tolist()
            if sum(float((own >= p).mean()) for own in groups.values()) > wanted
        ]
        return max(reached, default=0.0)

    @cached_property
    def ece(self) -> float:
        given = torch.tensor(self.p), torch.tensor(self.y)
        many = len(self.classes)
        return float(multiclass_calibration_error(*given, num_classes=many, n_bins=15, norm="l1"))

    def skew(self, mass: np.ndarray) -> float:
        return float(entropy(mass, self.true + 1 / len(self.classes)))  # scipy makes both sum to 1

    def over_views(self, name: str) -> float:
        """Return a measure of the attribute, over the clips whose value is known."""
        views = np.array([view or "" for view in self.table.attributes["view"]])
        known = views != ""
        y, said, views = self.y[known], self.said[known], views[known]
        if len(set(views)) < 2:
            return np.nan
        frame = MetricFrame(
            metrics=sk.accuracy_score, y_true=y, y_pred=said, sensitive_features=views
        )
        if name != "equalised_odds":
            return float(frame.ratio() if name == "accuracy_ratio" else frame.difference())
        gaps = []
        for c in np.unique(y):
            rates = []
            for of_class in (True, False):  # fairlearn takes a rate of no clips as 0, we leave it
                counted = [v for v in set(views) if ((y == c) == of_class)[views == v].any()]
                here = np.isin(views, counted) & ((y == c) == of_class)
                hit = pd.Series(said[here] == c).groupby(views[here]).mean()
                rates.append(hit.max() - hit.min() if len(hit) else 0.0)
            gaps.append(max(rates))
            if all((y[views == v] == c).any() and (y[views == v] != c).any() for v in set(views)):
                odds = equalized_odds_difference(y == c, said == c, sensitive_features=views)
                assert gaps[-1] == pytest.approx(odds)
        return fmean(gaps)


class Pairs(NamedTuple):
    """Predictions of the cell and of its twin, for the clips that both show as intended."""

    rows: np.ndarray
    said: np.ndarray
    before: np.ndarray
    y: np.ndarray
    clean: ScoreTable

    def lost(self) -> float:
        return float((self.before == self.y).mean() - (self.said == self.y).mean())

    def relative(self) -> float:
        before = float((self.before == self.y).mean())
        return 1 - self.lost() / before if before else np.nan


def mean(column: str) -> Callable[[Case], float]:
    return lambda c: pd.Series(getattr(c.table, column)).mean()  # NaN are left out


def best_five(scores: np.ndarray) -> list[set[int]]:
    return [set(np.argsort(-row, kind="stable")[:5]) for row in scores]


def of_pairs(measure: Callable[[Pairs], float]) -> Callable[[Case], float]:
    return lambda c: measure(c.pairs) if len(c.pairs.y) else np.nan


def overlap(c: Case) -> float:
    pairs = c.pairs
    if len(c.classes) <= 5 or not len(pairs.y):
        return np.nan
    both = best_five(c.table.scores[pairs.rows]), best_five(pairs.clean.scores[pairs.rows])
    return fmean(len(a & b) / 5 for a, b in zip(*both, strict=True))


def amplification(c: Case) -> float:
    rows, y = c.pairs.rows, c.pairs.y
    if not len(y):
        return np.nan
    prior = np.bincount(y, minlength=len(c.classes)) + 1 / len(c.classes)
    skews = [entropy(p[rows].sum(axis=0), prior) for p in (c.p, c.pairs.clean.probabilities())]
    return float(skews[0] - skews[1])


def asymmetry(c: Case) -> float:
    wrong = len(c.y) - np.trace(c.confusion)
    pairs = [(i, j) for i in c.classes for j in range(i)]
    one_sided = sum(abs(int(c.confusion[i, j] - c.confusion[j, i])) for i, j in pairs)
    return one_sided / wrong if wrong else 0.0


def gini(c: Case) -> float:
    count = len(c.recall)
    total = c.recall.sum() * count
    return 0.0 if not total else pdist(c.recall[:, None], "cityblock").sum() / total


def debiased(c: Case) -> float:
    found = 0.0
    for _, members in pd.DataFrame({"off": c.off, "right": c.said == c.y}).groupby(
        np.ceil(c.best[:, 0].astype(np.float64) * 15)
    ):
        gap, right = abs(members["off"].mean()), members["right"].mean()
        spread = np.sqrt(right * (1 - right) / len(members))
        bias = foldnorm(gap / spread, scale=spread).mean() - gap if spread else 0.0
        found += len(members) * (gap - bias)
    return found / len(c.y)


def above_chance(c: Case) -> float:
    pairs, chance = c.pairs, 1 / len(c.classes)
    if not len(pairs.y) or (pairs.before == pairs.y).mean() <= chance:
        return np.nan
    left, whole = (sk.accuracy_score(pairs.y, said) for said in (pairs.said, pairs.before))
    return float((left - chance) / (whole - chance))


COVERAGE = 0.8
LOSSES = {
    "brier": lambda y, p: ((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1).mean(),
    "nll": lambda y, p: -np.log(p[np.arange(len(y)), y]).mean(),
}
PARTS = {"miscalibration": (1, -1, 0), "discrimination": (0, -1, 1), "uncertainty": (0, 0, 1)}


def score_part(score: str, part: str) -> Callable[[Case], float]:
    """Return a part of a score: its factors of the score, the recalibrated and the known one."""

    def found(c: Case) -> float:
        fitted = IsotonicRegression().fit_transform(c.best[:, 0], (c.said == c.y) * 1.0)
        again = c.p * ((1 - fitted) / (1 - c.best[:, 0]))[:, None]
        again[np.arange(len(c.y)), c.said] = fitted
        known = np.tile(c.true / len(c.y), (len(c.y), 1))
        return float(np.dot(PARTS[part], [LOSSES[score](c.y, p) for p in (c.p, again, known)]))

    return found


def risks_of(right: Iterable[bool]) -> list[float]:
    """Return the share of errors among the first k answers, for each k."""
    return [errors / k for k, errors in enumerate(accumulate(not one for one in right), start=1)]


def at_coverage(c: Case, coverage: float) -> float:
    """Return the accuracy of the most certain clips; the last one counts in part."""
    end = coverage * len(c.y)
    errors = [0.0, *(risk * (k + 1) for k, risk in enumerate(c.risks))]
    whole = int(end)
    last = (end - whole) * (errors[min(whole + 1, len(c.y))] - errors[whole])
    return 1 - (errors[whole] + last) / end


def at_best(measure: Callable[[Case], float]) -> Callable[[Case], float]:
    """Return a measure of the cell at the temperature of the reference."""

    def found(c: Case) -> float:
        if not np.isfinite(c.temperature):
            return np.nan
        warm = replace(c.table, scores=(c.table.scores / c.temperature).astype(np.float32))
        return measure(Case(warm, c.table, c.reference))

    return found


def of_sets(measure: Callable[[set[int], int], float]) -> Callable[[Case], float]:
    """Return the mean over groups of a measure of a clip's conformal set and its true class."""

    def found(c: Case) -> float:
        sets = [set(np.flatnonzero(row >= c.least).tolist()) for row in c.p]
        values = [measure(one, y) for one, y in zip(sets, c.y.tolist(), strict=True)]
        return float(pd.Series(values).groupby(list(c.table.groups)).mean().mean())

    return found


ORACLES: dict[str, Callable[[Case], float]] = {
    "top1": lambda c: sk.accuracy_score(c.y, c.said),
    "top5": lambda c: (
        fmean(y in five for y, five in zip(c.y, best_five(c.table.scores), strict=True))
        if len(c.classes) > 5
        else np.nan
    ),
    "balanced_accuracy": lambda c: c.recall.mean(),
    "macro_f1": lambda c: fmean(
        2 * c.confusion[k, k] / (c.true[k] + c.predicted[k]) for k in c.present
    ),
    "confidence": lambda c: c.best[:, 0].mean(),
    "true_class_confidence": lambda c: c.p[np.arange(len(c.y)), c.y].mean(),
    "margin": lambda c: (c.best[:, 0] - c.best[:, 1]).mean(),
    "entropy": lambda c: entropy(c.p, axis=1).mean() / log(len(c.classes)),
    "ece": lambda c: c.ece,
    "ece_debiased": debiased,
    "ece_adaptive": lambda c: (
        sum(
            abs(gaps.sum())
            for gaps in np.array_split(c.off[np.argsort(c.best[:, 0], kind="stable")], 15)
        )
        / len(c.y)
    ),
    "brier": lambda c: sk.brier_score_loss(c.y, c.p, labels=c.classes, scale_by_half=False),
    "nll": lambda c: sk.log_loss(c.y, c.p, labels=c.classes),
    **{f"{score}/{part}": score_part(score, part) for score in LOSSES for part in PARTS},
    "selective/aurc": lambda c: fmean(c.risks),
    "selective/excess_aurc": lambda c: (
        fmean(c.risks) - fmean(risks_of(sorted(c.said == c.y)[::-1]))
    ),
    "selective/accuracy_80": lambda c: at_coverage(c, 0.8),
    "selective/accuracy_90": lambda c: at_coverage(c, 0.9),
    "calibrated/temperature": lambda c: c.temperature,
    "calibrated/ece_debiased": at_best(debiased),
    "calibrated/nll": at_best(lambda c: sk.log_loss(c.y, c.p, labels=c.classes)),
    "conformal/least_probability": lambda c: c.least,
    "conformal/coverage": of_sets(lambda found, y: float(y in found)),
    "conformal/set_size": of_sets(lambda found, _: float(len(found))),
    "conformal/single": of_sets(lambda found, _: float(len(found) == 1)),
    "conformal/empty": of_sets(lambda found, _: float(not found)),
    "top1_clean": of_pairs(lambda pairs: sk.accuracy_score(pairs.y, pairs.before)),
    "robustness/absolute": of_pairs(lambda pairs: 1 - pairs.lost()),
    "robustness/relative": of_pairs(Pairs.relative),
    "robustness/above_chance": above_chance,
    "flip_rate": of_pairs(lambda pairs: sk.zero_one_loss(pairs.before, pairs.said)),
    "flip_rate/harmful": of_pairs(
        lambda pairs: ((pairs.before == pairs.y) & (pairs.said != pairs.y)).mean()
    ),
    "flip_rate/helpful": of_pairs(
        lambda pairs: ((pairs.before != pairs.y) & (pairs.said == pairs.y)).mean()
    ),
    "top5_overlap": overlap,
    "kl_from_clean": lambda c: (
        entropy(c.pairs.clean.probabilities()[c.pairs.rows], c.p[c.pairs.rows], axis=1).mean()
        if len(c.pairs.y)
        else np.nan
    ),
    "drift": mean("drift"),
    "bias/skew_kl": lambda c: c.skew(c.p.mean(axis=0)),
    "bias/never_predicted": lambda c: len(set(c.present) - set(c.said)),
    "bias/recall_gap": lambda c: max(c.recall) - min(c.recall),
    "bias/recall_gini": gini,
    "bias/worst10": lambda c: fmean(sorted(c.recall)[: ceil(len(c.present) / 10)]),
    "bias/confusion_asymmetry": asymmetry,
    "bias/prediction_kl": lambda c: c.skew(c.predicted),
    "bias/prediction_tv": lambda c: cityblock(c.predicted, c.true) / len(c.y) / 2,
    "bias/prediction_entropy": lambda c: entropy(c.predicted, base=len(c.classes)),
    "bias/overprediction": lambda c: max(c.predicted[k] / c.true[k] for k in c.present),
    "bias/recall_sd": lambda c: pstdev(c.recall.tolist()),
    "bias/amplification": amplification,
    "bias/<attribute>/accuracy_difference": lambda c: c.over_views("accuracy_difference"),
    "bias/<attribute>/accuracy_ratio": lambda c: c.over_views("accuracy_ratio"),
    "bias/<attribute>/equalised_odds": lambda c: c.over_views("equalised_odds"),
    "mask/realised_ratio": mean("mask_ratio"),
    "mask/realised_ratio_sd": lambda c: pd.Series(c.table.mask_ratio).std(ddof=0),
    "mask/video_share": mean("video_hidden"),
    "mask/tokens_hidden": mean("tokens_hidden"),
    "mask/tokens_partly": mean("tokens_partly"),
    "mask/tokens_untouched": lambda c: pd.Series(
        1 - c.table.tokens_hidden - c.table.tokens_partly
    ).mean(),
    "mask/native_black": mean("native_black"),
    "mask/subject_hidden": mean("subject_hidden"),
    "mask/background_kept": mean("background_kept"),
    "mask/subject_not_found": lambda c: 1 - pd.Series(c.table.subject_found).mean(),
    "mask/feature_hidden": mean("feature_hidden"),
    "mask/feature_frames": mean("feature_frames"),
    "mask/nothing_found": lambda c: len(c.table.empty) / (len(c.y) + 3),
    "mask/too_little_kept": lambda c: 2 / (len(c.y) + 3),
    "noise/rms": mean("noise_rms"),
    "noise/largest": lambda c: max(c.table.noise_largest),
    "data/clips": lambda c: len(c.y),
    "data/empty_clips": lambda c: len(c.table.empty),
    "data/covered_clips": lambda _: 2,
    "data/left_out_clips": lambda _: 3,
}


def has_its_own_test(name: str) -> bool:
    """Whether the oracle of a measure is in a test module of its own."""
    return name.startswith(("detect/", "half_classes/", "probe/")) or name.endswith("_by_chance")


def test_every_measure_of_a_score_table_has_an_oracle() -> None:
    names = {one.name for one in MEASURES if one.source == "scores"}
    assert set(ORACLES) == {name for name in names if not has_its_own_test(name)}


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_a_cell_s_numbers_are_those_of_the_oracles(seed: int) -> None:
    table, clean = random_table(seed), random_table(seed, noise=1.0)
    reference = random_table(seed, noise=2.0)
    case = Case(table, clean, reference)
    measured = summarise(table, clean, reference, MeasureSettings(coverage=COVERAGE))
    found = {find(name).name: value for name, value in measured.items()}
    found = {name: value for name, value in found.items() if not has_its_own_test(name)}
    assert all(type(value) is float for value in found.values())
    expected = {name: oracle(case) for name, oracle in ORACLES.items()}
    known = {name: value for name, value in expected.items() if np.isfinite(value)}
    assert found == pytest.approx(
        known, rel=1e-6, abs=2e-6
    )  # torchmetrics reckons in single precision
