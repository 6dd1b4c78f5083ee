"""What a change does to a model's predictions, paired by clip and over several seeds of the change.

Each measure is a function of sums over clips. So a bootstrap sample is given by how often it holds
each group, and all samples are one product of these counts with the groups' sums.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.metrics.bootstrap import GroupDraws, group_draws, multiplicities, percentile_interval
from clip_har.metrics.calibration import calibration_error, confidence_in_truth, gaps_by_bin
from clip_har.metrics.pairing import Rows, common_rows
from clip_har.metrics.prediction_bias import (
    hits_by_class,
    one_hot,
    recall_gap_of_sums,
    skew_of_sums,
)
from clip_har.results.score_table import OWN_SCENE
from clip_har.results.variant_scores import VariantScores

Mask = NDArray[np.bool_]
Numbers = dict[str, NDArray[np.float64]]

_COLUMNS = (
    "measure", "before", "after", "difference", "low", "high", "clips", "groups", "seeds",
)  # fmt: skip
_SUBSETS = {"scene/swap_error": "swapped", "attention/mass": "attended"}


def paired_effect(
    before: Sequence[VariantScores],
    after: Sequence[VariantScores],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how a change moves accuracy, calibration and bias, with intervals.

    Only clips that all tables show as intended count, so that before and after differ only in the
    change. The measures:

    - ``top1``; ``true_class_confidence`` and ``ece``, see `clip_har.metrics.calibration`;
    - ``bias/skew_kl`` and ``bias/recall_gap``, see `clip_har.metrics.prediction_bias`;
    - ``scene/swap_error``: share predicted as the class of the background shown, of the clips
      that every table shows in front of another background (SBErr, Chung et al. 2022);
    - ``attention/mass``: mean share of attribution inside the subject, over the clips for which
      it was measured in every table.

    A measure without such clips is left out. Each seed is measured by itself and then averaged:
    pooling the clips of all seeds would hide differences between seeds from the ECE and the recall
    gap.

    The interval is the crossed ("pigeonhole") bootstrap of Owen (2007, "The pigeonhole
    bootstrap", Annals of Applied Statistics 1:386): groups of clips and seeds are sampled with
    replacement, independently of each other, the same groups for all seeds and both sides. It
    holds for new clips and new seeds of the change. Its limits: sampling from S seeds shows only
    (S − 1) / S of their variance, so with two or three seeds their contribution is too small; and
    the recall gap, an extreme, is larger in a bootstrap sample than in the data, so the interval of
    its difference need not be centred. With one seed it is the cluster bootstrap over groups and
    holds for that seed alone.

    Args:
        before: answers without the change, of each seed; may be the same for all seeds.
        after: answers with the change, in the same order of seeds.
        draws: number of bootstrap samples.
        seed: of the bootstrap.

    Returns:
        Columns ``measure, before, after, difference, low, high, clips, groups, seeds``: means
        over seeds, their difference (after − before) and its 95 % percentile interval; NaN with
        fewer than 2 groups. No row when the tables share no clip.

    Raises:
        ValueError: for no seed, an unequal number of them, or tables that disagree about the
            classes or about a clip's label or group.

    Example:
        >>> from clip_har.results.score_table import OWN_SCENE, ScoreTable
        >>> def scores(best: list[int]) -> VariantScores:
        ...     none = np.full(4, np.nan)
        ...     return VariantScores(
        ...         ScoreTable(
        ...             ("a", "b"), tuple("1234"), tuple("wxyz"), np.array([0, 0, 1, 1]),
        ...             np.eye(2, dtype=np.float32)[best], *[none] * 8, np.full(4, OWN_SCENE),
        ...         )
        ...     )
        >>> effect = paired_effect([scores([0, 0, 1, 1])], [scores([0, 0, 0, 0])])
        >>> effect.set_index("measure").loc["top1", ["before", "after", "difference"]].tolist()
        [1.0, 0.5, -0.5]
    """
    if len(before) != len(after) or not before:
        raise ValueError(
            f"expected as many seeds before as after, at least one; got {len(before)} and "
            f"{len(after)}"
        )
    both = [*before, *after]
    rows, clip_ids = common_rows([given.table for given in both])
    if not clip_ids:
        return pd.DataFrame(columns=list(_COLUMNS))
    shared = _shared_columns(both, rows)
    groups = np.array(both[0].table.groups)[rows[0]]
    samples = group_draws(groups.tolist(), draws=draws, seed=seed)
    totals = {name: samples.sums(column) for name, column in shared.items()}
    measured = [
        _measures(samples, totals, _columns(given, kept, shared))
        for given, kept in zip(both, rows, strict=True)
    ]
    seeds = len(before)
    weights = multiplicities(seeds, draws=draws, seed=seed, of="seeds") / seeds  # (R + 1, S)
    found = []
    for name in measured[0]:
        values = np.stack([of_table[name] for of_table in measured], axis=1)  # (R + 1, 2 S)
        first = (weights * values[:, :seeds]).sum(axis=1)
        second = (weights * values[:, seeds:]).sum(axis=1)
        counted = shared[_SUBSETS.get(name, "clips")]
        of_groups = len(np.unique(groups[counted]))
        change = second - first
        interval = percentile_interval(change[1:]) if of_groups > 1 else (np.nan, np.nan)
        found.append(
            (name, first[0], second[0], change[0], *interval, counted.sum(), of_groups, seeds)
        )
    return pd.DataFrame(found, columns=list(_COLUMNS))


