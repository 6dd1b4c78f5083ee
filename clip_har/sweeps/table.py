"""The table of a sweep: a tidy row per cell, with intervals and tests against the clean twin."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from clip_har.core.settings import option_name
from clip_har.core.work_ahead import THREADS, in_threads
from clip_har.metrics.bootstrap import cluster_bootstrap, group_draws
from clip_har.metrics.calibration import calibration_error, gaps_by_bin
from clip_har.metrics.effect import Known, paired_effect
from clip_har.metrics.pairing import Rows, common_rows
from clip_har.metrics.significance import corrected, equivalence, minimum_detectable
from clip_har.results.names import MASK, RATIO, SEED
from clip_har.results.result import Result
from clip_har.results.score_table import ScoreTable
from clip_har.results.sweep import Outcome
from clip_har.results.variant_scores import VariantScores
from clip_har.sweeps.cells import over_root_seed
from clip_har.sweeps.comparisons import comparisons_of

DRAWS = 1000  # half as many as for single measures: a page may have hundreds of cells
COMPARED = ("top1", "true_class_confidence", "ece", "bias/skew_kl", "bias/recall_sd")
SETTINGS = ("fill", "shape", "patch", "phase", "feature", "region", "maps")
"""Columns of what a mask is made of; ``maps`` says whether places of targets are estimated."""
_FIRST = ("cell", "mask", "ratio", *SETTINGS, "model", "data", "seed")
_LEFT_OUT = ("clips_failed", "clips_nothing_found", "clips_covered", "clips_left_out")
_LEVELS = ("top1", "confidence", "ece")
_GROUPS = ("region", "model")  # their columns hold more than the name of the option
_ENDED = ("state", "error", "seconds", "twin_seconds")  # columns from the outcome of a job
ALPHA = 0.05
"""Level of the tests."""
Levels = dict[str, tuple[float, float, float]]
"""Value, low and high of each measure."""


@dataclass(frozen=True)
class _Known:
    """What was measured before: many cells share a clean twin, and several tests a cell.

    Attributes:
        answers: the answers of each cell, by its folder.
        levels: those of clean twins, by folder and clips.
        effects: see `paired_effect`.
    """

    answers: dict[Path, VariantScores] = field(default_factory=dict)
    levels: dict[tuple[Path, bytes], Levels] = field(default_factory=dict)
    effects: Known = field(default_factory=dict)

    def of(self, one: Result) -> VariantScores:
        """Return the answers of a cell."""
        if one.folder not in self.answers:
            # Threads that come here at once must get the same answers: they are a key of `effects`.
            self.answers.setdefault(one.folder, VariantScores(one.table))
        return self.answers[one.folder]


def cell_rows(cells: Sequence[Result], *, margin: float | None = None) -> pd.DataFrame:
    """Return a tidy row per finished cell.

    Args:
        cells: each result once.
        margin: the largest change of top-1 that counts as none; None: ``report.margin`` of the
            cells' own settings.

    Returns:
        Columns ``cell, mask, ratio``, `SETTINGS`, ``model, data, seed``, and a column per other
        varying key; ``strategy``, the cell without its ratio, ``line``, also without its seed;
        ``what``, the mask in a few words;
        ``leaks, is_clean, silhouette, clips, groups``; ``clips_failed, clips_nothing_found,
        clips_covered`` and ``clips_left_out``, how many of the decoded ones are not evaluated;
        ``same_classes``, whether groups are sampled within classes; ``top1, confidence, ece`` with
        95 % intervals ``<measure>_low, <measure>_high`` (see `cluster_bootstrap`), and
        ``<measure>_clean_low, <measure>_clean_high``, those of the clean twin over the clips that
        both show; per measure of `COMPARED`
        ``<measure>_clean, <measure>_change, <measure>_change_low, <measure>_change_high``, paired
        by clip with the clean twin over the clips that both show; ``top1_detectable``, the smallest
        change that would probably have been detected.

        The tests of the change of top-1, see `_decided`: ``condition``, the cell without its seed;
        ``family``, the comparison whose ``tests`` are corrected together; ``top1_p`` of `sign_flip`
        and ``top1_p_holm``; ``top1_same_p`` of `equivalence` and ``top1_same_p_holm``; ``verdict``:
        lower or higher (by test and interval), no change (less than the margin), or undecided.
        All metrics; ``folder`` and ``command``. Unknown values are NaN.
    """
    known = _Known()
    # Threads share the cores: products of matrices get into each other's way if each takes all.
    each = max(1, (os.cpu_count() or 1) // THREADS)
    with threadpool_limits(each, user_api="blas"):
        numbers = in_threads(lambda one: _numbers(one, known), cells)
    table = pd.DataFrame(
        [_described(one) | found for one, found in zip(cells, numbers, strict=True)]
    )
    folders = [str(one.folder) for one in cells]
    tests = _decided(cells, margin, known).reindex(folders).reset_index(drop=True)
    table = pd.concat([table, tests], axis=1)
    metrics = pd.DataFrame([one.metrics for one in cells])
    more = metrics[[name for name in metrics if name not in table]]
    last = {"folder": folders, "command": [one.command for one in cells]}
    return pd.concat([table, more, pd.DataFrame(last)], axis=1)


def sweep_table(outcomes: Sequence[Outcome], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the table of a sweep, ``cells.csv``: a row per job, also without a result.

    Args:
        outcomes: the outcomes of the jobs that ended.
        rows: the rows of their results, see `cell_rows`.

    Returns:
        The columns of ``rows``, without a result empty numbers; ``state, error, seconds,
        twin_seconds``, see `Outcome`.
    """
    by_folder = {row["folder"]: row for row in rows.to_dict("records")}
    lines = []
    for outcome in outcomes:
        known: Mapping[Any, Any] = by_folder.get(outcome.folder, {})
        # Several jobs may share a result, such as masking=none under two ratios.
        own = {
            "cell": outcome.name,
            "mask": outcome.varies[MASK],
            "command": outcome.command,
            **_varying(outcome.varies),
        }
        ended = {key: getattr(outcome, key) for key in _ENDED}
        lines.append({**known, **own, **ended})
    last = ["leaks", "folder", *_ENDED, "command"]
    table = pd.DataFrame(lines)
    first = [name for name in _FIRST if name in table]
    varying = dict.fromkeys(key for one in outcomes for key in _varying(one.varies))
    first += [key for key in varying if key not in first]
    rest = [name for name in rows if name in table and name not in (*first, *last)]
    return table.reindex(columns=[*first, *rest, *last])


