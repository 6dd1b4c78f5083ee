"""Linear probes: a linear classifier on the model's frozen embeddings of labelled clips.

The classifier is trained on clean clips of another split (the reference cell) and predicts the
clips of any cell, so a mask hides parts of the evaluated clips only. It has seen labels of these
classes, which a zero-shot classifier has not: their numbers are never ranked together.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.config.measures import ALL_SHOTS, Shots
from clip_har.core.seeding import generator
from clip_har.heads.logistic import fit_logistic, search_penalty
from clip_har.metrics.bootstrap import cluster_bootstrap
from clip_har.results.score_table import ScoreTable

_VALIDATION_SHARE = 0.25  # of the groups of a class
_FEW = 4  # validation clips of a class, at most, for few shots

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Training:
    """Labelled clips that probes are trained on; equal if their content is.

    Attributes:
        digest: of all other attributes.
        embeddings: ``(N, D)`` float32, L2-normalised.
        labels: ``(N,)`` int64.
        groups: N names.
    """

    digest: str
    embeddings: NDArray[np.float32] = field(compare=False, repr=False)
    labels: NDArray[np.int64] = field(compare=False, repr=False)
    groups: tuple[str, ...] = field(compare=False, repr=False)

    @classmethod
    def of(cls, table: ScoreTable) -> "Training | None":
        """Return the clips of a score table; None if it keeps no embeddings."""
        if table.embeddings is None:
            return None
        digest = hashlib.sha256(repr((table.groups, table.embeddings.shape)).encode())
        for part in (table.embeddings, table.labels):
            digest.update(np.ascontiguousarray(part).tobytes())
        return cls(digest.hexdigest(), table.embeddings, table.labels, table.groups)


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted probe.

    Attributes:
        classifier: scikit-learn's `LogisticRegression`.
        penalty: its C, the inverse strength of the L2 penalty, as the validation clips chose it.
        clips: number of clips that it was fitted on.
        validation_clips: number of clips that chose the penalty.
        steps: number of L-BFGS steps of its last fit, which starts from that of a similar penalty.
        converged: whether L-BFGS converged in this fit and in all fits of the search.
    """

    classifier: Any
    penalty: float
    clips: int
    validation_clips: int
    steps: int
    converged: bool

    def predictions(self, embeddings: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return ``(N,)`` classes of clips ``(N, D)``."""
        found: NDArray[np.int64] = self.classifier.predict(embeddings)
        return found


def probe_measures(
    table: ScoreTable, reference: ScoreTable, probe: Sequence[Shots], probe_seeds: int
) -> dict[str, float]:
    """Return top-1 of linear probes, under MLflow names.

    Args:
        table: the evaluated clips, with embeddings.
        reference: the training clips, with embeddings.
        probe: numbers of training clips of each class.
        probe_seeds: number of draws of these clips.

    Returns:
        ``probe/<shots>/top1``, the mean over the draws, and with several draws
        ``probe/<shots>/top1_sd``, their sample standard deviation; without those that `fit_probe`
        cannot make.
    """
    found: dict[str, float] = {}
    for row in probe_table(table, reference, probe, probe_seeds).to_dict("records"):
        found[f"probe/{row['shots']}/top1"] = row["top1"]
        if row["seeds"] > 1:
            found[f"probe/{row['shots']}/top1_sd"] = row["top1_sd"]
    return found


def probe_table(
    table: ScoreTable, reference: ScoreTable, probe: Sequence[Shots], probe_seeds: int
) -> pd.DataFrame:
    """Return a row per number of shots, see `probe_measures` for the arguments.

    Returns:
        Columns ``shots``; ``seeds``, their number; ``training_clips`` and ``validation_clips`` of
        one draw; ``C``, ``steps`` and ``converged`` (yes or no) of each draw, as text, see `Probe`;
        ``top1``, the mean over the draws, with the 95 % interval over groups ``low, high`` of the
        evaluated clips, which takes the draws as given; ``top1_sd``, sample standard deviation over
        the draws, NaN with one. Empty if a table keeps no embeddings or an evaluated class has no
        training clip.
    """
    columns = ("shots", "seeds", "training_clips", "validation_clips", "C", "steps", "converged",
               "top1", "top1_sd", "low", "high")  # fmt: skip
    training, rows = Training.of(reference), []
    known = training is not None and set(table.labels) <= set(training.labels)
    if training is not None and table.embeddings is not None and known:
        for shots in probe:
            draws = 1 if shots == ALL_SHOTS else probe_seeds
            fitted = [fit_probe(training, shots, seed) for seed in range(draws)]
            probes = [one for one in fitted if one is not None]
            if len(probes) < draws:
                continue
            right = [one.predictions(table.embeddings) == table.labels for one in probes]
            top1 = [float(one.mean()) for one in right]
            _, low, high = cluster_bootstrap(
                {"top1": np.mean(right, axis=0)},
                table.groups,
                lambda means: means,
                classes=table.labels,
                shares={"top1"},
            )["top1"]
            rows.append(
                {
                    "shots": str(shots),
                    "seeds": draws,
                    "training_clips": probes[0].clips,
                    "validation_clips": probes[0].validation_clips,
                    "C": " ".join(f"{one.penalty:.3g}" for one in probes),
                    "steps": " ".join(str(one.steps) for one in probes),
                    "converged": " ".join("yes" if one.converged else "no" for one in probes),
                    "top1": float(np.mean(top1)),
                    "top1_sd": float(np.std(top1, ddof=1)) if draws > 1 else np.nan,
                    "low": low,
                    "high": high,
                }
            )
    return pd.DataFrame(rows, columns=list(columns))


@lru_cache(maxsize=64)  # the cells of a sweep have the same training clips
def fit_probe(training: Training, shots: Shots, seed: int) -> Probe | None:
    """Fit a linear probe whose penalty is chosen on validation clips of other groups.

    The penalty: CLIP's search, see `clip_har.heads.logistic.best_power`. The best has the highest
    top-1 on the validation clips; of equals the one with the lowest log loss there, as few clips
    tie often (ours).

    The clips: a quarter of the groups of each class is for validation. With all shots the probe is
    then fitted again on all clips, as CLIP's evaluation does. With k shots k random clips of each
    class are drawn from the other groups, and up to 4, at most k, of the validation groups choose
    the penalty (CoOp, Zhou et al. 2022); the probe stays fitted on the k shots. The draws of a seed
    are nested: the clips of 4 shots hold those of 2.

    Args:
        training: the labelled clips.
        shots: clips of each class, or `ALL_SHOTS`.
        seed: of the draw.

    Returns:
        None when that cannot be done: a single class, a class whose clips are of one group, or with
        fewer than k clips outside its validation groups.
    """
    drawn = draw_clips(training.labels, training.groups, shots, seed=seed)
    if drawn is None:
        return None
    fitted_on, validation = drawn

    # Single precision is too coarse for the tolerance.
    features, labels = training.embeddings.astype(np.float64), training.labels

    def quality(classifier: Any) -> tuple[float, float]:
        from sklearn.metrics import log_loss

        truth = labels[validation]
        probabilities = classifier.predict_proba(features[validation])
        right = classifier.classes_[probabilities.argmax(axis=1)] == truth
        return float(right.mean()), -log_loss(truth, probabilities, labels=classifier.classes_)

    power, fits = search_penalty(features[fitted_on], labels[fitted_on], quality)
    last, rows = fits[power], fitted_on
    if shots == ALL_SHOTS:
        last, rows = fit_logistic(features, labels, power, start=last), np.arange(len(labels))
    return Probe(
        last.classifier,
        10.0**power,
        clips=len(rows),
        validation_clips=len(validation),
        steps=last.steps,
        converged=last.converged and all(one.converged for one in fits.values()),
    )


def draw_clips(
    labels: NDArray[np.int64], groups: Sequence[str], shots: Shots, *, seed: int
) -> tuple[Rows, Rows] | None:
    """Return the rows of the clips that a probe is fitted on, and of those that choose its penalty.

    No group is in both. None when that is not possible, see `fit_probe`.

    Args:
        labels: ``(N,)``.
        groups: N names; a group may have clips of several classes.
        shots: clips of each class, or `ALL_SHOTS` for all.
        seed: of the draw.
    """
    classes, names = np.unique(labels), np.array(groups)
    held = _validation_groups(labels, names, classes, seed=seed)
    fitted_on, validation = [], []
    for label in classes.tolist():
        own = np.flatnonzero(labels == label)
        own = own[generator(seed, "probe/clips", str(label)).permutation(len(own))]
        inside = np.isin(names[own], held)
        rest, chosen = own[~inside], own[inside]
        if shots != ALL_SHOTS:
            if len(rest) < shots:
                return None
            rest, chosen = rest[:shots], chosen[: min(shots, _FEW)]
        if not len(rest) or not len(chosen):
            return None
        fitted_on.append(rest)
        validation.append(chosen)
    if len(classes) < 2:
        return None
    return np.sort(np.concatenate(fitted_on)), np.sort(np.concatenate(validation))


def _validation_groups(
    labels: NDArray[np.int64], names: NDArray[np.str_], classes: NDArray[np.int64], *, seed: int
) -> list[str]:
    """Return a quarter of the groups of each class, at least one, in which it has clips."""
    held: set[str] = set()
    for label in classes.tolist():
        own = np.unique(names[labels == label])
        wanted = max(1, round(_VALIDATION_SHARE * len(own)))
        order = own[generator(seed, "probe/groups", str(label)).permutation(len(own))].tolist()
        missing = wanted - len(held & set(order))
        held |= set([name for name in order if name not in held][: max(missing, 0)])
    return sorted(held)
