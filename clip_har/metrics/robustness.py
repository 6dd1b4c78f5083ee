"""What a mask or noise does to a model's predictions, compared with the clean twin.

The clean twin is the same cell without mask and noise. Both score tables are paired by clip; a clip
that only one of them has is left out.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import rel_entr

from clip_har.metrics.accuracy import among_best
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.prediction_bias import skew_kl
from clip_har.results.score_table import ScoreTable

_TOP = 5


def robustness(table: ScoreTable, clean: ScoreTable) -> dict[str, float]:
    """Return how a cell's predictions differ from its clean twin's, under their MLflow names.

    With A_0 the top-1 of the twin and A_m that of the cell, p_0 and p_m their distributions:

    - ``top1_clean`` A_0.
    - ``robustness/absolute`` 1 − (A_0 − A_m), ``robustness/relative`` 1 − (A_0 − A_m) / A_0, left
      out if A_0 is 0 (Schiappa et al., CVPR 2023, "A large-scale robustness analysis of video
      action recognition models"); above 1 if the cell does better.
    - ``robustness/above_chance`` (A_m − 1/C) / (A_0 − 1/C): the part of the accuracy above chance
      that is left; left out if A_0 is not above chance (ours).
    - ``flip_rate`` the share of clips whose prediction differs; ``flip_rate/harmful`` from right to
      wrong, ``flip_rate/helpful`` from wrong to right (the rest: from wrong to wrong).
    - ``top5_overlap`` the mean share of the five best classes that are the same, left out with five
      classes or fewer (ours).
    - ``kl_from_clean`` mean KL(p_0 ‖ p_m) in nats.
    - ``bias/amplification`` the cell's `skew_kl` minus the twin's (ours): above 0 if the mask or
      noise concentrates the predictions on fewer classes.

    Args:
        table: the cell's.
        clean: its twin's.

    Returns:
        Empty when the two share no clip.

    Raises:
        ValueError: when the tables disagree about the classes, or about a clip's label or group.
    """
    (rows, twin_rows), ids = common_rows([table, clean])
    if not ids:
        return {}
    labels = table.labels[rows]
    answers, before = (
        part.predictions()[kept] for part, kept in ((table, rows), (clean, twin_rows))
    )
    probabilities, clean_probabilities = (
        part.probabilities()[kept] for part, kept in ((table, rows), (clean, twin_rows))
    )
    right, was_right = answers == labels, before == labels
    lost = float(was_right.mean() - right.mean())
    found = {
        "top1_clean": float(was_right.mean()),
        "robustness/absolute": 1 - lost,
        "flip_rate": float((answers != before).mean()),
        "flip_rate/harmful": float((was_right & ~right).mean()),
        "flip_rate/helpful": float((~was_right & right).mean()),
        "kl_from_clean": kl_divergence(clean_probabilities, probabilities),
        "bias/amplification": skew_kl(labels, probabilities) - skew_kl(labels, clean_probabilities),
    }
    if was_right.any():
        found["robustness/relative"] = 1 - lost / float(was_right.mean())
    chance = 1 / len(table.class_names)
    if was_right.mean() > chance:
        found["robustness/above_chance"] = float(
            (right.mean() - chance) / (was_right.mean() - chance)
        )
    if len(table.class_names) > _TOP:
        found["top5_overlap"] = top_overlap(table.scores[rows], clean.scores[twin_rows])
    return found


def kl_divergence(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Return the mean of KL(before ‖ after) over clips, in nats, ≥ 0 (Kullback and Leibler 1951).

    A probability of 0 counts as the smallest normal double, so that the result is finite.

    Args:
        before: ``(N, C)``, rows sum to 1.
        after: ``(N, C)``, likewise.

    Example:
        >>> half = np.array([[0.5, 0.5]])
        >>> kl_divergence(half, half), round(kl_divergence(np.array([[1.0, 0.0]]), half), 3)
        (0.0, 0.693)
    """
    floor = np.finfo(np.float64).tiny
    return float(rel_entr(before, np.maximum(after, floor)).sum(axis=1).mean())


def top_overlap(scores: NDArray[np.floating], others: NDArray[np.floating], k: int = _TOP) -> float:
    """Return the mean share of the k best classes that two scores of a clip share, in [0, 1].

    Args:
        scores: ``(N, C)``.
        others: ``(N, C)``, of the same clips.
        k: number of best classes.

    Example:
        >>> top_overlap(np.array([[3.0, 2.0, 1.0]]), np.array([[3.0, 1.0, 2.0]]), k=2)
        0.5
    """
    both = among_best(scores, k) & among_best(others, k)
    return float(both.sum() / (len(scores) * min(k, scores.shape[1])))


def area_over_ratio(accuracy: Mapping[float, ArrayLike]) -> NDArray[np.float64]:
    """Return the mean accuracy over a strategy's ratios, by the trapezoidal rule, in [0, 1].

    The area under the curve of accuracy over the hidden share, divided by the span of shares: 1 for
    a model that is always right (like the deletion curve of Petsiuk et al. 2018, "RISE").

    Args:
        accuracy: by ratio, at least two ratios; that of the clean twin has the ratio 0. Numbers,
            or arrays of one shape, such as one entry per bootstrap sample.

    Raises:
        ValueError: with fewer than two ratios.

    Example:
        >>> float(area_over_ratio({0.0: 1.0, 0.5: 0.5, 1.0: 0.5}))
        0.625
    """
    if len(accuracy) < 2:
        raise ValueError(f"expected accuracy at two ratios or more, got {sorted(accuracy)}")
    ratios = np.array(sorted(accuracy))
    values = np.array([accuracy[ratio] for ratio in sorted(accuracy)], np.float64)
    area: NDArray[np.float64] = np.trapezoid(values, ratios, axis=0) / (ratios[-1] - ratios[0])
    return area


def mean_corruption_error(
    errors: Mapping[str, Sequence[float]], base: Mapping[str, Sequence[float]]
) -> float:
    """Return the errors under corruptions, relative to those of a base model.

    mCE = mean over strategies s of Σ_r E(s, r) / Σ_r E_base(s, r) (Hendrycks and Dietterich 2019,
    "Benchmarking neural network robustness to common corruptions and perturbations"); 1 is the
    base model. Only strategies that both models were evaluated on count.

    Args:
        errors: by strategy, 1 − top-1 at its ratios.
        base: of the base model, at the same ratios.

    Raises:
        ValueError: when no strategy is common, or the base model makes no error under one, or has
            another number of ratios.

    Example:
        >>> mean_corruption_error({"shape": [0.2, 0.4]}, {"shape": [0.4, 0.8]})
        0.5
    """
    common = sorted(errors.keys() & base.keys())
    if not common or any(sum(base[name]) == 0 for name in common):
        raise ValueError("expected strategies in common under which the base model makes errors")
    if any(len(errors[name]) != len(base[name]) for name in common):
        raise ValueError("expected as many ratios of each strategy as the base model has")
    return float(np.mean([sum(errors[name]) / sum(base[name]) for name in common]))


def resilience(accuracies: Sequence[ArrayLike], clean: ArrayLike) -> NDArray[np.float64]:
    """Return Σ_s A_s / (S · A_0), the share of the accuracy that is left on average, ≥ 0.

    The mean of the relative accuracy over S masked cells; for one cell it is the relative
    robustness of Schiappa et al. (2023).

    Args:
        accuracies: of the masked cells; numbers, or arrays of one shape.
        clean: of the clean cell, likewise.

    Raises:
        ValueError: without a masked cell, or with a clean accuracy of 0.

    Example:
        >>> float(resilience([0.5, 0.3], 0.8))
        0.5
    """
    if not accuracies or np.any(np.asarray(clean) == 0):
        raise ValueError("expected at least one masked cell and a clean accuracy above 0")
    left: NDArray[np.float64] = np.mean(np.array(accuracies, np.float64), axis=0) / clean
    return left


def agreement_of_seeds(predictions: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return ``(N,)`` the share of pairs of seeds that agree on a clip, in [0, 1] (ours).

    Its mean is the consistency of seeds: 1 minus the mean disagreement of pairs.

    Args:
        predictions: of at least two seeds of one mask, ``(N,)`` each, of the same clips.

    Raises:
        ValueError: with fewer than two seeds.

    Example:
        >>> agreement_of_seeds([np.array([0, 1]), np.array([0, 2])])
        array([1., 0.])
    """
    if len(predictions) < 2:
        raise ValueError("expected the predictions of at least two seeds")
    stacked = np.stack(list(predictions))  # (S, N)
    first, second = np.triu_indices(len(stacked), k=1)
    agree: NDArray[np.float64] = (stacked[first] == stacked[second]).mean(axis=0)
    return agree
