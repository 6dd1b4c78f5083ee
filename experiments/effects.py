"""The effect of each condition of a study on the model's predictions, from finished sweeps.

A condition is a cell without its seed: cells that differ only in the seed form one condition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.metrics.bootstrap import cluster_bootstrap
from clip_har.metrics.effect import paired_effect
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.significance import corrected, sign_flip
from clip_har.report.selection import of_sweep
from clip_har.results.names import SEED, value_text
from clip_har.results.result import Result
from clip_har.results.score_table import ScoreTable
from clip_har.results.variant_scores import VariantScores
from clip_har.sweeps.measures import sweep_measures
from experiments.study import Rule, Study

CLEAN = "clean"
CHANGE = "change under "  # the control of a difference of two differences
MEASURES = ("top1", "true_class_confidence", "ece", "bias/skew_kl", "bias/recall_sd")
COLUMNS = (
    "condition", "hidden", "control", "measure", "before", "after", "difference", "low", "high",
    "p", "p_holm", "clips", "groups", "seeds", "leaks",
)  # fmt: skip

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Condition:
    """A cell without its seed.

    Attributes:
        name: short, without notes.
        varies: what varies except the seed, by full keys; values as names show them.
        cells: one for each seed.
    """

    name: str
    varies: Mapping[str, str]
    cells: list[Result] = field(default_factory=list)


Conditions = Sequence[Condition]


def conditions(sweeps: Sequence[Path]) -> list[Condition]:
    """Return the conditions of finished sweeps, each with one cell per seed.

    Args:
        sweeps: the folders of the sweeps, as in ``results/sweeps``.

    Raises:
        ClipHarError: when a folder is not a sweep's, lacks results, or is named twice.
    """
    if len({folder.resolve() for folder in sweeps}) < len(sweeps):
        raise ClipHarError("a sweep was named twice: its cells would count as other seeds")
    found: dict[frozenset[tuple[str, str]], Condition] = {}
    for folder in sweeps:
        chosen = of_sweep(folder)
        if chosen.problems:  # a missing seed would not be noticed later
            raise ClipHarError(
                f"{folder}: {chosen.problems[0]}: run the sweep's command again first"
            )
        for cell in chosen.cells:
            varies = {k: value_text(k, v) for k, v in cell.varies.items() if k != SEED}
            name = cell.named_without({SEED}, notes=False)
            condition = found.setdefault(frozenset(varies.items()), Condition(name, varies))
            condition.cells.append(cell)
    return list(found.values())


def effects(study: Study, cells: Conditions) -> pd.DataFrame:
    """Compare each condition with its clean twin and with its control.

    ``p`` tests top-1, see `sign_flip`; ``p_holm`` is corrected (Holm 1979) for all tests of the
    study. ``low`` and ``high`` are the 95 % interval of `paired_effect`.

    Args:
        study: the rules that name the controls.
        cells: the conditions.

    Returns:
        A row per condition, control and measure, columns `COLUMNS`; shares in [0, 1], skew in
        nats; ``hidden`` is the mean share of pixels that the mask hides where it found its target;
        ``before`` is the control, ``after`` the condition.
    """
    rows: list[pd.DataFrame] = []
    for condition in cells:
        name, members = condition.name, condition.cells
        leaks = any(one.leaks for one in members)
        after = [one.table for one in members]
        twins = [one.clean.table for one in members if one.clean is not None]
        if len(twins) == len(after):
            rows.append(_compared(name, CLEAN, twins, after).assign(leaks=leaks))
        if (control := _control(condition, study.controls, cells)) is not None:
            before = [one.table for one in control.cells]
            rows.append(_compared(name, control.name, before, after).assign(leaks=leaks))
        if (reference := _control(condition, study.references, cells)) is not None:
            row = _changes_compared(name, reference.name, members, reference.cells)
            rows.append(row.assign(leaks=leaks))
    table = pd.concat(rows, ignore_index=True)
    table["hidden"] = table["condition"].map({one.name: _hidden(one.cells) for one in cells})
    table["p_holm"] = corrected(table["p"].where(~table["leaks"].astype(bool)).tolist(), "holm")
    return table[list(COLUMNS)]


def scene_bias(cells: Conditions) -> pd.DataFrame:
    """Return the ``scene/*`` measures of a study's cells; empty if they give none.

    Returns:
        Columns ``measure, of, value, low, high, clips, groups``, see `scene_measures`.
    """
    finished = [one for condition in cells for one in condition.cells]
    rows = sweep_measures(finished).rows
    return rows[rows["measure"].str.startswith("scene/")].reset_index(drop=True)


def _control(condition: Condition, rules: Sequence[Rule], known: Conditions) -> Condition | None:
    """Return the control of the first rule that applies; None if there is none."""
    for rule in rules:
        if (wanted := rule.control_of(condition.varies)) is not None:
            return next((one for one in known if one.varies == wanted), None)
    return None


def _compared(
    name: str, control: str, before: Sequence[ScoreTable], after: Sequence[ScoreTable]
) -> pd.DataFrame:
    first, second = alike(before, after)
    found = paired_effect(
        [VariantScores(one) for one in first], [VariantScores(one) for one in second]
    )
    found = found[found["measure"].isin(MEASURES)]
    return found.assign(condition=name, control=control)


def _changes_compared(
    name: str, reference: str, after: Sequence[Result], before: Sequence[Result]
) -> pd.DataFrame:
    """Compare a change from the clean twin with that of the reference, as means over seeds."""
    members, others = alike(after, before)
    tables = [one.table for one in (*members, *others)]
    twins = [one.clean.table for one in (*members, *others) if one.clean is not None]
    rows, _ = common_rows([*tables, *twins])
    right = [right_answers(one, kept) for one, kept in zip([*tables, *twins], rows, strict=True)]
    seeds, half = len(members), len(tables)
    changes = [right[n] - right[half + n] for n in range(half)]
    of_name, of_reference = (np.mean(part, axis=0) for part in (changes[:seeds], changes[seeds:]))
    groups, labels = [tables[0].groups[row] for row in rows[0]], tables[0].labels[rows[0]]
    columns = {"after": of_name, "before": of_reference, "difference": of_name - of_reference}
    found = cluster_bootstrap(columns, groups, lambda means: means, classes=labels)
    difference, low, high = found["difference"]
    row = {
        "condition": name,
        "control": CHANGE + reference,
        "measure": "top1",
        "before": found["before"][0],
        "after": found["after"][0],
        "difference": difference,
        "low": low,
        "high": high,
        "p": sign_flip(columns["difference"], groups),
        "clips": len(groups),
        "groups": len(set(groups)),
        "seeds": seeds,
    }
    return pd.DataFrame([row])


def alike(first: Sequence[_T], second: Sequence[_T]) -> tuple[list[_T], list[_T]]:
    """Return both with equal numbers of seeds; a condition that was run once is repeated."""
    seeds = max(len(first), len(second))
    if {len(first), len(second)} - {1, seeds}:
        raise ClipHarError(
            f"a condition with {len(first)} seeds cannot be compared with one with {len(second)}:"
            " run both with the same seeds"
        )
    both = (list(side) * seeds if len(side) == 1 else list(side) for side in (first, second))
    one, other = both
    return one, other


def _hidden(cells: Sequence[Result]) -> float:
    shares = [
        share
        for table in (one.table for one in cells)
        for clip_id, share in zip(table.clip_ids, table.mask_ratio, strict=True)
        if clip_id not in table.empty
    ]
    return float(np.mean(shares)) if shares else np.nan


def right_answers(table: ScoreTable, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return 1 for each of some rows whose prediction is right, else 0."""
    right: NDArray[np.float64] = (table.predictions() == table.labels)[rows].astype(np.float64)
    return right