def _varying(varies: Mapping[str, Any]) -> dict[str, Any]:
    """Return what varies except the mask and the groups with their own columns."""
    return {key: value for key, value in varies.items() if key not in (MASK, *_GROUPS)}


def _described(one: Result) -> dict[str, object]:
    card = one.protocol
    mask, region = card["masking"], option_name(card["region"]["kind"], "Region")
    exact = "exact" if one.cell.region.exact else "estimated"
    return {
        "cell": one.name,
        "mask": one.mask,
        "ratio": np.nan if one.ratio is None else one.ratio,
        **{name: mask.get(name) for name in ("fill", "shape", "patch", "phase", "feature")},
        "region": region,
        "maps": None if region == "none" else exact,
        "model": Path(str(card["model"]["checkpoint"])).name,
        "data": card["data"],
        "seed": card["seed"],
        **{key: value for key, value in _varying(one.varies).items() if key not in _FIRST},
        "strategy": one.strategy,
        "line": one.name if one.is_twin else one.named_without({RATIO, SEED}),
        "what": "" if one.is_clean else one.cell.masking.short_name.removeprefix(f"{one.mask} "),
        "leaks": one.leaks,
        "is_clean": one.is_clean,
        "silhouette": "silhouette control" in card.get("notes", ()),
        **{name: int(card.get(name, 0)) for name in _LEFT_OUT},
    }


def _numbers(one: Result, known: _Known) -> dict[str, object]:
    """Return the numbers of a cell.

    Args:
        one: the cell.
        known: it is added to.
    """
    table = one.table
    row: dict[str, object] = {
        "clips": len(table.clip_ids),
        "groups": len(set(table.groups)),
        "same_classes": group_draws(table.groups, table.labels, draws=1).strata > 1,
        "top1_detectable": np.nan,
    }
    unknown: Levels = dict.fromkeys(_LEVELS, (np.nan,) * 3)
    clean = unknown
    if (twin := one.clean) is not None:
        before = known.of(twin).table
        (rows, _), ids = common_rows([before, table])
        key = twin.folder, rows.tobytes()
        if ids and key not in known.levels:
            known.levels[key] = _levels(before, rows)
        clean = known.levels.get(key, unknown)
    for end, levels in (("", _levels(table)), ("_clean", clean)):
        for measure, (value, low, high) in levels.items():
            if end or measure == "top1":  # the others are among its metrics
                row[f"{measure}{end}"] = value
            row[f"{measure}{end}_low"], row[f"{measure}{end}_high"] = low, high
    for measure in COMPARED:
        for part in ("clean", "change", "change_low", "change_high"):
            row[f"{measure}_{part}"] = np.nan
    for measure, line in _effect([one], known).items():
        row[f"{measure}_clean"] = line["before"]
        row[f"{measure}_change"] = line["difference"]
        row[f"{measure}_change_low"], row[f"{measure}_change_high"] = line["low"], line["high"]
        if measure == "top1":
            row["top1_detectable"] = minimum_detectable(line["standard_error"], line["degrees"])
    return row


