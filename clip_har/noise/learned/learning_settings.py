"""How noise is learned: the weights of its loss, and the settings of its steps."""

from typing import Annotated, Literal

from pydantic import Field

from clip_har.core.settings import Settings

Weight = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
GreyLevels = Annotated[float, Field(gt=0, le=255)]

BETWEEN_CLASSES = ("contrast", "ranking")
"""Terms of the loss that need the noise of several classes."""


class LossWeights(Settings):
    """Weights of the terms of the loss, see `clip_har.noise.learned.loss`; 0 leaves a term out.

    Attributes:
        cross_entropy: of the prediction for x + δ_y.
        contrast: a wrong class's δ must not move the prediction to that class.
        ranking: the true class must be best when each class is scored on its own x + δ_c.
        bias: KL of the mean prediction from the class prior, under wrong classes' δ.
        attention: share of the attribution outside the subject; needs a region source.
    """

    cross_entropy: Weight = 0.0
    contrast: Weight = 0.0
    ranking: Weight = 0.0
    bias: Weight = 0.0
    attention: Weight = 0.0

    def given(self) -> dict[str, float]:
        """Return the weights above 0 by term."""
        return {name: weight for name, weight in self.model_dump().items() if weight > 0}


class LearningSettings(Settings):
    """How noise is learned; the root key ``learning`` sets it for all learned noise of a sweep.

    Attributes:
        steps: optimiser steps.
        batch: frames that pass through the model in one step, forward and backward. Nested noise
            takes as many frames, and passes each under the noise of several classes; the second
            noise beside it takes as many others instead.
        at_once: largest number of frames with a gradient that are in memory together; None for
            ``batch``. It changes no result but by rounding.
        optimiser: ``adam``, or ``sign``: steps of equal length along the sign of the gradient
            (Madry et al. 2018); both project back into the budget.
        step_size: at the start, as a share of the budget; it falls along a cosine.
        validate_every: steps between validations.
        patience: validations without a better score before learning stops.
        validation_share: share of the training groups that are kept for validation.
        validation_clips_per_class: largest number of validation clips of each class.
        ema: decay of the exponential moving average of the noise over the steps; the average is
            validated and kept; 0 for the noise of the last step itself.
        restarts: how often it is learned, from other starting values and with other batches; the
            best one by validation is kept.
        train_clips: largest number of training clips, evenly spread; None for all.
    """

    steps: Count = 300
    batch: Count = 96
    at_once: Count | None = None
    optimiser: Literal["adam", "sign"] = "adam"
    step_size: Positive = 0.05
    validate_every: Count = 25
    patience: Count = 6
    validation_share: Share = 0.2
    validation_clips_per_class: Count = 6
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    restarts: Count = 1
    train_clips: Count | None = None
