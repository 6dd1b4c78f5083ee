"""One result over several splits: against plain means, and simulations by brute force."""

from dataclasses import replace

import numpy as np
import pytest

from clip_har.metrics.bootstrap import group_draws
from clip_har.metrics.splits import over_splits
from clip_har.results.score_table import ScoreTable
from tests.tables import made_table, rows_of

WHOLE = made_table(
    labels=[number // 16 for number in range(64)],
    classes=4,
    right=np.random.default_rng(0).integers(0, 2, 64).tolist(),
)  # 32 groups of two clips, each of one class
SPLITS = (range(24), range(12, 40), range(30, 64))  # with clips in common


def splits(whole: ScoreTable = WHOLE) -> list[ScoreTable]:
    return [rows_of(whole, rows) for rows in SPLITS]


def right(table: ScoreTable) -> np.ndarray:
    return np.array(table.predictions() == table.labels, float)


def test_mean_counts_splits_and_pooled_counts_clips_once() -> None:
    found = over_splits(splits())
    by_hand = [right(one).mean() for one in splits()]
    assert found.top1 == pytest.approx(by_hand)
    assert found.mean[0] == pytest.approx(np.mean(by_hand))
    assert found.sd == pytest.approx(np.std(by_hand, ddof=1))
    assert found.pooled[0] == pytest.approx(right(WHOLE).mean())
    assert (found.clips, found.groups) == (64, 32)
    for value, low, high in (found.mean, found.pooled):
        assert 0 <= low < value < high <= 1


def test_a_clip_with_two_answers_counts_once_with_their_mean() -> None:
    first, second, third = splits()
    other = made_table(labels=second.labels.tolist(), classes=4, right=[0] * len(second.labels))
    changed = replace(second, scores=other.scores)
    sums: dict[str, list[float]] = {}
    for table in (first, changed, third):
        for clip, hit in zip(table.clip_ids, right(table), strict=True):
            sums.setdefault(clip, []).append(hit)
    expected = np.mean([np.mean(hits) for hits in sums.values()])
    assert over_splits([first, changed, third]).pooled[0] == pytest.approx(expected)


def test_the_same_split_three_times_is_no_more_certain_than_once() -> None:
    """The groups are drawn jointly; three independent ones would give 0.58 of the width."""
    one = over_splits([WHOLE, WHOLE])
    three = over_splits([WHOLE] * 3)
    assert three.mean == pytest.approx(one.mean, abs=1e-9)
    assert three.mean == pytest.approx(three.pooled, abs=1e-9)


def test_the_standard_error_is_that_of_a_loop_over_samples() -> None:
    found = over_splits(splits())
    ids = [clip for one in splits() for clip in one.clip_ids]
    groups = [group for one in splits() for group in one.groups]
    labels = np.concatenate([one.labels for one in splits()])
    draws = group_draws(groups, labels)
    names = dict(zip(groups, draws.which, strict=True))
    means = []
    for weights in draws.weights[1:300]:
        tops = []
        for one in splits():
            weight = np.array([weights[names[group]] for group in one.groups])
            tops.append((weight * right(one)).sum() / weight.sum())
        means.append(np.mean(tops))
    assert len(ids) == len(groups)
    width = found.mean[2] - found.mean[1]
    assert width == pytest.approx(2 * 2.05 * np.std(means, ddof=1), rel=0.12)


def test_changes_are_paired_within_each_split() -> None:
    before = made_table(labels=WHOLE.labels.tolist(), classes=4, right=[1] * 48 + [0] * 16)
    found = over_splits(splits(), splits(before))
    by_hand = [
        (right(after) - right(twin)).mean()
        for after, twin in zip(splits(), splits(before), strict=True)
    ]
    assert found.change is not None
    value, low, high = found.change
    assert value == pytest.approx(np.mean(by_hand))
    assert low < value < high


def test_no_change_of_any_clip_has_an_interval_too() -> None:
    found = over_splits(splits(), splits())
    assert found.change is not None
    value, low, high = found.change
    assert value == 0
    assert -0.2 < low < 0 < high < 0.2


def test_what_does_not_belong_together_is_refused() -> None:
    first, second, _ = splits()
    with pytest.raises(ValueError, match="at least two"):
        over_splits([first])
    with pytest.raises(ValueError, match="different classes"):
        over_splits([first, replace(second, class_names=("a", "b", "c", "d"))])
    with pytest.raises(ValueError, match="label or group"):
        over_splits([first, replace(second, groups=("other",) * len(second.groups))])
