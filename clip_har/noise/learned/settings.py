"""The options of learned noise, one class each; what they share is in `base`."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role
from clip_har.noise.learned.arms import LIFT, Arm, nested_arms, parts_needed, passes_under
from clip_har.noise.learned.base import FitMasking, Learned, LearnedPixels
from clip_har.noise.learned.learning_settings import (
    BETWEEN_CLASSES,
    Count,
    GreyLevels,
    LossWeights,
    Share,
)
from clip_har.noise.learned.per_class import PerClass
from clip_har.noise.learned.protocols import LIFTS, Protocol, derangement
from clip_har.noise.none import NoNoise
from clip_har.noise.variants import SECOND, SHUFFLED_LABELS, UNIVERSAL, ChooseColumns, Scores

if TYPE_CHECKING:
    from clip_har.data.frames.store import FrameStore
    from clip_har.models.zero_shot import Classifier
    from clip_har.noise.contract import CellNoise
    from clip_har.noise.settings import LearningCell, OpenFrames

Placebo = Literal["another_class", "random", "shuffled_labels"]
"""Parts per class that must not help as much as the learned ones."""


class _Option(Learned):
    """What every option does: it learns its noise."""

    def twin(self) -> Learned | None:
        """Return its universal twin, see `universal_twin`."""
        return universal_twin(self)

    def unlearned(self) -> NoNoise:
        """Return no noise."""
        return NoNoise()

    def identity(self, cell: "LearningCell") -> str:
        """Return a digest of all that decides the noise and its controls, settings included.

        It is fast if the clips are there, because it is called before a sweep starts.

        Raises:
            ClipHarError: when there are no clips to learn from, or there is no such file.
        """
        from clip_har.noise.learned.identity import learned_from

        return learned_from(self, cell)

    def open(
        self,
        cell: "LearningCell",
        frames: "FrameStore",
        classifier: "Classifier",
        open_frames: "OpenFrames",
    ) -> "CellNoise":
        """Return the noise with its controls; learn it first if that was not done yet.

        Raises:
            ClipHarError: as `clip_har.noise.learned.cell_noise.open_learned`.
        """
        from clip_har.noise.learned.cell_noise import open_learned

        return open_learned(self, cell, frames, classifier, open_frames)


def universal_twin(noise: Learned) -> "UniversalNoise":
    """Return one noise for all classes with the same budget, clips, masks, steps and frames."""
    return UniversalNoise(**_without_classes(noise), **noise.twin_budget())


def _without_classes(noise: Learned) -> dict[str, Any]:
    """Return the settings, but for budgets, of noise for all classes beside noise per class.

    Its loss has the same terms without those between classes, scaled so that the largest weight is
    1. The scale changes neither Adam nor sign steps. So losses of one sweep that differ only in the
    terms between classes share one such noise.
    """
    other = {"loss", "controls", "file", "attention_clips", "epsilon"}
    shared = set(UniversalNoise.model_fields) - other
    given = {key: getattr(noise, key) for key in shared if hasattr(noise, key)}
    weights = {
        name: weight for name, weight in noise.loss.given().items() if name not in BETWEEN_CLASSES
    }
    if weights:
        largest = max(weights.values())
        given["loss"] = LossWeights(**{name: value / largest for name, value in weights.items()})
    return given


def _base(noise: "NestedNoise | SecondNoise") -> "UniversalNoise":
    """Return the noise for all classes that is learned first."""
    first = UniversalNoise(**_without_classes(noise), epsilon=noise.epsilon)
    if noise.base_steps is None:
        return first
    learning = first.learning.model_copy(update={"steps": noise.base_steps})
    return first.model_copy(update={"learning": learning})


class UniversalNoise(LearnedPixels, _Option):
    """One δ for all clips (Moosavi-Dezfooli et al. 2017, here to help instead of to harm)."""

    def twin(self) -> None:
        """Return None: it is one noise for all classes itself."""


class BorderNoise(LearnedPixels, _Option):
    """One learned frame around all clips (visual prompting, Bahng et al. 2022).

    Attributes:
        width: of the border, pixels.
    """

    epsilon: GreyLevels = 255.0
    width: Count = 8

    def twin(self) -> None:
        """Return None: it is one noise for all classes itself."""

    @property
    def border(self) -> int | None:
        """Width of the border, pixels."""
        return self.width


class ClassSpecificNoise(PerClass, LearnedPixels, _Option):
    """One δ per class: δ_c (arXiv 2507.18675)."""

    def frames_in_step(self, classes: int) -> int:
        """Return fewer frames: each passes through the model under several classes' noise."""
        return max(self.learning.batch // (1 + self.wrong_classes(classes)), 1)

    def budgets(self) -> dict[str, float]:
        """Return the budget of each class's own noise."""
        return {"own": self.epsilon}


class ResidualNoise(ClassSpecificNoise):
    """δ_c = noise for all classes + smaller noise per class, each within its own budget.

    Attributes:
        epsilon: budget of the noise for all classes.
        epsilon_class: budget of the noise per class, in the same units.
    """

    epsilon_class: GreyLevels = 4.0

    def budgets(self) -> dict[str, float]:
        """Return the budgets of the two tensors."""
        return {"shared": self.epsilon, "own": self.epsilon_class}

    def twin_budget(self) -> dict[str, float]:
        """Return the sum of the two budgets."""
        return {"epsilon": min(self.epsilon + self.epsilon_class, 255.0)}


class NestedNoise(PerClass, LearnedPixels, _Option):
    """A part per class on noise for all classes that is learned first and then does not change.

    Attributes:
        epsilon: budget of the noise for all classes.
        base_steps: steps in which the noise for all classes is learned; None for as many as the
            part per class, ``learning.steps``.
        epsilon_class: budget of the part per class, in the same units.
        rank: number of patterns that the parts of all classes are sums of; None for a free part of
            each class.
        protocol: how predictions are made without the label; ``lift`` weighs the scores with and
            without each noise, and fits the few weights on held clips.
        gate: also leave clips as they are of which the model is sure without noise.
        fit_masking: masks of the held clips: ``none``, those of training, or the cell's own.
        held_share: share of the training groups that no noise is learned from nor validated on;
            the weights of the scores are fitted on their clips.
        placebos: parts that must not help as much: those of another class, random ones, or parts
            that are learned from shuffled labels; used with ``controls`` alone.
        baselines: also fit classifiers on frozen embeddings of the same clips, with ``controls``.
        shuffled_labels: learn the part per class from shuffled labels: the placebo itself.
    """

    protocols: ClassVar[tuple[Protocol, ...]] = LIFTS

    base_steps: Count | None = None
    epsilon_class: GreyLevels = 4.0
    rank: Count | None = None
    protocol: Annotated[Protocol, Role.USE] = "lift"
    gate: Annotated[bool, Role.USE] = True
    fit_masking: Annotated[FitMasking, Role.USE] = "train"
    held_share: Share = 0.25
    placebos: Annotated[tuple[Placebo, ...], Role.USE] = (
        "another_class",
        "random",
        "shuffled_labels",
    )
    baselines: Annotated[bool, Role.USE] = True
    shuffled_labels: bool = False

    @model_validator(mode="after")
    def _others_to_compare_with(self) -> Self:
        if self.protocol == "lift_topk" and self.top_k < 2:
            raise ValueError(
                "protocol=lift_topk compares parts: expected noise.top_k of at least 2, got"
                f" {self.top_k}"
            )
        return self

    def budgets(self) -> dict[str, float]:
        """Return the budget of the part per class."""
        return {"own": self.epsilon_class}

    @property
    def patterns(self) -> int | None:
        """Number of patterns that the parts are sums of; None for a free part each."""
        return self.rank

    @property
    def learns_shuffled_labels(self) -> bool:
        """Whether the labels of its training clips are shuffled: a placebo."""
        return self.shuffled_labels

    @property
    def headline(self) -> str:
        """The name of the variant that the cell's own numbers are computed from."""
        return LIFT

    @property
    def fits_under(self) -> FitMasking:
        """Masks of the clips that the weights of scores are fitted on."""
        return self.fit_masking

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The variants whose scores are weighed, with weights that are fitted on held clips."""
        return nested_arms(
            gate=self.gate,
            controls=self.controls,
            placebos=self.placebos,
            baselines=self.baselines,
        )

    @property
    def used_parts(self) -> int | None:
        """The classes, the best without noise, whose parts weighed scores use; None for all."""
        return self.top_k if self.protocol == "lift_topk" else None

    @property
    def plain_variants(self) -> tuple[str, ...]:
        """The names of other uses of the same noise, as its controls."""
        if not self.controls:
            return ()
        # ``candidate`` needs the parts of all classes.
        others = ("topk", "predicted") if self.used_parts else ("candidate", "topk", "predicted")
        return (*others, UNIVERSAL)

    def used_columns(
        self,
        clean: Scores,
        scores: Scores,
        labels: NDArray[np.int64],  # noqa: ARG002
    ) -> NDArray[np.int64]:
        """Return the class whose part each clip's prediction was made under, ``(N,)``."""
        from clip_har.noise.learned.lift import computed_parts  # imports scikit-learn

        computed = computed_parts(clean, self.used_parts)
        best: NDArray[np.int64] = np.where(computed, scores, -np.inf).argmax(axis=1)
        return best

    def passes(self, classes: int) -> int:
        """Return how often each frame of a clip passes through the model, for C classes.

        Once without noise, once under the noise for all classes and, as controls need, the second
        one; then under each part that is used.
        """
        needed = set().union(*(arm.noises for arm in self.arms))
        return 1 + sum(passes_under(one, self.arms, classes, self.used_parts) for one in needed)

    def columns_needed(self, labels: NDArray[np.int64]) -> ChooseColumns | None:
        """Return the columns that the stacks need; None for all columns."""
        if self.used_parts is None:
            return None
        top_k, arms = self.used_parts, self.arms

        def choose(noise: str, clean: Scores, rows: slice) -> NDArray[np.int64]:
            from clip_har.noise.learned.lift import columns_needed  # imports scikit-learn

            return columns_needed(
                parts_needed(arms, noise),
                clean,
                labels=labels[rows],
                partner=derangement(clean.shape[1], seed=self.seed),
                top_k=top_k,
            )

        return choose

    def base(self) -> UniversalNoise:
        """Return the noise for all classes that the parts are learned on top of."""
        return _base(self)

    def twin(self) -> "SecondNoise":
        """Return a second noise for all classes in place of the part per class."""
        return SecondNoise(
            **_without_classes(self),
            epsilon=self.epsilon,
            base_steps=self.base_steps,
            epsilon_second=self.epsilon_class,
            wrong=self.wrong,
        )

    def placebo(self) -> "NestedNoise":
        """Return the same noise, learned from shuffled labels."""
        return self.model_copy(update={"shuffled_labels": True, "file": None})

    def beside(self) -> dict[str, Learned]:
        """Return the other noise that a cell learns, as controls, by its name in tables."""
        if not self.controls:
            return {}
        found: dict[str, Learned] = {SECOND: self.twin()}
        if "shuffled_labels" in self.placebos:
            found[SHUFFLED_LABELS] = self.placebo()
        return found

    def check(self, cell: "LearningCell") -> None:
        """Check that the rest of the cell provides what the noise needs, see `Learned.check`."""
        if self.file is not None and self.controls:
            raise ClipHarError(
                "noise.file: the controls of nested noise would lie on other noise for all classes"
                " than that of the file: add noise.controls=false, or leave out noise.file"
            )
        super().check(cell)


class SecondNoise(LearnedPixels, _Option):
    """A second noise for all classes, learned as `NestedNoise` learns the part per class.

    It has the same budget, steps and passes through the model: equal effort without a part per
    class. Each pass shows another frame, where the part per class sees a frame under several
    classes' noise.

    Attributes:
        epsilon: budget of the first noise, which does not change.
        base_steps: steps of the first noise; None for ``learning.steps``.
        epsilon_second: budget of the second noise, in the same units.
        wrong: of the noise that it stands in for, see `PerClass`.
    """

    base_steps: Count | None = None
    epsilon_second: GreyLevels = 4.0
    wrong: Count = 3

    def budgets(self) -> dict[str, float]:
        """Return the budget of the second noise."""
        return {"shared": self.epsilon_second}

    def base(self) -> UniversalNoise:
        """Return the first noise."""
        return _base(self)

    def frames_in_step(self, classes: int) -> int:
        """Return as many frames as pass in a step of the part per class under all noise."""
        return self.learning.batch * (1 + min(self.wrong, classes - 1))

    def twin(self) -> None:
        """Return None: it is one noise for all classes itself."""


class EmbeddingNoise(PerClass, _Option):
    """A shift per class in feature space: a frame is embedded once, and scored C times.

    Attributes:
        epsilon: largest L2 length of a shift; embeddings have length 1.
    """

    changes_pixels: ClassVar[bool] = False

    epsilon: Annotated[float, Field(gt=0, le=2)] = 0.3

    def budgets(self) -> dict[str, float]:
        """Return the largest length of a shift."""
        return {"own": self.epsilon}

    def check(self, cell: "LearningCell") -> None:
        """Check that the rest of the cell provides what the noise needs, see `Learned.check`."""
        if self.loss.attention > 0:
            raise ClipHarError(
                "noise.loss.attention: noise in feature space changes no pixel that attention"
                " could move to; use noise=class_specific, or set it to 0"
            )
        super().check(cell)
