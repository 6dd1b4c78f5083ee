"""Do tests and intervals keep their promise on clustered data? Simulations.

The groups are those of UCF-101's test split 1 (707 groups of one class each) and of rendered clips
(16 subjects who show all actions). Measures that are biased for a finite number of clips, such as
the ECE, have an interval of their value at this number of clips.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, softmax
from scipy.stats import binom

from clip_har.metrics.bootstrap import GroupDraws, difference_interval, group_draws
from clip_har.metrics.calibration import calibration_error, confidence_in_truth, gaps_by_bin
from clip_har.metrics.detection_intervals import detection_changes, detection_intervals
from clip_har.metrics.intervals import (
    error_over_seeds,
    share_interval,
    standard_error,
    t_interval,
)
from clip_har.metrics.prediction_bias import (
    hits_by_class,
    one_hot,
    recall_sd_of_sums,
    skew_of_sums,
    worst_tenth_of_sums,
)
from clip_har.metrics.ranks import rank_intervals
from clip_har.metrics.significance import corrected, equivalence, sign_flip
from clip_har.metrics.tables import recall_intervals
from clip_har.results.score_table import ScoreTable
from tests.metrics.made import MEASURED
from tests.metrics.structure import split1
from tests.metrics.test_detection import made

Array = NDArray[np.float64]
Rates = Callable[[np.random.Generator, int], Array]

SUBJECTS, ACTIONS = 16, 20


def subjects() -> tuple[NDArray[np.int64], list[str]]:
    """Return labels and groups of 480 clips: 16 subjects, each with all actions."""
    clips = np.arange(480)
    return clips % ACTIONS, [f"subject {n % SUBJECTS:02d}" for n in clips // ACTIONS]


DESIGNS = {"ucf101": split1, "part of ucf101": lambda: split1(classes=20), "subjects": subjects}


def numbers_of(groups: list[str]) -> NDArray[np.int64]:
    return np.unique(groups, return_inverse=True)[1]


def beta(random: np.random.Generator, mean: Array, alike: float | Array) -> Array:
    """Return rates with these means whose clips have an intraclass correlation ``alike``."""
    spread = 1 / alike - 1
    return random.beta(mean * spread + 1e-9, (1 - mean) * spread + 1e-9)


def covered(lows_and_highs: list[tuple[float, float]], truth: float) -> float:
    low, high = np.transpose(lows_and_highs)
    assert np.isfinite(low).all()
    return float(((low <= truth) & (truth <= high)).mean())


def null_changes(sets: int) -> tuple[Array, list[str]]:
    """Return ``(sets, N)`` changes without an effect: each group gains or loses with its clips."""
    random = np.random.default_rng(0)
    _, groups = split1()
    which = numbers_of(groups)
    signs = random.choice([-1.0, 1.0], (sets, 707))
    affected = (
        random.random((sets, len(groups))) < beta(random, np.full((sets, 707), 0.15), 0.4)[:, which]
    )
    return signs[:, which] * affected, groups


@pytest.mark.long
def test_a_sign_flip_over_groups_keeps_its_level_and_a_test_of_clips_does_not() -> None:
    reports, cells = 100, 20
    changes, groups = null_changes(reports * cells)
    p = np.array([sign_flip(change, groups) for change in changes])
    assert 0.03 < (p < 0.05).mean() <= 0.06
    lost, gained = (changes < 0).sum(axis=1), (changes > 0).sum(axis=1)
    by_clip = 2 * binom(lost + gained, 0.5).cdf(np.minimum(lost, gained))
    assert (by_clip < 0.05).mean() > 0.15, "McNemar's"
    pages = p.reshape(reports, cells)
    wrong = pages.min(axis=1) * cells < 0.05  # Holm's first step; that of the first report:
    assert wrong[0] == (corrected(pages[0].tolist()) < 0.05).any()
    assert wrong.mean() <= 0.09  # 0.05, and two standard errors of 100 reports


@pytest.mark.long
@pytest.mark.parametrize("design", ["ucf101", "subjects"])
@pytest.mark.parametrize("mean", [0.3, 0.7, 0.93])
def test_intervals_of_shares_cover(design: str, mean: float) -> None:
    random, sets = np.random.default_rng(1), 1500
    labels, groups = DESIGNS[design]()
    which, samples = numbers_of(groups), group_draws(groups, labels, draws=600)
    if design == "ucf101":  # the classes stay, with their own rates
        of_class = beta(random, np.full(101, mean), 0.2)
        class_of = np.zeros(707, int)
        class_of[which] = labels
        rates = beta(random, np.tile(of_class[class_of], (sets, 1)), 0.4)
        truth = float(of_class[labels].mean())
    else:
        rates, truth = beta(random, np.full((sets, SUBJECTS), mean), 0.1), mean
    hits = random.random((sets, len(labels))) < rates[:, which]
    values = samples.sums(hits.T) / samples.sums(np.ones(len(labels)))[:, None]
    found = [
        share_interval(
            float(one[0]), standard_error(one[1:]), groups=samples.groups, degrees=samples.degrees
        )
        for one in values.T
    ]
    assert 0.93 <= covered(found, truth) <= 0.97


@pytest.mark.long
@pytest.mark.parametrize("mean", [0.5, 0.9])
def test_intervals_of_the_recalls_of_single_classes_cover(mean: float) -> None:
    """Seven groups each: a little too wide near 1, where recalls are coarse."""
    random, shares = np.random.default_rng(6), []
    labels, groups = split1()
    which = numbers_of(groups)
    for _ in range(30):
        rates = beta(random, np.full(707, mean), 0.15)[which]
        right = random.random(len(labels)) < rates
        found = recall_intervals(labels, np.where(right, labels, -1), groups, classes=101)
        shares.append(((found[:, 0] <= mean) & (mean <= found[:, 1])).mean())
    assert 0.93 <= np.mean(shares) <= 0.98


@pytest.mark.long
@pytest.mark.parametrize(
    ("recalls", "alike", "allowed"),
    [(np.full(5, 0.7), 0.2, (0.93, 0.99)),
     (np.full(101, 0.3), 0.2, (0.95, 1.0)),
     (np.full(101, 0.9), 0.4, (0.95, 1.0)),
     (np.where(np.arange(101) < 50, 0.5, 0.9), 0.2, (0.95, 1.0)),
     (np.linspace(0.05, 0.99, 101), np.linspace(0.02, 0.5, 101), (0.95, 1.0))],
    ids=["five equal classes", "equal", "equal and high", "two kinds", "all differ"],
)  # fmt: skip
def test_rank_intervals_cover_together(
    recalls: Array, alike: float | Array, allowed: tuple[float, float]
) -> None:
    """Seven groups a class: with 101 classes no difference is called certain too easily."""
    random, sets, classes = np.random.default_rng(7), 200, len(recalls)
    labels, groups = split1(classes)
    which, samples = numbers_of(groups), group_draws(groups, labels, draws=400)
    own = labels[:, None] == np.arange(classes)
    of_group = np.zeros(samples.groups, int)
    of_group[which] = labels
    alike = np.broadcast_to(alike, classes)[of_group]
    first = 1 + (recalls[:, None] > recalls).sum(axis=1)  # equal classes share these ranks
    last = classes - (recalls[:, None] < recalls).sum(axis=1)
    clips, together, apart = samples.sums(own), [], []
    for _ in range(sets):
        right = random.random(len(labels)) < beta(random, recalls[of_group], alike)[which]
        _, low, high = rank_intervals(samples.sums(own & right[:, None]) / clips, samples).T
        together.append(((low <= first) & (last <= high)).all())
        apart.append((high - low < classes - 1).mean())
    assert allowed[0] <= np.mean(together) <= allowed[1]
    if np.ptp(recalls) > 0.9:
        assert np.mean(apart) > 0.4, "an interval of all ranks would cover, too"


def answers(
    random: np.random.Generator, labels: NDArray[np.int64], which: NDArray[np.int64], cost: float
) -> Array:
    """Return ``(N, C)`` probabilities; groups and classes differ, class 0 is favoured."""
    classes = int(labels.max()) + 1
    of_class = np.linspace(0.5, 2.5, classes) - cost * np.linspace(1, 0, classes)
    skill = of_class[labels] + random.normal(0, 0.8, which.max() + 1)[which]
    scores = random.normal(size=(len(labels), classes))
    scores[np.arange(len(labels)), labels] += skill
    scores[:, 0] += cost
    probabilities: Array = softmax(2 * scores, axis=1)
    return probabilities


def measures(samples: GroupDraws, labels: NDArray[np.int64], p: Array) -> dict[str, Array]:
    classes = p.shape[1]
    clips = samples.sums(np.ones(len(labels)))
    of_class = samples.sums(one_hot(labels, classes))
    hits = samples.sums(hits_by_class(labels, p))
    return {
        "top1": hits.sum(axis=1) / clips,
        "true_class_confidence": samples.sums(confidence_in_truth(labels, p)) / clips,
        "ece": calibration_error(samples.sums(gaps_by_bin(labels, p)), clips),
        "bias/skew_kl": skew_of_sums(samples.sums(p), of_class),
        "bias/recall_sd": recall_sd_of_sums(hits, of_class),
        "bias/worst10": worst_tenth_of_sums(hits, of_class),
    }


@pytest.mark.long
@pytest.mark.parametrize("design", ["part of ucf101", "subjects"])
def test_intervals_of_changes_cover(design: str) -> None:
    random, sets = np.random.default_rng(2), 600
    labels, groups = DESIGNS[design]()
    which, samples = numbers_of(groups), group_draws(groups, labels, draws=400)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in MEASURED}
    for _ in range(sets):
        state = int(random.integers(2**32))
        # The same clips: the same skills and scores, at another cost.
        before, after = (
            measures(samples, labels, answers(np.random.default_rng(state), labels, which, cost))
            for cost in (0.0, 1.0)
        )
        for name in MEASURED:
            change = after[name] - before[name]
            ends = t_interval(float(change[0]), standard_error(change[1:]), samples.degrees)
            found[name].append((float(change[0]), *ends))
    shares = {}
    for name, rows in found.items():
        truth = float(np.mean([value for value, _, _ in rows]))
        assert abs(truth) > 0.005, "nothing changed"
        # The worst classes may have no hit in any sample: then nothing is known.
        rows = [row for row in rows if name != "bias/worst10" or np.isfinite(row).all()]
        assert len(rows) > 0.8 * sets
        assert all(low <= value <= high for value, low, high in rows)
        shares[name] = covered([(low, high) for _, low, high in rows], truth)
    assert all(0.92 <= share <= 0.98 for share in shares.values()), shares  # ± 3 standard errors
    assert 0.93 <= np.mean(list(shares.values())) <= 0.97


@pytest.mark.long
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("apart", [0.0, 0.02, 0.05, 0.2])
def test_intervals_over_seeds_cover(seeds: int, apart: float) -> None:
    """Two seeds that are alike by chance prove nothing: with few, intervals are too wide."""
    random, sets = np.random.default_rng(3), 1000
    _, groups = subjects()
    which, samples = numbers_of(groups), group_draws(groups, draws=300)
    effect = random.normal(0, 0.1, (sets, 1, SUBJECTS))[..., which]
    of_seeds = random.normal(0, apart, (sets, seeds, 1))
    clips = random.choice([-1.0, 0.0, 1.0], (sets, seeds, len(groups)), p=[0.1, 0.8, 0.1])
    changes = (effect + of_seeds + clips).reshape(-1, len(groups)).T
    means = samples.sums(changes) / samples.sums(np.ones(len(groups)))[:, None]
    values = means.reshape(-1, sets, seeds)
    found = []
    for number in range(sets):
        error, degrees = error_over_seeds(values[:, number], samples.degrees)
        found.append(t_interval(float(values[0, number].mean()), error, degrees))
    assert 0.93 <= covered(found, 0.0) <= {2: 0.995, 3: 0.985}.get(seeds, 0.98)


@pytest.mark.long
@pytest.mark.parametrize(
    ("lost", "gained"), [(0.02, 0.02), (0.3, 0.1), (0.7, 0.0), (0.85, 0.0), (0.95, 0.0)]
)
@pytest.mark.parametrize(("count", "clips"), [(8, 4), (16, 10), (100, 5)])
def test_intervals_of_differences_cover_up_to_the_end_of_their_range(
    lost: float, gained: float, count: int, clips: int
) -> None:
    random, sets = np.random.default_rng(9), 1000
    groups = [f"{number // clips:03d}" for number in range(count * clips)]
    which, samples = numbers_of(groups), group_draws(groups, draws=300)
    rates = beta(random, np.full((sets, count), lost), 0.15)[:, which]
    change = -(random.random((sets, len(groups))) < rates).astype(float)
    change[(change == 0) & (random.random(change.shape) < gained / (1 - lost))] = 1
    values = samples.sums(change.T) / samples.sums(np.ones(len(groups)))[:, None]
    found = [difference_interval(one, samples)[1] for one in values.T]
    assert np.abs(found).max() <= 1
    assert covered(found, gained - lost) >= 0.91  # Student's interval: down to 0.85


@pytest.mark.long
def test_intervals_of_ratios_and_differences_of_two_shares_cover() -> None:
    """As the background ratio: accuracy without the subject over that of whole clips."""
    random, sets = np.random.default_rng(4), 1500
    _, groups = subjects()
    which, samples = numbers_of(groups), group_draws(groups, draws=400)
    rates = beta(random, np.full((sets, SUBJECTS), 0.75), 0.1)
    whole = random.random((sets, len(groups))) < rates[:, which]
    hidden = random.random((sets, len(groups))) < 0.4 * rates[:, which]
    first, second = samples.sums(whole.T), samples.sums(hidden.T)
    clips = samples.sums(np.ones(len(groups)))[:, None]
    for values, truth in ((second / first, 0.4), ((first - second) / clips, 0.45)):
        found = [
            t_interval(float(one[0]), standard_error(one[1:]), samples.degrees) for one in values.T
        ]
        assert 0.93 <= covered(found, truth) <= 0.97


@pytest.mark.long
def test_no_change_is_said_of_a_change_as_large_as_the_margin_in_one_of_twenty() -> None:
    random, sets, margin = np.random.default_rng(5), 1500, 0.01
    labels, groups = split1()
    which, samples = numbers_of(groups), group_draws(groups, labels, draws=400)
    found = {}
    for effect in (margin, 0.0):
        rates = beta(random, np.full((sets, 707), 0.01), 0.2)[:, which]
        lost = random.random((sets, len(groups))) < rates
        gained = random.random((sets, len(groups))) < (0.01 + effect)
        clips = samples.sums(np.ones(len(groups)))[:, None]
        values = samples.sums((gained.astype(float) - lost).T) / clips
        p = [
            equivalence(float(one[0]), standard_error(one[1:]), samples.degrees, margin=margin)
            for one in values.T
        ]
        found[effect] = float((np.array(p) < 0.05).mean())
    assert found[margin] <= 0.06
    assert found[0.0] > 0.3, "and is said where nothing changes"


def crossing() -> tuple[NDArray[np.int64], list[str]]:
    """Return labels and groups of 180 clips: 12 subjects who show all three actions."""
    clips = np.arange(180)
    return np.array([0, 1, 2, 2, 2])[clips % 5], [f"subject {n:02d}" for n in clips // 15]


def merged() -> tuple[NDArray[np.int64], list[str]]:
    """Return labels and groups of twelve classes of UCF-101, as three classes of 28 groups."""
    labels, groups = split1(classes=12)
    return labels // 4, groups


EVENTS = {"merged": merged, "three classes": lambda: split1(classes=3), "subjects": crossing}


def detected(
    random: np.random.Generator, labels: NDArray[np.int64], groups: list[str]
) -> tuple[ScoreTable, ScoreTable]:
    """Return a clean table and one of weaker scores of the same clips; groups differ."""
    which, event = numbers_of(groups), labels < 2
    of_group = random.normal(0, 0.6, (which.max() + 1, 2))[which, event.astype(int)]
    clean = np.where(event, 1.0, -1.0) + of_group
    masked = clean - 0.5 * event + random.normal(0, 0.3, which.max() + 1)[which]
    noise, seconds = random.normal(size=(2, len(labels))), np.full(len(labels), 4.0)
    scores = (
        expit(one + added).tolist() for one, added in zip((clean, masked), noise, strict=True)
    )
    before, after = (made(labels.tolist(), one, groups) for one in scores)
    return replace(before, seconds=seconds), replace(after, seconds=seconds)


@pytest.mark.long
@pytest.mark.parametrize("design", EVENTS)
def test_intervals_of_detection_cover(design: str) -> None:
    """Also of a change; areas of few clips have an interval of their value at this number."""
    random, sets, rule = np.random.default_rng(8), 800, {"youden": 0.5}
    labels, groups = EVENTS[design]()
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(sets):
        clean, masked = detected(random, labels, groups)
        values = detection_intervals(masked, (0, 1), rule, draws=200)
        changes = detection_changes(masked, clean, (0, 1), rule, draws=200)
        for kind, numbers in (("", values), ("change of ", changes)):
            for name, one in numbers.items():
                found.setdefault(kind + name, []).append((one.value, one.low, one.high))
    shares = {}
    for name, rows in found.items():
        truth = float(np.mean([value for value, _, _ in rows]))
        assert all(low <= value <= high for value, low, high in rows), name
        shares[name] = covered([(low, high) for _, low, high in rows], truth)
    assert len(shares) == 2 * 7
    # ± 3 standard errors; with seven groups a class, areas and NPV are a little too wide.
    assert all(0.92 <= share <= 0.99 for share in shares.values()), shares
    assert 0.93 <= np.mean(list(shares.values())) <= 0.97
