"""Linear probes: against scikit-learn directly, by hand, and without leaks between groups."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss

from clip_har.config.measures import Shots
from clip_har.heads import logistic
from clip_har.metrics.probe import (
    Training,
    draw_clips,
    fit_probe,
    probe_measures,
    probe_table,
)
from clip_har.results.score_table import ScoreTable
from tests.tables import made_table, rows_of

CLASSES, GROUPS, OF_A_GROUP = 3, 8, 3


def embedded(seed: int, *, spread: float = 1.0, groups: int = GROUPS) -> ScoreTable:
    """Return clips around a direction per class; groups are nested in classes, as in UCF-101."""
    draws = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), groups * OF_A_GROUP)
    centres = np.random.default_rng(99).normal(size=(CLASSES, 6))
    vectors = centres[labels] + spread * draws.normal(size=(len(labels), 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = made_table(labels=labels.tolist(), classes=CLASSES, right=[0] * len(labels))
    names = tuple(f"{seed} g{number // OF_A_GROUP}" for number in range(len(labels)))
    return replace(table, embeddings=vectors.astype(np.float32), groups=names)


TRAIN, TEST = embedded(1), embedded(2)


def training() -> Training:
    found = Training.of(TRAIN)
    assert found is not None
    return found


def by_hand(rows: np.ndarray, penalty: float) -> LogisticRegression:
    assert TRAIN.embeddings is not None
    classifier = LogisticRegression(C=penalty, tol=1e-12, max_iter=20_000)
    return classifier.fit(TRAIN.embeddings[rows].astype(np.float64), TRAIN.labels[rows])


def objective(classifier: LogisticRegression, table: ScoreTable, penalty: float) -> float:
    """What a probe minimises: the mean log loss, and the penalty."""
    assert table.embeddings is not None
    features = table.embeddings.astype(np.float64)
    loss = log_loss(table.labels, classifier.predict_proba(features))
    return float(loss + (classifier.coef_**2).sum() / (2 * penalty * len(features)))


@pytest.mark.parametrize("classes", [2, CLASSES])
@pytest.mark.parametrize("power", [-2.0, 0.0, 2.0, 4.0, 6.0])
def test_a_fit_reaches_the_optimum(
    monkeypatch: pytest.MonkeyPatch, power: float, classes: int
) -> None:
    """With scikit-learn's own tolerance it ends after a few steps, far from the optimum."""
    table = rows_of(TRAIN, np.flatnonzero(TRAIN.labels < classes))
    monkeypatch.setattr(logistic, "best_power", lambda quality, _: quality(power) and power)
    known = Training.of(table)
    assert known is not None
    found = fit_probe.__wrapped__(known, "all", 0)
    assert found is not None
    assert found.converged
    rows = np.flatnonzero(TRAIN.labels < classes)
    best = objective(by_hand(rows, 10**power), table, 10**power)
    assert objective(found.classifier, table, 10**power) == pytest.approx(best, rel=1e-9)


def test_a_fit_that_runs_out_of_steps_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "STEPS", 3)
    found = fit_probe.__wrapped__(training(), 4, 0)
    assert found is not None
    assert not found.converged
    assert found.steps <= 3


@pytest.mark.parametrize("shots", [2, 4, "all"])
def test_it_is_scikit_learn_with_the_best_penalty_of_a_full_search(shots: Shots) -> None:
    found = fit_probe(training(), shots, 0)
    drawn = draw_clips(TRAIN.labels, TRAIN.groups, shots, seed=0)
    assert found is not None
    assert drawn is not None
    fitted_on, validation = drawn
    assert TRAIN.embeddings is not None
    assert TEST.embeddings is not None

    def quality(penalty: float) -> tuple[float, float]:
        tried, labels = by_hand(fitted_on, penalty), TRAIN.labels[validation]
        assert TRAIN.embeddings is not None
        vectors = TRAIN.embeddings[validation]
        loss = log_loss(labels, tried.predict_proba(vectors))
        return accuracy_score(labels, tried.predict(vectors)), -loss

    qualities = {power: quality(10.0**power) for power in range(-6, 7, 2)}
    own = quality(found.penalty)
    assert own >= max(qualities.values()), "no tried penalty is better"
    assert (8 * np.log10(found.penalty)) % 1 == pytest.approx(0, abs=1e-9), "8 steps a decade"
    last = np.arange(len(TRAIN.labels)) if shots == "all" else fitted_on
    oracle = by_hand(last, found.penalty)
    np.testing.assert_array_equal(
        found.predictions(TEST.embeddings), oracle.predict(TEST.embeddings)
    )
    assert (found.clips, found.validation_clips) == (len(last), len(validation))


