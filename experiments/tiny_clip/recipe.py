"""The settings of a training run."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from clip_har.core.settings import Settings

CONFIGS = Path(__file__).resolve().parent / "conf"
"""Hydra's tree of the training; it finds groups in the suite's own, too."""

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class Recipe(Settings):
    """How the tiny CLIP is trained.

    Attributes:
        seed: of weights, order and augmentation; the data's seed is ``data_seed``.
        data_seed: of the rendered clips.
        clips: training clips.
        scene_bias: share of them that is set in the class's own scene.
        val_clips: clips of each validation set.
        test_clips: clips of each test set.
        steps: optimiser steps.
        batch: clips in a step.
        frames: frames of each clip in a step, averaged as in evaluation.
        learning_rate: at its highest.
        warmup: share of the steps over which it rises; it then falls along a cosine.
        weight_decay: of matrices; vectors have none.
        studio_first: share of clips that are shown in front of a plain colour at the start.
        studio_last: the same at the end.
        studio_from: share of the steps until which ``studio_first`` is kept.
        studio_until: share of the steps after which ``studio_last`` is reached.
        occlusion: share of clips of which random patches are painted black.
        occlusion_most: the largest share of a frame that is painted; the smallest is 0.
        map_weight: weight of the loss that predicts where person, object and background are.
        class_prompts: whether each step also uses the prompts of all classes.
        multi_positive: whether all captions that are true of a clip count, or only its own.
        sincos_positions: how patch positions start, see
        `experiments.tiny_clip.network.make_network`.
        wide_start: how all other weights start, see there.
    """

    seed: int = Field(default=0, ge=0)
    data_seed: int = Field(default=0, ge=0)
    clips: Count = 4000
    scene_bias: Share = 0.85
    val_clips: Count = 400
    test_clips: Count = 1200
    steps: Count = 2000
    batch: Count = 64
    frames: Annotated[int, Field(ge=1, le=8)] = 1
    learning_rate: float = Field(default=1.5e-3, gt=0)
    warmup: Share = 0.08
    weight_decay: float = Field(default=0.05, ge=0)
    studio_first: Share = 1.0
    studio_last: Share = 0.4
    studio_from: Share = 0.25
    studio_until: Share = 0.55
    occlusion: Share = 0.1
    occlusion_most: Share = 0.2
    map_weight: float = Field(default=1.0, ge=0)
    class_prompts: bool = True
    multi_positive: bool = True
    sincos_positions: bool = True
    wide_start: bool = True
