"""The paired effect against the pure measures, a bootstrap spelt out, and planted changes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from clip_har.metrics.accuracy import top_k
from clip_har.metrics.bootstrap import group_draws
from clip_har.metrics.calibration import expected_calibration_error, true_class_confidence
from clip_har.metrics.effect import Known, paired_effect
from clip_har.metrics.intervals import error_over_seeds, quantile
from clip_har.metrics.prediction_bias import prediction_bias, skew_kl
from clip_har.metrics.significance import sign_flip
from clip_har.results.score_table import ScoreTable
from clip_har.results.variant_scores import VariantScores
from tests.tables import made_table, rows_of

CLASSES = 5


def random_answers(
    seed: int, *, clips: int = 60, scenes: bool = True, attention: bool = True
) -> VariantScores:
    """Return answers that are often right, to clips whose labels do not depend on the seed."""
    random = np.random.default_rng([seed, clips])
    labels = np.random.default_rng(clips).integers(0, CLASSES, clips)
    table = made_table(labels=labels.tolist(), classes=CLASSES, right=[1] * clips)
    scores = random.normal(size=(clips, CLASSES)).astype(np.float32)
    scores[np.arange(clips), labels] += 1
    table = replace(table, scores=scores, groups=tuple(f"g{n // 4}" for n in range(clips)))
    if scenes:
        table = replace(table, scene_labels=(labels + 1 + np.arange(clips) % 3) % CLASSES)
    return VariantScores(table, random.random(clips) if attention else None)


def taken(answers: VariantScores, rows: Iterable[int]) -> VariantScores:
    """Return the answers to some clips, which may be repeated under new names."""
    picked = list(rows)
    seen = None if answers.attention is None else answers.attention[picked]
    return VariantScores(rows_of(answers.table, picked), seen)


def pure_measures(answers: VariantScores) -> dict[str, float]:
    """Return the measures of one table from the functions that define them."""
    table = answers.table
    labels, probabilities = table.labels, table.probabilities()
    found = {
        "top1": top_k(labels, table.scores, 1),
        "true_class_confidence": true_class_confidence(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities),
        "bias/skew_kl": skew_kl(labels, probabilities),
        "bias/recall_sd": prediction_bias(labels, probabilities)["bias/recall_sd"],
        "bias/worst10": prediction_bias(labels, probabilities)["bias/worst10"],
        "scene/swap_error": float((table.predictions() == table.scene_labels).mean()),
        "scene/errors_to_scene": float(
            (table.predictions() == table.scene_labels)[table.predictions() != labels].mean()
        ),
    }
    if answers.attention is not None:
        found["attention/mass"] = float(answers.attention.mean())
    return found


def numbers(found: pd.DataFrame, measure: str) -> dict[str, float]:
    """Return one row of the table, by column."""
    return {column: float(found[column][measure]) for column in found.columns}


def effect(
    before: Sequence[VariantScores],
    after: Sequence[VariantScores],
    *,
    draws: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    return paired_effect(before, after, draws=draws, seed=seed).set_index("measure")


BEFORE, AFTER = [random_answers(n) for n in (0, 1, 2)], [random_answers(n) for n in (10, 11, 12)]


def test_values_are_the_seed_means_of_the_pure_measures() -> None:
    found = effect(BEFORE, AFTER)
    first, second = (
        pd.DataFrame([pure_measures(answers) for answers in side]).mean()
        for side in (BEFORE, AFTER)
    )
    assert list(found.index) == list(first.index)
    np.testing.assert_allclose(found["before"], first, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["after"], second, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["difference"], second - first, rtol=0, atol=1e-12)
    assert (found[["clips", "groups", "seeds"]] == [60, 15, 3]).all(axis=None)
    assert (found["difference"].abs() > 1e-3).all(), "nothing was compared"


def test_values_of_many_classes_and_sharp_scores() -> None:
    random = np.random.default_rng(0)
    labels, right = random.integers(0, 101, 400), random.integers(0, 2, 400)
    table = made_table(labels=labels.tolist(), classes=101, right=right.tolist())
    scores = table.scores * 30 + random.normal(size=(400, 101))
    scaled = replace(table, scores=scores.astype(np.float32))
    found = effect([VariantScores(table)], [VariantScores(scaled)], draws=5)
    assert "scene/swap_error" not in found.index
    assert "attention/mass" not in found.index
    for column, of_table in (("before", table), ("after", scaled)):
        for name, value in pure_measures(VariantScores(of_table)).items():
            if name in found.index:
                assert found.loc[name, column] == pytest.approx(value, rel=0, abs=1e-12)


def weighted_measures(answers: VariantScores, weights: np.ndarray) -> dict[str, float]:
    """Return measures of clips that count as often as their weights say, spelt out."""
    table, labels = answers.table, answers.table.labels
    p, right = table.probabilities(), table.predictions() == labels
    recall = [
        np.average(right[labels == c], weights=weights[labels == c])
        for c in range(CLASSES)
        if weights[labels == c].sum()
    ]
    bins = np.ceil(p.max(axis=1) * 15)
    gaps = [abs((weights * (right - p.max(axis=1)))[bins == one].sum()) for one in range(16)]
    return {
        "top1": np.average(right, weights=weights),
        "true_class_confidence": np.average(p[np.arange(len(p)), labels], weights=weights),
        "ece": sum(gaps) / weights.sum(),
        "bias/recall_sd": float(np.std(recall)),
    }


@pytest.mark.parametrize("one_class", [False, True])
def test_the_interval_is_that_of_a_bootstrap_spelt_out(one_class: bool) -> None:
    """Also where every group has one class: then groups are sampled within classes."""
    before, after = BEFORE, AFTER
    if one_class:
        before, after = ([_of_one_class(given) for given in side] for side in (BEFORE, AFTER))
    table, draws, seed = before[0].table, 40, 7
    samples = group_draws(table.groups, table.labels, draws=draws, seed=seed)
    assert samples.strata == (CLASSES if one_class else 1)
    changes = []
    for weights in samples.weights[:, samples.which]:
        first, second = (
            pd.DataFrame([weighted_measures(given, weights) for given in side])
            for side in (before, after)
        )
        changes.append(second - first)
    found = effect(before, after, draws=draws, seed=seed)
    for name in changes[0]:
        error, degrees = error_over_seeds(np.stack([one[name] for one in changes]), samples.degrees)
        half = quantile(degrees) * error
        row = numbers(found, str(name))
        assert (row["standard_error"], row["degrees"]) == pytest.approx((error, degrees))
        assert row["low"] == pytest.approx(row["difference"] - half)
        assert row["high"] == pytest.approx(row["difference"] + half)
    assert found["p"].notna().sum() == 1
    hits = [
        np.mean([given.table.predictions() == given.table.labels for given in side], axis=0)
        for side in (before, after)
    ]
    assert found.loc["top1", "p"] == sign_flip(hits[1] - hits[0], table.groups)


def _of_one_class(answers: VariantScores) -> VariantScores:
    names = tuple(f"{label}-{n % 3}" for n, label in enumerate(answers.table.labels))
    return replace(answers, table=replace(answers.table, groups=names))


def test_no_change_in_any_clip_is_not_known_to_be_none_in_the_next_group() -> None:
    found = effect(BEFORE, BEFORE)
    assert (found["difference"] == 0).all()
    top1, ece = numbers(found, "top1"), numbers(found, "ece")
    assert top1["high"] == -top1["low"] == pytest.approx(0.235, abs=1e-3)  # 0 of 15, Wilson with t
    assert top1["p"] == 1
    assert np.isnan([ece["low"], ece["high"]]).all()


def test_seeds_that_disagree_widen_the_interval() -> None:
    clips = 400
    labels = (np.arange(clips) % 2).tolist()
    all_right = VariantScores(made_table(labels=labels, classes=2, right=[1] * clips))
    shares = (0.9, 0.7, 0.5)
    after = [
        VariantScores(
            made_table(labels=labels, classes=2, right=[n % 10 < 10 * s for n in range(clips)])
        )
        for s in shares
    ]
    alone = numbers(effect([all_right], [after[1]]), "top1")
    crossed = numbers(effect([all_right] * 3, after), "top1")
    assert crossed["difference"] == pytest.approx(alone["difference"])
    # The t interval of -0.1, -0.3 and -0.5: 4.3 times 0.2 / sqrt(3) to each side.
    assert crossed["low"] == pytest.approx(-0.3 - 0.497, abs=0.02)
    assert crossed["high"] == pytest.approx(-0.3 + 0.497, abs=0.02)
    assert alone["high"] - alone["low"] < 0.15


def test_order_of_clips_and_clips_that_some_tables_lack_do_not_matter() -> None:
    kept = [n for n in range(60) if n % 7]
    expected = effect([taken(BEFORE[0], kept)], [taken(AFTER[0], kept)])
    shuffled = np.random.default_rng(0).permutation(kept).tolist()
    found = effect([BEFORE[0]], [taken(AFTER[0], shuffled)])
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12)
    assert (found["clips"] == len(kept)).all()
    not_shown = tuple(f"clip {n}" for n in range(60) if n % 7 == 0)
    without = VariantScores(replace(AFTER[0].table, empty=not_shown), AFTER[0].attention)
    pd.testing.assert_frame_equal(effect([BEFORE[0]], [without]), expected, rtol=1e-12)


def test_what_is_known_is_not_measured_again_and_stays_the_same(monkeypatch) -> None:
    clean, masked, other = (random_answers(seed) for seed in range(3))
    fewer = taken(other, range(5, len(other.table.clip_ids)))
    known: Known = {}
    for after in (masked, other, fewer, masked):
        alone = paired_effect([clean], [after], draws=50)
        pd.testing.assert_frame_equal(
            paired_effect([clean], [after], draws=50, known=known), alone, check_exact=True
        )
    calls: list[object] = []
    monkeypatch.setattr("clip_har.metrics.effect._measures", lambda *given: calls.append(given))
    paired_effect([clean, clean], [masked, other], draws=50, known=known)
    assert calls == []


def test_attention_is_paired_by_clip() -> None:
    first, second = BEFORE[0].attention, AFTER[0].attention
    assert first is not None
    assert second is not None
    holes, other_holes = np.arange(60) % 3 == 0, np.arange(60) >= 40
    before = replace(BEFORE[0], attention=np.where(holes, np.nan, first))
    after = replace(AFTER[0], attention=np.where(other_holes, np.nan, second))
    found = numbers(effect([before], [after]), "attention/mass")
    both = ~holes & ~other_holes
    assert found["before"] == pytest.approx(first[both].mean(), abs=1e-12)
    assert found["after"] == pytest.approx(second[both].mean(), abs=1e-12)
    assert found["low"] < found["difference"] < found["high"]
    assert (found["clips"], found["groups"]) == (both.sum(), 10)


def test_attention_in_one_group_has_no_interval_and_nowhere_no_row() -> None:
    few = np.full(60, np.nan)
    few[:3] = 0.5
    found = effect([replace(BEFORE[0], attention=few)], [AFTER[0]])
    mass, top1 = numbers(found, "attention/mass"), numbers(found, "top1")
    assert (mass["clips"], mass["groups"]) == (3, 1)
    assert np.isnan([mass["low"], mass["high"]]).all()
    assert np.isfinite([top1["low"], top1["high"]]).all()
    for nowhere in (None, np.full(60, np.nan)):
        without = effect([replace(BEFORE[0], attention=nowhere)], [AFTER[0]])
        assert "attention/mass" not in without.index


def test_swap_error_is_of_the_clips_that_were_swapped() -> None:
    table = made_table(labels=[0, 0, 1, 1], classes=3, right=[1] * 4)
    swapped = replace(table, scene_labels=np.array([1, 2, 2, -1]))
    fooled = replace(swapped, scores=np.eye(3, dtype=np.float32)[[1, 2, 1, 1]])
    found = numbers(effect([VariantScores(swapped)], [VariantScores(fooled)]), "scene/swap_error")
    assert (found["before"], found["after"]) == (0, 2 / 3)
    assert (found["clips"], found["groups"]) == (3, 2)
    own = effect([VariantScores(table)], [VariantScores(fooled)])
    assert "scene/swap_error" not in own.index


def test_one_clip_has_values_and_no_interval() -> None:
    found = effect([taken(BEFORE[0], [4])], [taken(AFTER[0], [4])])
    assert found[["before", "after", "difference"]].notna().all(axis=None)
    assert found[["low", "high"]].isna().all(axis=None)
    assert (found[["clips", "groups"]] == 1).all(axis=None)


@pytest.mark.parametrize("right", [0, 1])
def test_all_right_and_all_wrong(right: int) -> None:
    table = made_table(labels=[0, 0, 1, 1, 3, 3], classes=4, right=[right] * 6)
    found = effect([VariantScores(table)], [VariantScores(table)])
    assert found.loc["top1", "before"] == right
    assert found.loc["bias/recall_sd", "before"] == 0


def test_no_common_clip_gives_no_row() -> None:
    other = VariantScores(replace(AFTER[0].table, clip_ids=tuple(map(str, range(60)))))
    found = paired_effect([BEFORE[0]], [other])
    assert found.empty
    assert list(found.columns) == list(paired_effect([BEFORE[0]], [AFTER[0]], draws=2).columns)


def test_what_is_no_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="got 2 and 1"):
        paired_effect(BEFORE[:2], AFTER[:1])
    with pytest.raises(ValueError, match="at least one"):
        paired_effect([], [])
    with pytest.raises(ValueError, match="attention for 60 clips"):
        replace(BEFORE[0], attention=np.zeros(3))
    table = AFTER[0].table
    for wrong in (
        replace(table, labels=(table.labels + 1) % CLASSES),
        replace(table, groups=table.groups[::-1]),
        replace(table, class_names=tuple("edcba")),
    ):
        with pytest.raises(ValueError, match="one data set"):
            paired_effect([BEFORE[0]], [VariantScores(wrong)])


PLANTED: dict[str, Callable[[ScoreTable], np.ndarray]] = {
    # Per measure: what is added to the scores at full strength.
    "bias/skew_kl": lambda table: 3 * np.eye(CLASSES)[table.labels * 0],  # class 0, always
    "bias/recall_sd": lambda table: 3 * np.eye(CLASSES)[table.labels * 0],
    "scene/swap_error": lambda table: 3 * np.eye(CLASSES)[table.scene_labels],
    "ece": lambda table: 3 * table.scores,  # sure of what it guessed before
}


@pytest.mark.parametrize("measure", PLANTED)
def test_a_planted_bias_grows_with_its_strength_and_none_stays_near_none(measure: str) -> None:
    clips = 1000
    plain = random_answers(0, clips=clips, attention=False)
    added = PLANTED[measure](plain.table)

    def changed(strength: float, seed: int) -> VariantScores:
        noise = np.random.default_rng(seed).normal(scale=0.1, size=(clips, CLASSES))
        scores = plain.table.scores + strength * added + noise
        return VariantScores(replace(plain.table, scores=scores.astype(np.float32)))

    rows = [
        numbers(effect([plain] * 3, [changed(strength, seed) for seed in range(3)]), measure)
        for strength in (0.0, 0.25, 0.5, 1.0)
    ]
    differences = [row["difference"] for row in rows]
    assert abs(differences[0]) < 0.03
    assert rows[0]["low"] <= 0 <= rows[0]["high"]
    assert (np.diff(differences) > 0.02).all()
    assert all(row["low"] > 0 for row in rows[1:])


def answered(right: np.ndarray, size: int) -> ScoreTable:
    labels = (np.arange(len(right)) % 3).tolist()
    table = made_table(labels=labels, classes=3, right=right.tolist())
    return replace(table, groups=tuple(f"g{n // size}" for n in range(len(right))))


def test_it_covers_clustered_data_and_a_bootstrap_over_clips_is_too_narrow() -> None:
    random = np.random.default_rng(1)
    groups, size, runs = 40, 6, 150
    truth = -0.6 / 3
    covered = {"grouped": 0, "naive": 0}
    width = {"grouped": 0.0, "naive": 0.0}
    for run in range(runs):
        rates = random.beta(1.2, 0.8, groups)  # mean 0.6, alike within a group
        losses = random.beta(0.3, 0.6, groups)  # mean 1 / 3: most groups keep all or lose all
        before = random.random(groups * size) < np.repeat(rates, size)
        after = before & (random.random(groups * size) >= np.repeat(losses, size))
        for name, members in (("grouped", size), ("naive", 1)):
            pair = (
                [VariantScores(answered(before, members))],
                [VariantScores(answered(after, members))],
            )
            row = numbers(effect(*pair, draws=200, seed=run), "top1")
            covered[name] += row["low"] <= truth <= row["high"]
            width[name] += row["high"] - row["low"]
    assert 0.90 <= covered["grouped"] / runs <= 0.99
    assert covered["naive"] / runs < 0.88
    assert width["naive"] < 0.8 * width["grouped"]
