"""Robustness of accuracy over fills, ratios, seeds and models: measures over several cells."""

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import Means, cluster_bootstrap
from clip_har.metrics.measures import MEASURES
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.robustness import (
    agreement_of_seeds,
    area_over_ratio,
    mean_corruption_error,
    resilience,
)
from clip_har.results.names import SEED
from clip_har.results.result import Result
from clip_har.sweeps.cells import data_of, described, grouped, over_root_seed, prompt_texts
from clip_har.sweeps.tokens import NOT_THE_SAME, tokens_differ

log = logging.getLogger(__name__)

ByStrategy = dict[str, dict[float, Result]]
"""A model's results, by strategy and ratio."""

_RATIO, _FILL = {"ratio", "masking.ratio"}, {"fill", "masking.fill"}  # root and mask

COLUMNS = ["measure", "of", "value", "low", "high", "clips", "groups"]


def fill_spreads(finished: Sequence[Result]) -> pd.DataFrame:
    """Return ``robustness/fill_spread`` of cells that differ only in the fill.

    The largest minus the smallest top-1 over the clips that all cells show (ours, after Marcu
    2022). It has no interval: chance alone makes it positive.

    Args:
        finished: the results of the cells.

    Returns:
        `COLUMNS`.
    """
    rows = []
    for members in grouped(_masked(finished), without=_FILL):
        if len(fills := sorted({one.cell.masking.fill for one in members})) < 2:
            continue
        right, groups, _ = _right({str(one.folder): one for one in members})
        if not groups:
            continue
        top1 = [float(column.mean()) for column in right.values()]
        name = members[0].named_without(_FILL)
        rows.append(
            {
                "measure": "robustness/fill_spread",
                "of": f"{name} ({', '.join(fills)})",
                "value": max(top1) - min(top1),
                "clips": len(groups),
                "groups": len(set(groups)),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def over_ratios(finished: Sequence[Result]) -> pd.DataFrame:
    """Return ``robustness/area`` and ``robustness/resilience`` of cells that differ in the ratio.

    See `area_over_ratio` (over the set ratios, with the clean twin at 0) and `resilience`. Both are
    over the clips that all cells show, with intervals over groups. Cells with
    noise are left out: their clean twin has no noise, so noise would count as masking.

    Args:
        finished: the results of the cells.

    Returns:
        `COLUMNS`.
    """
    rows = []
    shares = [
        one for one in _masked(finished) if one.cell.masking.ratio and one.cell.noise.is_clean
    ]
    for members in grouped(shares, without=_RATIO):
        masked = {one.cell.masking.ratio or 0.0: one for one in members}
        clean = members[0].clean
        if len(masked) < 2 or clean is None:
            continue
        right, groups, labels = _right(
            {str(ratio): one for ratio, one in {0.0: clean, **masked}.items()}
        )
        if not groups:
            continue
        # Both depend on the ratios: other ratios give other numbers.
        ratios = ", ".join(f"{ratio:g}" for ratio in sorted(masked))
        of = f"{members[0].strategy} at {ratios}"
        rows += _bootstrapped(right, groups, labels, _over_ratio, of)
    return pd.DataFrame(rows, columns=COLUMNS)


def _over_ratio(accuracy: Means) -> Means:
    by_ratio = {float(ratio): values for ratio, values in accuracy.items()}
    clean = np.where(by_ratio[0.0] > 0, by_ratio[0.0], np.nan)
    masked = [values for ratio, values in by_ratio.items() if ratio > 0]
    return {
        "robustness/area": area_over_ratio(by_ratio),
        "robustness/resilience": resilience(masked, clean),
    }


def over_seeds(finished: Sequence[Result]) -> pd.DataFrame:
    """Return measures of cells that differ only in the root seed, over the same clips.

    ``seeds/top1_mean``, ``seeds/top1_sd`` (that of a sample) and ``seeds/count`` of their top-1,
    and ``robustness/seed_consistency``, see `agreement_of_seeds`.

    Args:
        finished: the results of the cells.

    Returns:
        `COLUMNS`; the mean and the consistency with intervals over groups.
    """
    rows = []
    for members in over_root_seed(finished):
        same_data = len({str(one.cell.dataset.described()) for one in members}) == 1
        if len({one.cell.seed for one in members}) < 2 or not same_data:
            continue
        tables = [one.table for one in members]
        kept, ids = common_rows(tables)
        if not ids:
            continue
        answers = [table.predictions()[some] for table, some in zip(tables, kept, strict=True)]
        labels = tables[0].labels[kept[0]]
        groups = [tables[0].groups[row] for row in kept[0]]
        top1 = np.array([(answer == labels).mean() for answer in answers])
        # per clip: the share of right seeds, and that of pairs of seeds that agree
        each = {
            "seeds/top1_mean": np.mean([answer == labels for answer in answers], axis=0),
            "robustness/seed_consistency": agreement_of_seeds(answers),
        }
        of = members[0].named_without({SEED})
        rows += _bootstrapped(each, groups, labels, dict, of)
        shared = {"of": of, "clips": len(ids), "groups": len(set(groups))}
        rows.append({"measure": "seeds/top1_sd", "value": float(top1.std(ddof=1)), **shared})
        rows.append({"measure": "seeds/count", "value": float(len(top1)), **shared})
    return pd.DataFrame(rows, columns=COLUMNS)


def corruption_errors(finished: Sequence[Result], base_model: str | None) -> pd.DataFrame:
    """Return ``robustness/mean_corruption_error`` of each model against a base model.

    See `mean_corruption_error`. It is computed for each data set (by its content) and prompts, over
    the strategies that both models have at the same ratios, and over the clips that all these cells
    show. A model is named by the last part of its checkpoint. It is left out if several models have
    that name (as with another pooling or other weights).

    Args:
        finished: the results of the cells.
        base_model: its name; None for no comparison.

    Returns:
        `COLUMNS`, with intervals over groups; a row per data set and other model.
    """
    if base_model is None:
        return pd.DataFrame(columns=COLUMNS)
    variants: dict[str, set[str]] = {}
    by_data: dict[str, dict[str, ByStrategy]] = {}
    texts = prompt_texts(finished)
    for one in _masked(finished):
        if one.cell.masking.ratio is None:
            continue
        alike = described(one, without={"model"})
        whole = described(one, without=_RATIO)
        settings = {key: text for key, text in alike.items() if key.startswith("dataset")}
        data = str([settings, data_of(one), texts[one.folder]])
        strategy = str({key: text for key, text in alike.items() if key not in _RATIO})
        model = model_name(one)
        variants.setdefault(model, set()).add(
            str([sorted(whole.items() - alike.items()), one.protocol.get("weights_digest")])
        )
        shown = by_data.setdefault(data, {}).setdefault(model, {}).setdefault(strategy, {})
        shown[float(one.cell.masking.ratio)] = one
    several = {model for model, found in variants.items() if len(found) > 1}
    if several:
        log.warning("base_model: %s has several settings: left out", ", ".join(sorted(several)))
    known = variants.keys() - several
    if known and base_model not in known:
        there = ", ".join(sorted(known))
        log.warning("base_model=%s: no masked cell has this model; there are %s", base_model, there)
    rows: list[dict[str, object]] = []
    for by_model in by_data.values():
        base = by_model.get(base_model)
        for model in sorted(by_model.keys() & known - {base_model}):
            if base is not None and base_model in known:
                of = f"{model} against {base_model}"
                rows += _against(by_model[model], base, of)
    return pd.DataFrame(rows, columns=COLUMNS)


def _against(shown: ByStrategy, base: ByStrategy, of: str) -> list[dict[str, object]]:
    common = [
        strategy
        for strategy in sorted(shown)
        if shown[strategy].keys() == base.get(strategy, {}).keys()
    ]
    cells = {
        f"{which} {number} {ratio}": one
        for which, of_model in (("model", shown), ("base", base))
        for number, strategy in enumerate(common)
        for ratio, one in of_model[strategy].items()
    }
    if not cells:
        return []
    pairs = [
        (one, base[strategy][ratio])
        for strategy in common
        for ratio, one in shown[strategy].items()
    ]
    if any(tokens_differ(*pair) for pair in pairs):
        of += f", {NOT_THE_SAME}"
    right, groups, labels = _right(cells)
    return _bootstrapped(right, groups, labels, _corruption_error, of) if groups else []


def model_name(one: Result) -> str:
    """Return the short name of a cell's model."""
    return one.cell.model.name


def _corruption_error(accuracy: Means) -> Means:
    draws = len(next(iter(accuracy.values())))
    found = np.full(draws, np.nan)
    for draw in range(draws):
        errors: dict[str, dict[str, list[float]]] = {"model": {}, "base": {}}
        for name, values in accuracy.items():
            which, strategy, _ = name.split()
            errors[which].setdefault(strategy, []).append(1 - float(values[draw]))
        if all(sum(of_strategy) > 0 for of_strategy in errors["base"].values()):
            found[draw] = mean_corruption_error(errors["model"], errors["base"])
    return {"robustness/mean_corruption_error": found}


def _masked(finished: Sequence[Result]) -> list[Result]:
    masks = ((one, one.cell.masking) for one in finished)
    return [one for one, mask in masks if not (mask.is_clean or mask.swaps_scene)]


def _right(
    cells: Mapping[str, Result],
) -> tuple[dict[str, NDArray[np.float64]], list[str], NDArray[np.int64]]:
    """Return for each cell which common clips are right, and their groups and labels."""
    tables = [one.table for one in cells.values()]
    kept, _ = common_rows(tables)
    right = {
        name: (table.predictions() == table.labels)[rows].astype(np.float64)
        for name, table, rows in zip(cells, tables, kept, strict=True)
    }
    return right, [tables[0].groups[row] for row in kept[0]], tables[0].labels[kept[0]]


def _bootstrapped(
    columns: Mapping[str, NDArray[np.float64]],
    groups: Sequence[str],
    labels: NDArray[np.int64],
    measures: Callable[[Means], Means],
    of: str,
) -> list[dict[str, object]]:
    """Return rows of measures with intervals over groups; unknown values are left out."""
    shares = [one.name for one in MEASURES if one.unit == "%"]
    differences = [one.name for one in MEASURES if one.range == (-1, 1)]
    found = cluster_bootstrap(
        columns, groups, measures, classes=labels, shares=shares, differences=differences
    )
    sizes = {"clips": len(groups), "groups": len(set(groups))}
    return [
        {"measure": name, "of": of, "value": value, "low": low, "high": high, **sizes}
        for name, (value, low, high) in found.items()
        if np.isfinite(value)
    ]