def test_measures_are_means_over_the_draws() -> None:
    found = probe_measures(TEST, TRAIN, (2, "all"), 3)
    assert TEST.embeddings is not None
    tops = []
    for seed in range(3):
        one = fit_probe(training(), 2, seed)
        assert one is not None
        tops.append(accuracy_score(TEST.labels, one.predictions(TEST.embeddings)))
    assert found["probe/2/top1"] == pytest.approx(np.mean(tops))
    assert found["probe/2/top1_sd"] == pytest.approx(np.std(tops, ddof=1))
    assert len(set(tops)) > 1, "the draws differ"
    assert "probe/all/top1_sd" not in found, "there is one draw of all clips"
    rows = probe_table(TEST, TRAIN, (2, "all"), 3).set_index("shots")
    assert (rows["low"] < rows["top1"]).all()
    assert (rows["top1"] < rows["high"]).all()
    assert rows.loc["2", "training_clips"] == 2 * CLASSES


@pytest.mark.parametrize("crossing", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_no_group_is_in_both_parts(crossing: bool, seed: int) -> None:
    """Also where a group has clips of several classes, as the subjects of rendered clips."""
    groups = TRAIN.groups
    if crossing:
        groups = tuple(f"subject {number % 10}" for number in range(len(groups)))
    names = np.array(groups)
    earlier: set[int] = set()
    for shots in (1, 2, 4, "all"):
        drawn = draw_clips(TRAIN.labels, groups, shots, seed=seed)
        assert drawn is not None
        fitted_on, validation = drawn
        assert not set(names[fitted_on]) & set(names[validation])
        if shots != "all":
            assert np.bincount(TRAIN.labels[fitted_on]).tolist() == [shots] * CLASSES
            assert set(np.bincount(TRAIN.labels[validation])) == {min(shots, 4)}
            assert earlier <= set(fitted_on.tolist()), "draws are nested"
            earlier = set(fitted_on.tolist())
        else:
            assert len(fitted_on) + len(validation) == len(names), "every clip is in one part"


def test_too_few_clips_or_groups_give_no_probe() -> None:
    of_one = tuple(f"g{label}" for label in TRAIN.labels)
    assert draw_clips(TRAIN.labels, of_one, "all", seed=0) is None, "a group per class"
    assert draw_clips(np.zeros(9, np.int64), TRAIN.groups[:9], "all", seed=0) is None
    assert draw_clips(TRAIN.labels, TRAIN.groups, 22, seed=0) is None
    assert set(probe_measures(TEST, TRAIN, (2, 22), 1)) == {"probe/2/top1"}


def test_without_embeddings_or_a_class_there_is_no_probe() -> None:
    for test, train in (
        (replace(TEST, embeddings=None), TRAIN),
        (TEST, replace(TRAIN, embeddings=None)),
    ):
        assert probe_measures(test, train, (1,), 1) == {}
    kept = TRAIN.labels > 0
    assert TRAIN.embeddings is not None
    fewer = replace(
        TRAIN, labels=np.where(kept, TRAIN.labels, 1)
    )  # no clip of the first class is left
    assert probe_measures(TEST, fewer, (1,), 1) == {}


def test_a_probe_is_fitted_once_for_all_cells_of_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    probe_measures(TEST, TRAIN, (1,), 2)
    before = fit_probe.cache_info().misses
    masked = replace(TEST, embeddings=embedded(5).embeddings)
    again = probe_measures(masked, replace(TRAIN), (1,), 2)
    assert fit_probe.cache_info().misses == before
    assert again != probe_measures(TEST, TRAIN, (1,), 2), "but judged on each cell's clips"
    assert Training.of(embedded(4)) != training()
    assert logistic.STEPS == 1000
