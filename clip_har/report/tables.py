"""The numbers of a report: a tidy row per cell, with intervals and tests against the clean twin."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from clip_har.metrics.bootstrap import cluster_bootstrap
from clip_har.metrics.effect import paired_effect
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.significance import corrected, mcnemar, minimum_detectable, wilson_interval
from clip_har.report.selection import ReportCell
from clip_har.results.noise_answers import Answers

DRAWS = 1000  # half of what single measures take: a page may have hundreds of cells
COMPARED = ("top1", "true_class_confidence", "ece", "bias/skew_kl", "bias/recall_gap")
_TWO_SIDED = 2 * 1.959964  # a 95 % interval is as many standard errors wide


def cell_rows(cells: Sequence[ReportCell]) -> pd.DataFrame:
    """Return a tidy row per cell.

    Args:
        cells: finished ones.

    Returns:
        Columns ``cell, strategy, ratio, leaks, silhouette, clips, groups``; ``top1`` with its
        95 % intervals ``top1_low, top1_high`` (bootstrap over groups) and ``top1_wilson_low,
        top1_wilson_high`` (by clip); per measure of `COMPARED` ``<measure>_clean,
        <measure>_change, <measure>_change_low, <measure>_change_high``, paired by clip with the
        clean twin over the clips that both show; ``mcnemar_p`` and ``mcnemar_p_holm``, Holm's
        correction over these cells; ``top1_detectable``, the smallest change that would probably
        have been found; ``command``; then all metrics. What is not known is NaN.
    """
    rows = [_row(one) for one in cells]
    table = pd.DataFrame(rows)
    table["mcnemar_p_holm"] = corrected(table["mcnemar_p"].tolist(), "holm")
    metrics = pd.DataFrame([one.metrics for one in cells])
    more = metrics[[name for name in metrics if name not in table]]
    return pd.concat([table, more], axis=1)


def _row(one: ReportCell) -> dict[str, object]:
    table = one.table
    right = table.predictions() == table.labels
    found = cluster_bootstrap(
        {"top1": right.astype(float)}, table.groups, lambda means: means, draws=DRAWS
    )
    top1, low, high = found["top1"]
    wilson = wilson_interval(int(right.sum()), len(right))
    row: dict[str, object] = {
        "cell": one.name,
        "strategy": one.strategy,
        "ratio": np.nan if one.ratio is None else one.ratio,
        "leaks": bool(one.protocol["uses_true_label_at_test_time"]),
        "silhouette": "silhouette control" in one.protocol.get("notes", ()),
        "clips": len(right),
        "groups": len(set(table.groups)),
        "top1": top1,
        "top1_low": low,
        "top1_high": high,
        "top1_wilson_low": wilson[0],
        "top1_wilson_high": wilson[1],
        "mcnemar_p": np.nan,
        "top1_detectable": np.nan,
        "command": one.protocol["command"],
    }
    if one.clean is not None:
        row["confidence_clean"] = one.clean.metrics["confidence"]
    for measure in COMPARED:
        for part in ("clean", "change", "change_low", "change_high"):
            row[f"{measure}_{part}"] = np.nan
    if one.clean is None:
        return row
    clean = one.clean.table
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
            # Where no answer changes the interval has no width, which is no infinite power.
            row["top1_detectable"] = minimum_detectable(error) if error > 0 else np.nan
    return row


def class_changes(one: ReportCell, clean: ReportCell) -> pd.DataFrame:
    """Return how each class's recall changes from the clean twin, the greatest loss first.

    Returns:
        Columns ``class, clips, clean, masked, change``.
    """
    (kept, twin_kept), _ = common_rows([one.table, clean.table])
    labels = one.table.labels[kept]
    frame = pd.DataFrame(
        {
            "class": [one.table.class_names[label] for label in labels],
            "clean": clean.table.predictions()[twin_kept] == labels,
            "masked": one.table.predictions()[kept] == labels,
        }
    ).groupby("class")
    table = frame.mean()
    table.insert(0, "clips", frame.size())
    table["change"] = table["masked"] - table["clean"]
    return table.sort_values(["change", "class"], kind="stable").reset_index()
