"""The specification curve of a study: each pair of conditions under each set of choices."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from clip_har.core.errors import ClipHarError
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.specification import specification_curve
from experiments.effects import Condition, alike, right_answers
from experiments.study import Rule, Specification

NUMBERS = ("difference", "low", "high", "p", "clips", "groups", "seeds")


def curve(given: Specification, cells: Sequence[Condition]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the top-1 of each condition with that of each of its controls.

    The choices of a specification are those of both conditions; where they differ, those of the
    control. Only clips that all conditions show as intended count.

    Args:
        given: which pairs are compared, and which keys are choices.
        cells: the conditions.

    Returns:
        A row for each specification: its choices, by the names of `Specification.factors`, empty
        where it has none, then `NUMBERS`; and the ``joint`` rows of `SpecificationCurve`, with
        their names in the column ``statistic``.

    Raises:
        ClipHarError: when there is no pair, or a pair lacks its control.
    """
    pairs = [pair for one in cells for rule in given.pairs for pair in _pairs(one, rule, cells)]
    if not pairs:
        raise ClipHarError("these sweeps hold no pair that the study compares: check its commands")
    members = [one for pair in pairs for one in pair]
    tables = {id(one): [cell.table for cell in one.cells] for one in members}
    rows, ids = common_rows([table for of in tables.values() for table in of])
    if not ids:
        raise ClipHarError("the conditions of this study have no clip in common")
    every = iter(rows)
    right = {key: [right_answers(table, next(every)) for table in of] for key, of in tables.items()}
    differences, seeds = [], []
    for after, before in pairs:
        first, second = alike(right[id(before)], right[id(after)])
        differences.append(np.mean(second, axis=0) - np.mean(first, axis=0))
        seeds.append(len(first))
    table = next(iter(tables.values()))[0]
    found = specification_curve(
        np.stack(differences),
        [table.groups[row] for row in rows[0]],
        expected=given.expected,
        classes=table.labels[rows[0]],
    )
    choices = pd.DataFrame([_choices(given.factors, *pair) for pair in pairs])
    numbers = found.specifications.assign(clips=found.clips, groups=found.groups, seeds=seeds)
    joint = found.joint.rename_axis("statistic").reset_index()
    return pd.concat([choices, numbers[list(NUMBERS)]], axis=1), joint


def _pairs(
    condition: Condition, rule: Rule, known: Sequence[Condition]
) -> list[tuple[Condition, Condition]]:
    """Return a condition with its control by a rule; empty if the rule does not apply."""
    wanted = rule.control_of(condition.varies)
    if wanted is None:
        return []
    found = [one for one in known if one.varies == wanted]
    if not found:  # a hole in the curve would not be noticed later
        named = " ".join(f"{key}={value}" for key, value in wanted.items())
        raise ClipHarError(f"{condition.name} lacks its control {named}: add its sweep")
    return [(condition, found[0])]


def _choices(
    factors: Mapping[str, str], condition: Condition, control: Condition
) -> dict[str, str]:
    both = {**condition.varies, **control.varies}
    return {name: both.get(key, "") for key, name in factors.items()}
