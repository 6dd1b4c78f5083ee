"""The table of a sweep: a tidy row per cell, with intervals and tests against the clean twin."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from clip_har.core.settings import option_name
from clip_har.metrics.bootstrap import cluster_bootstrap, group_draws
from clip_har.metrics.effect import paired_effect
from clip_har.metrics.significance import corrected, equivalence, minimum_detectable
from clip_har.results.names import MASK, SEED
from clip_har.results.result import Result
from clip_har.results.sweep import Outcome
from clip_har.results.variant_scores import VariantScores
from clip_har.sweeps.cells import over_root_seed
from clip_har.sweeps.comparisons import comparisons_of

DRAWS = 1000  # half as many as for single measures: a page may have hundreds of cells
COMPARED = ("top1", "true_class_confidence", "ece", "bias/skew_kl", "bias/recall_sd")
_FIRST = ("cell", "mask", "ratio", "fill", "phase", "region", "model", "data", "seed")
_GROUPS = ("region", "model")  # their columns hold more than the name of the option
_ENDED = ("state", "error", "seconds", "twin_seconds")  # columns from the outcome of a job
ALPHA = 0.05
"""Level of the tests."""


def cell_rows(cells: Sequence[Result], *, margin: float | None = None) -> pd.DataFrame:
    """Return a tidy row per finished cell.

    Args:
        cells: each result once.
        margin: the largest change of top-1 that counts as none; None: ``report.margin`` of the
            cells' own settings.

    Returns:
        Columns ``cell, mask, ratio, fill, phase, region, model, data, seed``, and a column
        per other varying key; ``strategy, leaks, is_clean, silhouette, clips, groups``;
        ``same_classes``, whether groups are sampled within classes; ``top1`` with its 95 % interval
        ``top1_low, top1_high`` (see `cluster_bootstrap`); per measure of `COMPARED`
        ``<measure>_clean, <measure>_change, <measure>_change_low, <measure>_change_high``, paired
        by clip with the clean twin over the clips that both show; ``top1_detectable``, the smallest
        change that would probably have been detected.

        The tests of the change of top-1, see `_decided`: ``condition``, the cell without its seed;
        ``family``, the comparison whose ``tests`` are corrected together; ``top1_p`` of `sign_flip`
        and ``top1_p_holm``; ``top1_same_p`` of `equivalence` and ``top1_same_p_holm``; ``verdict``:
        lower or higher (by test and interval), no change (less than the margin), or undecided.
        All metrics; ``folder`` and ``command``. Unknown values are NaN.
    """
    table = pd.DataFrame([_described(one) | _numbers(one) for one in cells])
    folders = [str(one.folder) for one in cells]
    tests = _decided(cells, margin).reindex(folders).reset_index(drop=True)
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
    return {
        "cell": one.name,
        "mask": one.mask,
        "ratio": np.nan if one.ratio is None else one.ratio,
        "fill": card["masking"].get("fill"),
        "phase": card["masking"].get("phase"),
        "region": option_name(card["region"]["kind"], "Region"),
        "model": Path(str(card["model"]["checkpoint"])).name,
        "data": card["data"],
        "seed": card["seed"],
        **{key: value for key, value in _varying(one.varies).items() if key not in _FIRST},
        "strategy": one.strategy,
        "leaks": one.leaks,
        "is_clean": one.is_clean,
        "silhouette": "silhouette control" in card.get("notes", ()),
    }


def _numbers(one: Result) -> dict[str, object]:
    table = one.table
    right = table.predictions() == table.labels
    found = cluster_bootstrap(
        {"top1": right.astype(float)},
        table.groups,
        lambda means: means,
        classes=table.labels,
        shares={"top1"},
        draws=DRAWS,
    )
    top1, low, high = found["top1"]
    row: dict[str, object] = {
        "clips": len(right),
        "groups": len(set(table.groups)),
        "same_classes": group_draws(table.groups, table.labels, draws=1).strata > 1,
        "top1": top1,
        "top1_low": low,
        "top1_high": high,
        "top1_detectable": np.nan,
        "confidence_clean": np.nan if one.clean is None else one.clean.metrics["confidence"],
    }
    for measure in COMPARED:
        for part in ("clean", "change", "change_low", "change_high"):
            row[f"{measure}_{part}"] = np.nan
    for measure, line in _effect([one]).items():
        row[f"{measure}_clean"] = line["before"]
        row[f"{measure}_change"] = line["difference"]
        row[f"{measure}_change_low"], row[f"{measure}_change_high"] = line["low"], line["high"]
        if measure == "top1":
            row["top1_detectable"] = minimum_detectable(line["standard_error"], line["degrees"])
    return row


def _effect(seeds: Sequence[Result]) -> dict[str, Mapping[Any, Any]]:
    """Return the change from the clean twins, by measure; empty if not all have one."""
    pairs = [(one.clean.table, one.table) for one in seeds if one.clean is not None]
    if len(pairs) < len(seeds):
        return {}
    before, after = ([VariantScores(table) for table in side] for side in zip(*pairs, strict=True))
    lines = paired_effect(before, after, draws=DRAWS).to_dict("records")
    return {str(line["measure"]): dict(line) for line in lines if line["measure"] in COMPARED}


def _decided(cells: Sequence[Result], margin: float | None) -> pd.DataFrame:
    """Return the tests of each cell's change of top-1, by folder.

    Cells that differ only in the root seed are one test, of their mean. The tests of a comparison
    (one data set, model and protocol) form a family, without cells that use the true label.
    """
    rows = []
    for comparison in comparisons_of(cells):
        label_free = [one for one in comparison.cells if not one.leaks and not one.is_clean]
        tests = []
        for members in over_root_seed(label_free):
            line = _effect(members).get("top1")
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
