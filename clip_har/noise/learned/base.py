"""What all learned noise has in common: its settings, and the variants that it is shown in."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role
from clip_har.models.source import NO_ATTRIBUTION
from clip_har.noise.learned.arms import BY_NAME, Arm
from clip_har.noise.learned.learning_settings import (
    BETWEEN_CLASSES,
    Count,
    GreyLevels,
    LearningSettings,
    LossWeights,
    Ratio,
)
from clip_har.noise.settings import LearningCell, NoiseSettings
from clip_har.noise.variants import (
    CALIBRATION,
    LEARNED,
    RANDOM,
    UNIVERSAL,
    ChooseColumns,
    Scores,
    Variant,
    first_column,
)
from clip_har.noise.where import Where
from clip_har.regions.source import PERSON, SUBJECT

TrainMask = Literal["none", "percent", "shape", "feature", "isolation", "same"]
FitMasking = Literal["none", "train", "same"]
"""Masks of the clips that the weights of scores are fitted on: none, those of training, or the
cell's own."""
TrainMasks = Annotated[tuple[TrainMask, ...], Field(min_length=1)]
TrainRatios = Annotated[tuple[Ratio, ...], Field(min_length=1)]


class Learned(NoiseSettings):
    """What all learned noise has in common; the options say what is learned.

    Attributes:
        loss: weights of the terms of the loss.
        train_masking: masks of the training clips, in equal shares. ``feature`` and ``isolation``
            are aimed at the subject and need a region source; ``same`` is the cell's own mask with
            its fill, so that each mask has its own noise; the others have a black fill.
        train_ratios: hidden shares of these masks, in equal shares.
        learning: how it is learned.
        controls: also evaluate the controls, and for noise per class the other protocols, see
            `clip_har.noise.learned.controls`; without them a cell needs only the forward passes of
            its own protocol.
        attention_clips: number of clips on which attention is measured, evenly spread; 0 for none.
        held_share: share of the training groups that noise is neither learned from nor validated
            on, see `TrainingClips.held`.
        file: use this noise instead of learning: the ``noise.safetensors`` of another run.
        seed: of the starting values, the batches and the masks in training.
    """

    is_learned: ClassVar[bool] = True
    per_class: ClassVar[bool] = False
    """Whether there is one noise for each class."""
    changes_pixels: ClassVar[bool] = True
    """Whether it is added to pixels, not in feature space."""

    loss: LossWeights = LossWeights(cross_entropy=1.0)
    train_masking: TrainMasks = ("none", "percent", "shape")
    train_ratios: TrainRatios = (0.1, 0.3, 0.5)
    learning: LearningSettings = LearningSettings()
    controls: Annotated[bool, Role.USE] = True
    attention_clips: Annotated[int, Field(ge=0), Role.USE] = 64
    held_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    file: Annotated[Path | None, Role.CONTENT] = None
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _something_to_learn_from(self) -> Self:
        if not self.weights():
            between = "" if self.per_class else f" other than {' and '.join(BETWEEN_CLASSES)}"
            raise ValueError(f"loss: expected at least one term with a weight above 0{between}")
        return self

    @model_validator(mode="after")
    def _something_is_left(self) -> Self:
        taken = self.held_share + self.learning.validation_share
        if taken >= 1:
            raise ValueError(
                f"held_share + learning.validation_share: expected less than 1, got {taken:g}:"
                " no group is left to learn from"
            )
        return self

    def weights(self) -> dict[str, float]:
        """Return the weights above 0 of the terms that this noise can use.

        Noise that is one for all classes ignores the terms between classes, so that a sweep can set
        one loss for several kinds of noise.
        """
        given = self.loss.given()
        left_out = () if self.per_class else BETWEEN_CLASSES
        return {name: weight for name, weight in given.items() if name not in left_out}

    def wrong_classes(self, classes: int) -> int:  # noqa: ARG002
        """Return the number of wrong classes whose noise each training frame gets, of C classes."""
        return 0

    def frames_in_step(self, classes: int) -> int:  # noqa: ARG002
        """Return the number of training frames in a step, for noise of C classes."""
        return self.learning.batch

    def frames_at_once(self, classes: int) -> int:
        """Return the number of these that pass through the model together.

        Each passes once under its own class's noise and once under that of each wrong class, so
        that ``learning.at_once`` frames with noise are in memory at once. In feature space a frame
        passes once for all classes.
        """
        views = 1 + self.wrong_classes(classes) if self.changes_pixels else 1
        return max((self.learning.at_once or self.learning.batch) // views, 1)

    @abstractmethod
    def budgets(self) -> dict[str, float]:
        """Return the budgets of its learned parts: ``shared`` by all classes, ``own`` of each."""

    def base(self) -> "Learned | None":
        """Return the noise that is learned first, and then frozen under this; None without such."""
        return None

    @property
    def learns_shuffled_labels(self) -> bool:
        """Whether the labels of its training clips are shuffled: a placebo."""
        return False

    def beside(self) -> "dict[str, Learned]":
        """Return the other noise that a cell learns, as controls, by its name in tables."""
        twin = self.twin() if self.controls else None
        return {} if twin is None else {UNIVERSAL: twin}

    @abstractmethod
    def twin(self) -> "Learned | None":
        """Return noise for all classes as a control of it; None if it is such noise itself."""

    def twin_budget(self) -> dict[str, float]:
        """Return the budget setting of its universal twin; empty for the twin's default."""
        return {}

    @property
    def own_attention_clips(self) -> int:
        """Clips on which attention is measured; noise in feature space changes no attention."""
        return self.attention_clips if self.changes_pixels else 0

    @property
    def headline(self) -> str:
        """The name of the variant that the cell's own numbers are computed from."""
        return LEARNED

    @property
    def fits_under(self) -> FitMasking:
        """Masks of the clips that the weights of scores are fitted on."""
        return "train"

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The variants whose scores are weighed, with weights that are fitted on held clips."""
        return (BY_NAME[CALIBRATION],) if self.controls else ()

    @property
    def used_parts(self) -> int | None:
        """The classes, the best without noise, whose parts weighed scores use; None for all."""
        return None

    @property
    def plain_variants(self) -> tuple[str, ...]:
        """The names of the variants whose scores are used as they are, besides no noise."""
        return (LEARNED, RANDOM) if self.controls else (LEARNED,)

    def passes(self, classes: int) -> int:  # noqa: ARG002
        """Return how often each frame of a clip passes through the model, for C classes.

        Once without noise, once with it, and once with random noise as a control.
        """
        return 3 if self.controls else 2

    def columns_needed(self, labels: NDArray[np.int64]) -> ChooseColumns | None:  # noqa: ARG002
        """Return which columns clips must be shown under; None for all, here the only one.

        Args:
            labels: ``(N,)``, the true classes of the evaluated clips.
        """
        return None

    def variants(
        self,
        clean: Scores,  # noqa: ARG002
        noisy: Mapping[str, Scores],
        labels: NDArray[np.int64],  # noqa: ARG002
    ) -> dict[str, Variant]:
        """Return `plain_variants`: those of the noise and of its controls that add noise.

        Args:
            clean: ``(N, C)`` scores without noise.
            noisy: ``(N, K, C)`` scores by noise.
            labels: ``(N,)``, the true classes; only ``oracle`` uses them.
        """
        return {name: first_column(noisy[name][:, 0], name) for name in self.plain_variants}

    def used_columns(
        self,
        clean: Scores,  # noqa: ARG002
        scores: Scores,
        labels: NDArray[np.int64],  # noqa: ARG002
    ) -> NDArray[np.int64]:
        """Return the column of the noise that gave each clip's predicted class, ``(N,)``.

        Args:
            clean: ``(N, C)`` scores without noise.
            scores: ``(N, C)`` of the headline.
            labels: ``(N,)``, the true classes; only ``oracle`` uses them.
        """
        return np.zeros(len(scores), np.int64)

    @property
    def needs_region(self) -> bool:
        """Whether it can only be learned with a region source."""
        return self.loss.attention > 0 or bool({"feature", "isolation"} & set(self.train_masking))

    def check(self, cell: LearningCell) -> None:
        """Check that the rest of the cell provides what the noise needs.

        Args:
            cell: the checked settings.

        Raises:
            ClipHarError: when the model, the region source or the cell's mask does not fit.
        """
        if not cell.model.single_frames:
            raise ClipHarError(
                "noise: noise is learned on single frames, and the model takes whole clips; use"
                " noise=none, gaussian, uniform or salt_pepper, or a model of single frames, such"
                " as a CLIP"
            )
        if self.loss.attention > 0 and not cell.model.gives_attribution:
            raise ClipHarError(f"noise.loss.attention: {NO_ATTRIBUTION}; set it to 0")
        if self.needs_region and not cell.region.finds_regions:
            raise ClipHarError(
                "noise.loss.attention, and feature or isolation in noise.train_masking, must know"
                " where the subject is, which region=none does not tell: use region=auto"
            )
        if "same" in self.train_masking:
            _check_same_mask(cell, "train_masking=same learns noise")
        if self.fits_under == "same":
            _check_same_mask(cell, "noise.fit_masking=same fits the weights of scores")
        if self.needs_region and cell.region.uses_label(SUBJECT):
            raise ClipHarError(
                "noise.train_masking, noise.loss.attention: a subject found by the true label"
                " (region.attribution=label) would teach the label; use another region source"
            )


class LearnedPixels(Learned):
    """What learned noise that is added to pixels has in common.

    Attributes:
        epsilon: budget of δ. With ``norm=linf`` the largest change of a pixel in grey levels; with
            ``norm=l2`` the root mean square change over the pixels of a frame in grey levels, so
            that both mean the same at every frame size.
        norm: ``linf`` or ``l2``.
        resolution: side of the grid that δ is learned on, spread bilinearly over the frame; None
            for one value per pixel.
        static: one δ for all frames, or one for each frame of a clip.
        where: see `clip_har.noise.where.Where`.
    """

    epsilon: GreyLevels = 16.0
    norm: Literal["linf", "l2"] = "linf"
    resolution: Count | None = None
    static: bool = True
    where: Where = "everywhere"

    @property
    def border(self) -> int | None:
        """Width of the border that it is confined to, pixels; None for the whole frame."""
        return None

    @property
    def patterns(self) -> int | None:
        """Number of patterns that the parts per class are sums of; None for a free part each."""
        return None

    def budgets(self) -> dict[str, float]:
        """Return the budget of the tensor that all classes share."""
        return {"shared": self.epsilon}

    def twin_budget(self) -> dict[str, float]:
        """Return the same budget."""
        return {"epsilon": self.epsilon}

    def check(self, cell: LearningCell) -> None:
        """Check that the rest of the cell provides what the noise needs, see `Learned.check`."""
        super().check(cell)
        if not self.static and cell.frames.sampler not in ("uniform", "middle"):
            raise ClipHarError(
                f"noise.static=false learns noise for each frame of a clip, and frames.sampler="
                f"{cell.frames.sampler} takes as many as a clip has: use frames.sampler=uniform"
            )


def _check_same_mask(cell: LearningCell, what: str) -> None:
    """Raise if training clips cannot be shown under the cell's mask.

    Args:
        cell: the checked settings.
        what: the setting that asks for it, and what it does, for messages.
    """
    setting = what.split()[0]
    if cell.masking.swaps_scene or cell.masking.feature not in (None, PERSON, SUBJECT):
        raise ClipHarError(
            f"{what} under the cell's own mask, which must not be a swap nor be aimed at anything"
            " but the subject: name masks, such as train_masking=[none,percent], or use"
            " noise.fit_masking=train"
        )
    if cell.masking.feature is None:
        return
    if not cell.region.finds_regions:
        raise ClipHarError(f"{setting}: the mask needs a region source: use region=auto")
    if cell.region.uses_label(SUBJECT):
        raise ClipHarError(
            f"{setting}: a subject found by the true label (region.attribution=label) would"
            " teach the label; use another region source"
        )
