"""Selective prediction: how accurate is a model that may leave doubtful clips unanswered?

The clips are sorted by the probability of the predicted class. Coverage is the share of clips that
are answered, the most certain first; risk is the share of wrong answers among them. Clips that are
equally certain have no order: all numbers are means over their possible orders. Arguments are as in
`clip_har.metrics.calibration`.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clip_har.metrics.accuracy import Labels, Scores
from clip_har.metrics.bootstrap import group_draws, with_intervals
from clip_har.metrics.calibration import check_distributions, doubt, steps
from clip_har.results.score_table import ScoreTable

COVERAGES = {"selective/accuracy_80": 0.8, "selective/accuracy_90": 0.9}
"""The coverages at which accuracy is logged, by name."""

_BATCH = 16  # bootstrap samples at once: the arrays of UCF-101's 3,783 clips stay in the cache


class Ranked(NamedTuple):
    """Clips in order of certainty.

    Attributes:
        order: ``(N,)`` the clips, the most certain first.
        block: ``(N,)`` by place in the order, the number of its block; the clips of one block are
            equally certain.
        wrong: ``(N,)`` by place, 1.0 where the prediction is wrong, else 0.0.
    """

    order: NDArray[np.int64]
    block: NDArray[np.int64]
    wrong: NDArray[np.float64]


def selective_measures(labels: Labels, probabilities: Scores) -> dict[str, float]:
    """Return the measures of selective prediction, each in [0, 1].

    With the risk r(k) of the k most certain clips (El-Yaniv and Wiener 2010; Geifman and El-Yaniv
    2017, "Selective classification for deep neural networks"):

    - ``selective/aurc``: 1/N Σₖ r(k), the area under the risk-coverage curve (Geifman, Uziel and
      El-Yaniv 2019, "Bias-reduced uncertainty estimation"). It depends on accuracy, too;
    - ``selective/aurc_by_chance``: its mean over random orders of the clips, the error rate;
    - ``selective/excess_aurc``: it minus that of the best order, in which all right answers come
      first (the same paper). At 0 the model knows which of its answers are wrong;
    - ``selective/accuracy_80`` and ``_90``: 1 − r at that coverage; the clip at its end counts in
      part.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.

    Example:
        >>> sure = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
        >>> found = selective_measures(np.array([0, 0, 0, 1]), sure)
        >>> found["selective/aurc"], found["selective/aurc_by_chance"]
        (0.0625, 0.25)
        >>> found["selective/excess_aurc"]
        0.0
    """
    ranked = rank(labels, probabilities)
    found = {
        name: float(values[0])
        for name, values in _of_weights(ranked, np.ones((1, len(labels)))).items()
    }
    clips, errors = len(labels), int(ranked.wrong.sum())
    found["selective/aurc_by_chance"] = errors / clips
    last = np.arange(clips - errors + 1, clips + 1)  # the best order: errors at the end
    best = float(((last - (clips - errors)) / last).sum() / clips)
    found["selective/excess_aurc"] = max(0.0, found["selective/aurc"] - best)
    return found


def risk_coverage(labels: Labels, probabilities: Scores) -> NDArray[np.float64]:
    """Return ``(N,)`` the risk r(k) of the k most certain clips, k = 1 to N, in [0, 1].

    Raises:
        ValueError: when there is no clip, or a row is no distribution.

    Example:
        >>> risk_coverage(np.array([0, 1]), np.array([[0.75, 0.25], [0.75, 0.25]])).tolist()
        [0.5, 0.5]
    """
    ranked, each = rank(labels, probabilities), np.ones((1, len(labels)))
    risks: NDArray[np.float64] = _risks(ranked, each, _Blocks.of(ranked, each))[0]
    return risks


def selective_intervals(
    table: ScoreTable, *, draws: int = 300
) -> dict[str, tuple[float, float, float]]:
    """Return ``selective/aurc`` and the accuracies at `COVERAGES` with 95 % intervals over groups.

    Args:
        table: of a cell.
        draws: number of bootstrap samples, see `group_draws`.

    Returns:
        Per measure (value, low, high), see `clip_har.metrics.intervals.share_interval`. The area
        is a mean of shares: near 0, where it is for accurate models, equal sides would
        reach below 0 and miss the truth more often.
    """
    ranked = rank(table.labels, table.probabilities())
    samples = group_draws(table.groups, table.labels, draws=draws)
    group = samples.which[ranked.order]
    parts = [
        _of_weights(ranked, samples.weights[start : start + _BATCH].take(group, axis=1))
        for start in range(0, len(samples.weights), _BATCH)
    ]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return with_intervals(found, samples, shares=found)


def selective_intervals_of(scores: Path) -> dict[str, tuple[float, float, float]]:
    """Return `selective_intervals` of the score table in a file."""
    return selective_intervals(ScoreTable.read(scores))


def rank(labels: Labels, probabilities: Scores) -> Ranked:
    """Return the clips in order of certainty.

    Raises:
        ValueError: when there is no clip, or a row is no distribution.
    """
    check_distributions(labels, probabilities)
    doubts = steps(doubt(probabilities))
    order = np.argsort(doubts, kind="stable")
    block = np.unique(doubts[order], return_inverse=True)[1]
    wrong = (probabilities.argmax(axis=1) != labels).astype(np.float64)
    return Ranked(order, block, wrong[order])


def _of_weights(ranked: Ranked, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the measures of samples in which clips, in their order, have ``(R, N)`` weights."""
    blocks, total = _Blocks.of(ranked, weights), weights.sum(axis=1)
    found = {"selective/aurc": (weights * _risks(ranked, weights, blocks)).sum(axis=1) / total}
    for name, coverage in COVERAGES.items():
        answered = coverage * total
        found[name] = np.clip(1 - blocks.errors_at(answered) / answered, 0, 1)
    return found


