"""What learning takes is counted before it is done."""

from pathlib import Path
from typing import Any

import pytest
import torch

from clip_har.noise.learned.learning_settings import LossWeights
from clip_har.noise.learned.restarts import learn_best
from clip_har.noise.learned.settings import (
    ClassSpecificNoise,
    NestedNoise,
    SecondNoise,
    UniversalNoise,
)
from clip_har.noise.learned.start import make_perturbation
from clip_har.sweeps.effort import frames_to_learn
from tests.noise.made import COUNT, planted_classifier, quick

HOW: dict[str, Any] = {"steps": 3, "batch": 8, "validate_every": 2}


@pytest.mark.parametrize(
    "noise",
    [
        UniversalNoise(learning=quick(**HOW, restarts=2)),
        ClassSpecificNoise(learning=quick(**HOW, validation_clips_per_class=1)),
        NestedNoise(learning=quick(**HOW, ema=0.5)),
        SecondNoise(learning=quick(**HOW, at_once=4), wrong=2),
        NestedNoise(learning=quick(**HOW), rank=2, loss=LossWeights(ranking=1, bias=1)),
    ],
    ids=["restarts", "few validation clips", "nested", "second", "bias, in parts"],
)
def test_as_many_frames_pass_as_were_counted(small_training, tmp_path: Path, noise):
    classifier = planted_classifier()
    passed: list[int] = []
    features = classifier.model.network.get_image_features

    def counted(pixel_values: torch.Tensor) -> Any:
        passed.append(len(pixel_values))
        return features(pixel_values=pixel_values)

    def start(restart: int) -> Any:
        return make_perturbation(
            noise,
            model=classifier.model,
            class_embeddings=classifier.class_embeddings,
            frames=COUNT,
            restart=restart,
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier.model.network, "get_image_features", counted)
        learn_best(noise, start, classifier, small_training, state=tmp_path / "noise.partial")
    validated = len(small_training.validation_clips(noise))
    assert sum(passed) == frames_to_learn(noise, 5, validated)
    assert max(passed) <= 8, "no more than learning.batch are in memory"
