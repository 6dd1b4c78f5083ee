"""Ranks of classes with simultaneous intervals; their coverage is in `test_inference`."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from clip_har.metrics.bootstrap import group_draws
from clip_har.metrics.intervals import quantile
from clip_har.metrics.ranks import class_ranks, rank_intervals


def clips(recalls: list[float], *, groups: int = 10, size: int = 10) -> tuple[Any, Any, list[str]]:
    """Return right answers, labels and groups: in each class every group has its recall."""
    labels = np.repeat(np.arange(len(recalls)), groups * size)
    place = np.arange(len(labels)) % size
    right = place < np.round(np.array(recalls)[labels] * size)
    wrong_group = (np.arange(len(labels)) // size) % groups == 0  # groups differ a little
    right &= ~(wrong_group & (place == 0))
    names = [f"g{n // size}" for n in range(len(labels))]
    return right, labels, names


def test_classes_that_are_far_apart_have_their_rank_and_others_share_theirs() -> None:
    found = class_ranks(*clips([0.9, 0.1, 0.5, 0.5]), classes=4)
    assert found.to_numpy().tolist() == [[4, 4, 4], [1, 1, 1], [2, 2, 3], [2, 2, 3]]
    assert found.dtypes.astype(str).tolist() == ["Int64"] * 3


def test_a_class_without_a_clip_has_no_rank() -> None:
    right, labels, groups = clips([0.9, 0.1, 0.5])
    found = class_ranks(right, np.where(labels == 2, 3, labels), groups, classes=5)
    assert found.isna().all(axis=1).tolist() == [False, False, True, False, True]
    assert found.to_numpy()[0].tolist() == [3, 3, 3]
    none = class_ranks(right[:0], labels[:0], groups[:0], classes=2)
    assert none.isna().to_numpy().all()
    assert len(none) == 2


@pytest.mark.parametrize(
    ("groups", "classes", "known"),
    [(1, 5, False), (1, 10, False), (2, 3, False), (2, 10, False), (3, 3, True)],
)
def test_few_groups_give_a_rank_but_no_interval(groups: int, classes: int, known: bool) -> None:
    found = class_ranks(*clips([0.5] * (classes - 1) + [0.9], groups=groups), classes=classes)
    assert found["rank"].to_list() == [1] * (classes - 1) + [classes]
    assert found["rank_low"].notna().all() == known


@pytest.mark.parametrize(("groups", "known"), [(1, False), (2, False), (3, True)])
def test_one_class_of_few_groups_is_enough_for_no_interval(groups: int, known: bool) -> None:
    """Its deviation is unknown, and the others' range is too small for it."""
    right, labels, names = clips([0.5] * 6)
    kept = (labels < 5) | np.isin(names, [f"g{50 + n}" for n in range(groups)])
    some = [name for name, keep in zip(names, kept, strict=True) if keep]
    found = class_ranks(right[kept], labels[kept], some, classes=6)
    assert found["rank"].notna().all()
    assert found["rank_low"].notna().all() == known


def test_the_range_of_the_deviations_decides() -> None:
    """Every pair by itself, with the samples of one of the groups."""
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 8
    samples = group_draws([f"g{n // 20}" for n in range(400)], draws=300)
    numbers = rng.normal(size=400) + labels / 2
    own = labels[:, None] == np.arange(8)
    means = samples.sums(own * numbers[:, None]) / samples.sums(own)
    largest = [
        max(abs((one - means[0])[j] - (one - means[0])[k]) for j in range(8) for k in range(8))
        for one in means[1:]
    ]
    limit = np.quantile(largest, 0.95) * quantile(19) / quantile(1e9)
    expected = [
        [
            1 + sum(means[0, k] < means[0, j] for k in range(8)),
            1 + sum(means[0, j] - means[0, k] > limit for k in range(8)),
            8 - sum(means[0, k] - means[0, j] > limit for k in range(8)),
        ]
        for j in range(8)
    ]
    found = rank_intervals(means, samples)
    np.testing.assert_array_equal(found, expected)
    assert len(np.unique(found[:, 1:], axis=0)) > 2, "some are apart, some are not"
    shuffled = rank_intervals(means[:, ::-1], samples)[::-1]
    np.testing.assert_array_equal(shuffled, expected)


def test_ranks_are_written_as_whole_numbers() -> None:
    found = class_ranks(*clips([0.9, 0.1]), classes=3)
    text = pd.DataFrame({"class": ["a", "b", "c"], **found}).to_csv(index=False)
    assert text.splitlines()[1:] == ["a,2,2,2", "b,1,1,1", "c,,,"]