def _risks(ranked: Ranked, weights: NDArray[np.float64], blocks: "_Blocks") -> NDArray[np.float64]:
    """Return ``(R, N)`` the risk of the clips up to each place; 0 where they weigh nothing."""
    if blocks.clips is weights:
        return _divided(blocks.errors_to, blocks.to)
    at, block = weights.cumsum(axis=1), ranked.block
    before, errors = blocks.to - blocks.clips, blocks.errors_to - blocks.wrong
    share = _divided(blocks.wrong, blocks.clips)
    return _divided(errors[:, block] + (at - before[:, block]) * share[:, block], at)


class _Blocks(NamedTuple):
    """The blocks of equally certain clips in R samples, ``(R, B)`` each.

    Within a block errors are spread evenly, which is their mean over the orders of its clips.

    Attributes:
        clips: weight of the block's clips; the weights of the clips themselves if no two of them
            are equally certain.
        wrong: weight of its errors.
        to: weight of the clips up to its end.
        errors_to: weight of the errors up to its end.
    """

    clips: NDArray[np.float64]
    wrong: NDArray[np.float64]
    to: NDArray[np.float64]
    errors_to: NDArray[np.float64]

    @classmethod
    def of(cls, ranked: Ranked, weights: NDArray[np.float64]) -> "_Blocks":
        clips, wrong = weights, weights * ranked.wrong
        if ranked.block[-1] + 1 < len(ranked.block):
            starts = np.flatnonzero(np.diff(ranked.block, prepend=-1))
            clips, wrong = (np.add.reduceat(each, starts, axis=1) for each in (clips, wrong))
        return cls(clips, wrong, clips.cumsum(axis=1), wrong.cumsum(axis=1))

    def errors_at(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``(R,)`` the errors among the most certain clips that together weigh ``at``."""
        last = (self.to < at[:, None]).sum(axis=1)  # the block that holds the end
        here = np.arange(len(at)), last
        clips, wrong = self.clips[here], self.wrong[here]
        into = at - (self.to[here] - clips)
        found: NDArray[np.float64] = self.errors_to[here] - wrong + into * _divided(wrong, clips)
        return found


def _divided(some: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(some, by, out=np.zeros_like(some), where=by > 0)