def _shared_columns(both: Sequence[VariantScores], rows: Sequence[Rows]) -> dict[str, Mask]:
    """Return what all tables share: which clips count for which measure, and their labels."""
    table = both[0].table
    pairs = list(zip(both, rows, strict=True))
    swapped = [given.table.scene_labels[kept] != OWN_SCENE for given, kept in pairs]
    attended = [
        np.zeros(len(kept), bool) if given.attention is None else ~np.isnan(given.attention[kept])
        for given, kept in pairs
    ]
    return {
        "clips": np.ones(len(rows[0]), bool),
        "labels": one_hot(table.labels[rows[0]], len(table.class_names)),
        "swapped": np.logical_and.reduce(swapped),
        "attended": np.logical_and.reduce(attended),
    }


def _columns(given: VariantScores, rows: Rows, shared: dict[str, Mask]) -> Numbers:
    """Return per clip, ``(N,)`` or ``(N, F)``, what the measures of one table are sums of."""
    table = given.table
    labels, probabilities = table.labels[rows], table.probabilities()[rows]
    columns = {
        "true_class": confidence_in_truth(labels, probabilities),
        "gaps": gaps_by_bin(labels, probabilities),
        "probabilities": probabilities,
        "hits": hits_by_class(labels, table.scores[rows]).astype(np.float64),
    }
    if shared["swapped"].any():
        fooled = table.predictions()[rows] == table.scene_labels[rows]
        columns["fooled"] = (fooled & shared["swapped"]).astype(np.float64)
    if given.attention is not None and shared["attended"].any():
        columns["mass"] = np.where(shared["attended"], given.attention[rows], 0)
    return columns


def _measures(samples: GroupDraws, totals: Numbers, columns: Numbers) -> Numbers:
    """Return the measures of one table, ``(R + 1,)`` each: of the data, then of each sample."""
    sums = {name: samples.sums(column) for name, column in columns.items()}
    found = {
        "top1": sums["hits"].sum(axis=1) / totals["clips"],
        "true_class_confidence": sums["true_class"] / totals["clips"],
        "ece": calibration_error(sums["gaps"], totals["clips"]),
        "bias/skew_kl": skew_of_sums(sums["probabilities"], totals["labels"]),
        "bias/recall_gap": recall_gap_of_sums(sums["hits"], totals["labels"]),
    }
    if "fooled" in sums:
        found["scene/swap_error"] = sums["fooled"] / _or_nan(totals["swapped"])
    if "mass" in sums:
        found["attention/mass"] = sums["mass"] / _or_nan(totals["attended"])
    return found


def _or_nan(clips: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the numbers of clips, NaN where a sample has none of them."""
    return np.where(clips > 0, clips, np.nan)
