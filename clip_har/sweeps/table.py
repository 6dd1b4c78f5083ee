"""The table of a sweep: a tidy row per cell, with intervals and tests against the clean twin."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from clip_har.metrics.bootstrap import cluster_bootstrap
from clip_har.metrics.effect import paired_effect
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.significance import corrected, mcnemar, minimum_detectable, wilson_interval
from clip_har.results.names import MASK
from clip_har.results.noise_answers import Answers
from clip_har.results.result import Result
from clip_har.results.sweep import Outcome

DRAWS = 1000  # half as many as for single measures: a page may have hundreds of cells
COMPARED = ("top1", "true_class_confidence", "ece", "bias/skew_kl", "bias/recall_gap")
_FIRST = ("cell", "mask", "ratio", "fill", "phase", "region", "model", "data", "seed")
_GROUPS = ("region", "model")  # their columns hold more than the name of the option
_ENDED = ("state", "error", "seconds", "twin_seconds")  # columns from the outcome of a job
_TWO_SIDED = 2 * 1.959964  # width of a 95 % interval, in standard errors


def cell_rows(cells: Sequence[Result]) -> pd.DataFrame:
    """Return a tidy row per finished cell.

    Args:
        cells: each result once.

    Returns:
        Columns ``cell, mask, ratio, fill, phase, region, model, data, seed``, and a column
        per other varying key; ``strategy, leaks, is_clean, silhouette, clips, groups``; ``top1``
        with 95 % intervals ``top1_low, top1_high`` (over groups, see `cluster_bootstrap`) and
        ``top1_wilson_low, top1_wilson_high`` (by clip); per measure of `COMPARED`
        ``<measure>_clean, <measure>_change, <measure>_change_low, <measure>_change_high``, paired
        by clip with the clean twin over the clips that both show; ``mcnemar_p`` and
        ``mcnemar_p_holm``, Holm's correction over these cells; ``top1_detectable``, the smallest
        change that would probably have been detected; all metrics; ``folder`` and ``command``.
        Unknown values are NaN.
    """
    table = pd.DataFrame([_described(one) | _numbers(one) for one in cells])
    table["mcnemar_p_holm"] = corrected(table["mcnemar_p"].tolist(), "holm")
    metrics = pd.DataFrame([one.metrics for one in cells])
    more = metrics[[name for name in metrics if name not in table]]
    last = {
        "folder": [str(one.folder) for one in cells],
        "command": [one.command for one in cells],
    }
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


def option_name(kind: str, group: str) -> str:
    """Return the name of an option from the class of its settings.

    Example:
        >>> option_name("MotionRegion", "Region"), option_name("NoRegion", "Region")
        ('motion', 'none')
    """
    name = kind.removesuffix(group).lower()
    return "none" if name == "no" else name


def _numbers(one: Result) -> dict[str, object]:
    table = one.table
    right = table.predictions() == table.labels
    found = cluster_bootstrap(
        {"top1": right.astype(float)},
        table.groups,
        lambda means: means,
        shares={"top1"},
        draws=DRAWS,
    )
    top1, low, high = found["top1"]
    wilson = wilson_interval(int(right.sum()), len(right))
    row: dict[str, object] = {
        "clips": len(right),
        "groups": len(set(table.groups)),
        "top1": top1,
        "top1_low": low,
        "top1_high": high,
        "top1_wilson_low": wilson[0],
        "top1_wilson_high": wilson[1],
        "mcnemar_p": np.nan,
        "top1_detectable": np.nan,
        "confidence_clean": np.nan,
    }
    twin = one.clean
    if twin is not None:
        row["confidence_clean"] = twin.metrics["confidence"]
    for measure in COMPARED:
        for part in ("clean", "change", "change_low", "change_high"):
            row[f"{measure}_{part}"] = np.nan
    if twin is None:
        return row
    clean = twin.table
    (kept, twin_kept), ids = common_rows([table, clean])
    if not ids:
        return row
    row["mcnemar_p"] = mcnemar(
        clean.predictions()[twin_kept] == clean.labels[twin_kept], right[kept]
    )
    effect = paired_effect([Answers(clean)], [Answers(table)], draws=DRAWS)
    for line in effect.to_dict("records"):
        measure = line["measure"]
        if measure not in COMPARED:
            continue
        row[f"{measure}_clean"] = line["before"]
        row[f"{measure}_change"] = line["difference"]
        row[f"{measure}_change_low"], row[f"{measure}_change_high"] = line["low"], line["high"]
        if measure == "top1":
            error = (line["high"] - line["low"]) / _TWO_SIDED
            # If no prediction changes, the interval has no width: this is not infinite power.
            row["top1_detectable"] = minimum_detectable(error) if error > 0 else np.nan
    return row