def _levels(table: ScoreTable, rows: Rows | None = None) -> Levels:
    """Return top-1, confidence and calibration error with their intervals over groups.

    Args:
        table: the answers.
        rows: ``(n,)``, the clips that count; None for all.
    """
    rows = np.arange(len(table.clip_ids)) if rows is None else rows
    labels, probabilities = table.labels[rows], table.probabilities()[rows]
    gaps = gaps_by_bin(labels, probabilities)
    bins = [f"bin {number}" for number in range(gaps.shape[1])]
    right = (table.predictions() == table.labels)[rows].astype(float)
    columns = {"top1": right, "confidence": probabilities.max(axis=1)}
    found = cluster_bootstrap(
        columns | dict(zip(bins, gaps.T, strict=True)),
        [table.groups[row] for row in rows],
        lambda means: {
            "top1": means["top1"],
            "confidence": means["confidence"],
            "ece": calibration_error(np.stack([means[n] for n in bins], axis=-1), np.float64(1)),
        },
        classes=labels,
        shares={"top1"},
        draws=DRAWS,
    )
    ends = {name: np.clip(values, 0, 1).tolist() for name, values in found.items()}
    return {name: (value, low, high) for name, (value, low, high) in ends.items()}


def _effect(seeds: Sequence[Result], known: _Known) -> dict[str, Mapping[Any, Any]]:
    """Return the change from the clean twins, by measure; empty if not all have one."""
    twins = [(twin, one) for one in seeds if (twin := one.clean) is not None]
    if len(twins) < len(seeds):
        return {}
    before, after = ([known.of(one) for one in side] for side in zip(*twins, strict=True))
    lines = paired_effect(before, after, draws=DRAWS, known=known.effects).to_dict("records")
    return {str(line["measure"]): dict(line) for line in lines if line["measure"] in COMPARED}


def _decided(cells: Sequence[Result], margin: float | None, known: _Known) -> pd.DataFrame:
    """Return the tests of each cell's change of top-1, by folder.

    Cells that differ only in the root seed are one test, of their mean. The tests of a comparison
    (one data set, model and protocol) form a family, without cells that use the true label.
    """
    rows = []
    for comparison in comparisons_of(cells):
        label_free = [one for one in comparison.cells if not one.leaks and not one.is_clean]
        tests = []
        for members in over_root_seed(label_free):
            line = _effect(members, known).get("top1")
            if line is None:
                continue
            within = members[0].cell.report.margin if margin is None else margin
            same = equivalence(
                line["difference"], line["standard_error"], line["degrees"], margin=within
            )
            tests.append((members, line, same))
        changed = corrected([line["p"] for _, line, _ in tests])
        equal = corrected([same for *_, same in tests])
        for (members, line, same), p_holm, same_holm in zip(tests, changed, equal, strict=True):
            rows += [
                {
                    "folder": str(one.folder),
                    "condition": members[0].named_without({SEED}),
                    "family": comparison.name,
                    "tests": len(tests),
                    "top1_p": line["p"],
                    "top1_p_holm": p_holm,
                    "top1_same_p": same,
                    "top1_same_p_holm": same_holm,
                    "verdict": _verdict(line, p_holm, same_holm),
                }
                for one in members
            ]
    names = ("condition", "family", "tests", "top1_p", "top1_p_holm", "top1_same_p",
             "top1_same_p_holm", "verdict")  # fmt: skip
    return pd.DataFrame(rows, columns=["folder", *names]).set_index("folder")


def _verdict(line: Mapping[Any, Any], p_holm: float, same_holm: float) -> str:
    if p_holm < ALPHA and (line["low"] > 0 or line["high"] < 0):
        return "higher" if line["difference"] > 0 else "lower"
    return "no change" if same_holm < ALPHA else "undecided"
