"""Is the event there or not? Some named classes against all others: pure functions.

The classes of the target count as one event, such as falling and having fallen. A clip's score is
the summed probability of these classes. Three rules turn scores into alarms:

- ``argmax``: the predicted class is in the target. It needs no threshold.
- ``youden``: the score reaches the threshold at which sensitivity + specificity − 1 (Youden 1950)
  is largest on the reference, the highest one of several.
- ``required``: the score reaches the highest threshold that finds the required share of the events
  of the reference. This is the operating point.

Thresholds are chosen on clean clips of other groups, and stay the same under each mask and noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_har.results.score_table import ScoreTable

RATES = ("sensitivity", "specificity", "ppv", "npv")

_HOUR = 3600  # seconds
_ROUNDING = 1e-9
_Flags = NDArray[np.bool_]
_Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Events:
    """The clips of a table as events and non-events.

    Attributes:
        present: ``(N,)`` bool, whether the true class is in the target.
        predicted: ``(N,)`` bool, whether the predicted class is.
        score: ``(N,)`` the summed probability of the target's classes, in [0, 1].
        seconds: ``(N,)`` the lengths of the clips, NaN if unknown.
    """

    present: _Flags
    predicted: _Flags
    score: _Numbers
    seconds: _Numbers

    @classmethod
    def of(cls, table: ScoreTable, target: Sequence[int]) -> "Events":
        """Return the events of a table.

        Args:
            table: the scores.
            target: the labels of the event's classes.
        """
        labels = list(target)
        return cls(
            np.isin(table.labels, labels),
            np.isin(table.predictions(), labels),
            table.probabilities()[:, labels].sum(axis=1),
            np.full(len(table.labels), np.nan) if table.seconds is None else table.seconds,
        )

    def alarms(self, threshold: float | None) -> _Flags:
        """Return ``(N,)`` where an alarm is raised: by the predicted class without a threshold."""
        return self.predicted if threshold is None else self.score >= threshold


def detection(table: ScoreTable, target: Sequence[int]) -> dict[str, float]:
    """Return how well the event is detected without a threshold, under MLflow names.

    ``detect/prevalence``; ``detect/auroc`` and ``detect/auprc``, see `curve_areas`; the rates of
    the rule ``argmax``, see `rates`. What is not defined is left out.

    Args:
        table: the scores.
        target: the labels of the event's classes.
    """
    events = Events.of(table, target)
    weights = np.ones((1, len(events.score)))
    auroc, auprc = curve_areas(events.present, events.score, weights)
    found = {
        "detect/prevalence": float(events.present.mean()),
        "detect/auroc": float(auroc[0]),
        "detect/auprc": float(auprc[0]),
        **_named("argmax", events, None),
    }
    return {name: value for name, value in found.items() if np.isfinite(value)}


def detection_at_thresholds(
    table: ScoreTable, target: Sequence[int], reference: ScoreTable, sensitivity: float
) -> dict[str, float]:
    """Return how well the event is detected at thresholds of the reference, under MLflow names.

    Args:
        table: the scores.
        target: the labels of the event's classes.
        reference: scores of clean clips of other groups.
        sensitivity: the required one, in (0, 1].
    """
    events = Events.of(table, target)
    found: dict[str, float] = {}
    for rule, threshold in thresholds(reference, target, sensitivity).items():
        found[f"detect/{rule}/threshold"] = threshold
        found |= _named(rule, events, threshold)
    return {name: value for name, value in found.items() if np.isfinite(value)}


def thresholds(
    reference: ScoreTable, target: Sequence[int], sensitivity: float
) -> dict[str, float]:
    """Return the threshold of each rule that needs one; empty if the reference lacks events.

    A threshold is a score that a clip of the reference has. ``youden`` needs other clips, too.

    Args:
        reference: scores of clean clips.
        target: the labels of the event's classes.
        sensitivity: the required one, in (0, 1].
    """
    events = Events.of(reference, target)
    hits = np.sort(events.score[events.present])[::-1]  # falling
    others = np.sort(events.score[~events.present])
    found: dict[str, float] = {}
    if len(hits) and len(others):
        levels = np.unique(events.score)[::-1]  # falling: the first of equal ones is the highest
        true = (len(hits) - np.searchsorted(hits[::-1], levels)) / len(hits)
        false = (len(others) - np.searchsorted(others, levels)) / len(others)
        found["youden"] = float(levels[int(np.argmax((true - false).round(12)))])
    if len(hits):
        needed = max(1, int(np.ceil(sensitivity * len(hits) - _ROUNDING)))
        found["required"] = float(hits[needed - 1])
    return found


def _named(rule: str, events: Events, threshold: float | None) -> dict[str, float]:
    alarms = events.alarms(threshold)
    found = rates(events.present, alarms)
    per_hour = false_alarms_per_hour(events, alarms)
    return {f"detect/{rule}/{name}": value for name, value in found.items()} | {
        f"detect/{rule}/false_alarms_per_hour": per_hour
    }


def parts(present: _Flags, alarms: _Flags) -> dict[str, tuple[_Flags, _Flags]]:
    """Return the clips that each rate counts, and the clips that it is a share of.

    - ``sensitivity``: alarms, of the events;
    - ``specificity``: no alarms, of the other clips;
    - ``ppv``, the positive predictive value: events, of the alarms;
    - ``npv``, the negative predictive value: other clips, of those without an alarm.

    Args:
        present: ``(N,)`` whether the event is there.
        alarms: ``(N,)`` whether an alarm is raised.
    """
    return {
        "sensitivity": (alarms & present, present),
        "specificity": (~alarms & ~present, ~present),
        "ppv": (alarms & present, alarms),
        "npv": (~alarms & ~present, ~alarms),
    }


def rates(present: _Flags, alarms: _Flags) -> dict[str, float]:
    """Return the rates of `parts`, each in [0, 1]; NaN where no clip is in the denominator.

    Example:
        >>> present, alarms = np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool)
        >>> {name: round(value, 3) for name, value in rates(present, alarms).items()}
        {'sensitivity': 0.5, 'specificity': 1.0, 'ppv': 1.0, 'npv': 0.667}
    """
    counted = parts(present, alarms)
    return {
        name: float(hit.sum() / of.sum()) if of.any() else float("nan")
        for name, (hit, of) in counted.items()
    }


def false_alarms_per_hour(events: Events, alarms: _Flags) -> float:
    """Return alarms in clips without the event over the hours of these clips, at least 0.

    Each clip has at most one alarm. Clips of unknown length do not count; NaN if all are unknown.
    """
    timed = ~events.present & np.isfinite(events.seconds)
    hours = events.seconds[timed].sum() / _HOUR
    return float(alarms[timed].sum() / hours) if hours > 0 else float("nan")


def curve_areas(present: _Flags, score: _Numbers, weights: _Numbers) -> tuple[_Numbers, _Numbers]:
    """Return the areas under the ROC and the precision-recall curve for weighted clips.

    The first is how often a clip with the event has a higher score than one without it, equal
    scores counting half. The second is the average precision Σ (R_k − R_{k−1}) P_k over the
    thresholds. By chance the first is 0.5, the second the prevalence.

    Args:
        present: ``(N,)`` whether the event is there.
        score: ``(N,)``.
        weights: ``(R, N)``, how much each clip counts in each of R samples.

    Returns:
        ``(R,)`` and ``(R,)``; NaN where a sample has no event, the first also where it has nothing
        else.

    Example:
        >>> present, score = np.array([1, 1, 0, 0], bool), np.array([0.9, 0.4, 0.6, 0.1])
        >>> [float(area[0].round(3)) for area in curve_areas(present, score, np.ones((1, 4)))]
        [0.75, 0.833]
    """
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)  # of equal scores
    sorted_weights = weights[:, order]
    true = np.cumsum(sorted_weights * present[order], axis=1)[:, last]  # (R, K)
    false = np.cumsum(sorted_weights * ~present[order], axis=1)[:, last]
    steps_true, steps_false = (np.diff(each, axis=1, prepend=0) for each in (true, false))
    all_true, all_false = true[:, -1], false[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        auroc = (steps_false * (true - steps_true / 2)).sum(axis=1) / (all_true * all_false)
        precision = np.nan_to_num(true / (true + false))  # 0 / 0 where nothing counts so far
        auprc = (steps_true * precision).sum(axis=1) / all_true
    return auroc, auprc
