"""A contrast over several masks: planted effects, and how much narrower it is."""

from dataclasses import replace

import numpy as np
import pytest

from clip_har.metrics.effect import paired_effect
from clip_har.metrics.pooled import pooled_contrast
from clip_har.metrics.significance import sign_flip
from clip_har.results.score_table import ScoreTable
from clip_har.results.variant_scores import VariantScores
from tests.metrics.structure import split1
from tests.tables import made_table

LABELS, GROUPS = split1(classes=20)


def answered(right: np.ndarray) -> ScoreTable:
    table = made_table(labels=LABELS.tolist(), classes=20, right=right.tolist())
    return replace(table, groups=tuple(GROUPS))


def masks(cost: float, seed: int, count: int) -> tuple[list[ScoreTable], list[ScoreTable]]:
    """Return clean tables and masked ones, each mask hitting other clips."""
    random = np.random.default_rng(seed)
    clean = random.random(len(LABELS)) < 0.8
    after = [clean & (random.random(len(LABELS)) >= cost) for _ in range(count)]
    return [answered(clean)] * count, [answered(right) for right in after]


def test_one_pair_is_the_paired_effect() -> None:
    before, after = masks(0.1, seed=0, count=1)
    found = pooled_contrast(before, after)
    assert found is not None
    row = (
        paired_effect([VariantScores(before[0])], [VariantScores(after[0])])
        .set_index("measure")
        .loc["top1"]
    )
    for name in ("difference", "low", "high", "p", "standard_error", "degrees", "clips", "groups"):
        assert getattr(found, name) == pytest.approx(row[name]), name


def test_it_is_the_mean_over_masks_and_narrower_than_each() -> None:
    before, after = masks(0.1, seed=1, count=8)
    found = pooled_contrast(before, after)
    assert found is not None
    alone = [pooled_contrast([b], [a]) for b, a in zip(before, after, strict=True)]
    widths = [one.high - one.low for one in alone if one is not None]
    assert found.difference == pytest.approx(np.mean([one.difference for one in alone if one]))
    assert found.high - found.low < 0.6 * np.mean(widths)
    assert found.low < -0.08 < found.high
    right = [np.mean([t.predictions() == LABELS for t in side], axis=0) for side in (before, after)]
    assert found.p == sign_flip(right[1] - right[0], GROUPS)
    assert (found.pairs, found.groups) == (8, 140)


def test_no_difference_and_few_groups() -> None:
    before, _ = masks(0.1, seed=2, count=3)
    none = pooled_contrast(before, before)
    assert none is not None
    assert (none.difference, none.p) == (0, 1)
    assert none.low == -none.high < 0
    few = [replace(table, groups=tuple(str(n % 4) for n in range(len(LABELS)))) for table in before]
    unknown = pooled_contrast(few, few)
    assert unknown is not None
    assert np.isnan([unknown.low, unknown.high, unknown.standard_error]).all()


def test_what_is_no_pair_is_refused() -> None:
    before, after = masks(0.1, seed=3, count=2)
    with pytest.raises(ValueError, match="got 2 and 1"):
        pooled_contrast(before, after[:1])
    stranger = replace(after[0], clip_ids=tuple(f"other {n}" for n in range(len(LABELS))))
    assert pooled_contrast(before[:1], [stranger]) is None
