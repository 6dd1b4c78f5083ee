"""The stacks of all variants of a cell's noise, its gate, and the choice of the best head."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.core.tensor_file import read_tensors, save_tensors
from clip_har.noise.learned.arms import BY_NAME, GATED, LIFT, Arm
from clip_har.noise.learned.gate import Gate, Pair, fit_gate
from clip_har.noise.learned.lift import Answers
from clip_har.noise.learned.stack import Features, Stack, crossed, fit_stack
from clip_har.noise.variants import CALIBRATION, Variant

WITHOUT = -1
"""The column of clips that are scored without noise."""


@dataclass(frozen=True)
class FittedOn:
    """What weights belong to, and the clips that they were fitted on.

    Attributes:
        noise: digest of the cell's own noise, see `clip_har.noise.learned.fitted.digest`; empty in
            the cache, where the key says it.
        features: of each variant's stack, in the order of its weights.
        masks: that the clips were shown under, see `clip_har.noise.learned.base.FitMasking`.
        clips: their ids.
        groups: the groups of these clips.
        masking: the cell's own mask as a JSON object, if ``masks`` is ``same``; else None.
    """

    noise: str = ""
    features: Mapping[str, Sequence[str]] = field(default_factory=dict)
    masks: str = ""
    clips: Sequence[str] = ()
    groups: Sequence[str] = ()
    masking: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Fits:
    """What was fitted on held clips.

    Attributes:
        stacks: by variant.
        gate: None if no variant has one.
        best_head: the classifier on frozen embeddings whose stack has the lowest loss on groups
            that it was not fitted on; empty without such classifiers.
        top_k: number of classes whose parts the scores were under; None for all.
        on: what they belong to.
    """

    stacks: Mapping[str, Stack] = field(default_factory=dict)
    gate: Gate | None = None
    best_head: str = ""
    top_k: int | None = None
    on: FittedOn = FittedOn()

    def variants(self, arms: Sequence[Arm], answers: Answers) -> dict[str, Variant]:
        """Return the variants of some arms.

        Args:
            arms: they were fitted.
            answers: the scores of the clips.
        """
        return {arm.name: self._variant(arm, answers) for arm in arms}

    def _variant(self, arm: Arm, answers: Answers) -> Variant:
        scores = self.stacks[arm.name].apply(features_of(arm, answers, self.best_head))
        columns = shown_columns(arm, scores, answers)
        if arm.name == GATED:
            assert self.gate is not None  # noqa: S101, it is fitted with the stack
            columns = np.where(self.gate.keeps(answers.clean), WITHOUT, columns)
            scores = self.gate.apply(answers.clean, scores)
        return Variant(scores, arm.shown, columns)

    def write(self, path: Path) -> None:
        """Write it as safetensors."""
        tensors: dict[str, Tensor] = {}
        for name, stack in self.stacks.items():
            tensors[f"weights.{name}"] = torch.tensor(stack.weights)
            tensors[f"biases.{name}"] = torch.tensor(stack.biases)
        texts = {
            "stacks": json.dumps(
                {
                    name: [stack.penalty, stack.loss, stack.biased]
                    for name, stack in self.stacks.items()
                }
            ),
            "gate": json.dumps(
                None if self.gate is None else [self.gate.threshold, self.gate.scale]
            ),
            "best_head": self.best_head,
            "top_k": json.dumps(self.top_k),
            "on": json.dumps(asdict(self.on)),
        }
        save_tensors(path, tensors, texts)

    @classmethod
    def read(cls, path: Path) -> "Fits | None":
        """Read what `write` wrote; None if it is not there, or damaged."""
        try:
            tensors, texts = read_tensors(path)
            numbers_of_gate = json.loads(texts["gate"])
            stacks = {
                name: Stack(
                    tensors[f"weights.{name}"].numpy(), tensors[f"biases.{name}"].numpy(), *numbers
                )
                for name, numbers in json.loads(texts["stacks"]).items()
            }
            gate = None if numbers_of_gate is None else Gate(*numbers_of_gate)
            on = FittedOn(**json.loads(texts["on"]))
            return cls(stacks, gate, texts["best_head"], json.loads(texts["top_k"]), on)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def fit_arms(
    arms: Sequence[Arm], masked: Answers, whole: Answers, groups: NDArray[np.generic]
) -> Fits:
    """Fit the stack of each arm on the same clips, the gate, and choose the best head.

    Args:
        arms: those that have a stack.
        masked: the scores of held clips under the masks of the fit.
        whole: the scores of the same clips without a mask; only the gate uses them, so they may
            lack noise that it does not need.
        groups: ``(N,)`` of these clips.
    """
    labels, best = masked.labels, ""
    gate: Gate | None = None
    stacks: dict[str, Stack] = {}
    # Those with a head of their own come first in the table: the best is known before it is used.
    for arm in arms:
        if "head" in arm.features and not arm.head and not best:
            best = min(masked.heads, key=lambda head: stacks[head].loss)
        features = features_of(arm, masked, best)
        if arm.name == GATED and LIFT in stacks:
            stacks[GATED] = stacks[LIFT]  # it is made of the same
        else:
            stacks[arm.name] = fit_stack(features, labels, groups)
    if GATED in stacks:
        stack, features, seen = (
            stacks[GATED],
            *(features_of(BY_NAME[GATED], answers, best) for answers in (masked, whole)),
        )
        gate = fit_gate(
            Pair(masked.clean, crossed(stack, features, labels, groups)),
            Pair(whole.clean, crossed(stack, features, labels, groups, shown=seen)),
            labels,
            scale=_scale(
                stacks.get(CALIBRATION) or fit_stack(masked.clean[:, :, None], labels, groups)
            ),
        )
    return Fits(stacks, gate, best, masked.top_k)


def _scale(calibration: Stack) -> float:
    """Return what calibration multiplies scores by; 1 if that would turn their order round."""
    weight = float(calibration.weights[0])
    return weight if weight > 0 else 1.0


def features_of(arm: Arm, answers: Answers, best_head: str) -> Features:
    """Return the features of an arm's stack, ``(N, C, K)``.

    Args:
        arm: a row of the table.
        answers: the scores of the clips.
        best_head: what the arm's head is if it names none.
    """
    return answers.features(
        arm.features, noise=arm.noise, another=arm.another, head=arm.head or best_head
    )


def shown_columns(arm: Arm, scores: NDArray[np.float32], answers: Answers) -> NDArray[np.int64]:
    """Return the column of the noise that gave each clip's predicted class, ``(N,)``.

    A class whose part was not computed is scored by the mean of the others: then it is the column
    of the best class that has one.

    Args:
        arm: a row of the table.
        scores: ``(N, C)`` of its stack.
        answers: the scores that it was made of.
    """
    if "true" in arm.features:
        return answers.labels
    if not {"own", "mean"} & set(arm.features):
        return np.zeros(len(scores), np.int64)
    computed = answers.parts(arm.noise, another=arm.another).computed
    best: NDArray[np.int64] = np.where(computed, scores, -np.inf).argmax(axis=1)
    return answers.partner[best] if arm.another else best
