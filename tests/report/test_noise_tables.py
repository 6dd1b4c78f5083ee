"""Learned noise in a report: variants in rows, in groups, and the headline against its controls."""

from typing import Any

import pandas as pd
import pytest

from clip_har.noise.learned.arms import ARMS, pairs
from clip_har.report.noise_tables import noise_tables
from clip_har.sweeps.noise import PANELS, top1_rows

NESTED = [arm.name for arm in ARMS if arm.name != "learned"]
SIMPLE = ["none", "learned", "random", "calibration"]


def effects(*noises: tuple[str, list[str], str], masks: tuple[str, ...] = ("none", "box")) -> Any:
    """Return the effects of kinds of noise: name, variants, headline."""
    rows = [
        {
            "mask": mask, "noise": noise, "variant": variant, "against": against,
            "headline": variant == headline, "measure": measure, "before": 0.5 + at / 10,
            "after": 0.6, "difference": 0.01 * place + at / 10, "low": 0.0, "high": 0.1, "seeds": 3,
        }
        for noise, variants, headline in noises
        for at, mask in enumerate(masks)
        for place, (variant, against) in enumerate(pairs(variants, headline))
        for measure in ("top1", "ece")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_table_for_each_noise_with_masks_as_columns():
    one, other = noise_tables(effects(("universal", SIMPLE, "learned"), ("nested", NESTED, "lift")))
    assert (one.noise, other.noise) == ("universal", "nested")
    assert one.masks == ["none", "box"]
    assert one.before == pytest.approx([0.5, 0.6])
    assert one.seeds == 3
    assert [title for title, _ in one.groups] == [PANELS["control"]]
    assert [title for title, _ in other.groups] == list(dict.fromkeys(PANELS.values()))


def test_the_headline_comes_first_and_every_variant_once():
    (table,) = noise_tables(effects(("nested", NESTED, "lift")))
    rows = [row for _, group in table.groups for row in group]
    assert rows[0].name == "lift"
    assert [row.name for row in rows if row.is_headline] == ["lift"]
    assert sorted(row.name for row in rows) == sorted(set(NESTED) - {"none"})
    assert [row.name for row in rows if row.leaks] == ["oracle (leaks the label)"]
    assert table.leaks
    said = dict(table.terms)
    assert said["shuffled"] == "another class's noise"
    assert "none" not in said


def test_differences_between_variants_have_rows_of_their_own():
    (table,) = noise_tables(effects(("nested", NESTED, "lift")))
    between = [row.name for row in table.between]
    assert between[0] == "lift − stacked universal"
    assert "best head + lift − best head + universal" in between
    assert len(between) == len([pair for pair in pairs(NESTED, "lift") if pair[1] != "none"])


def test_the_mean_is_over_all_masks_or_there_is_none():
    found = effects(("universal", SIMPLE, "learned"))
    (table,) = noise_tables(found)
    first = table.groups[0][1][0]
    assert first.mean == pytest.approx((0.0 + 0.1) / 2)
    lacking = found[(found["mask"] != "box") | (found["variant"] != "learned")]
    (table,) = noise_tables(lacking)
    first = table.groups[0][1][0]
    assert (first.mean, first.effects[1]) == (None, None)
    (alone,) = noise_tables(effects(("universal", SIMPLE, "learned"), masks=("none",)))
    assert alone.groups[0][1][0].mean is None


def test_no_noise_is_no_table():
    assert noise_tables(pd.DataFrame()) == []


def test_many_variants_are_drawn_in_panels_of_their_kinds():
    assert "panel" not in top1_rows(effects(("universal", SIMPLE, "learned")))
    rows = top1_rows(effects(("nested", NESTED, "lift")))
    assert list(rows["panel"].unique()) == list(dict.fromkeys(PANELS.values()))
    assert rows.iloc[0]["variant"] == "nested: lift"
    leaking = rows[rows["variant"].str.contains("leaks")]
    assert set(leaking["panel"]) == {PANELS["leak"]}
