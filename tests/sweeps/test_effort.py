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
from clip_har.sweeps.effort import efforts, frames_to_learn
from tests.noise.cells import cell_of, learned_of
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


NESTED = ["NestedNoise", "SecondNoise", "NestedNoise (placebo)"]


@pytest.mark.parametrize(
    ("more", "learned"),
    [
        ([], ["UniversalNoise", *NESTED]),
        (["noise.controls=false"], ["UniversalNoise", "NestedNoise"]),
        (["noise.controls=false", "noise.file=noise.safetensors"], []),
    ],
)
def test_what_others_lie_on_is_planned_once(table, small_clip: Path, tmp_path: Path, more, learned):
    path = tmp_path / "noise.safetensors"
    path.write_bytes(b"noise")
    own = [word.replace("noise.safetensors", str(path)) for word in more]
    cell = cell_of(
        "dataset=manifest",
        f"dataset.path={table}",
        "dataset.subset=test",
        f"model.checkpoint={small_clip}",
        "noise=nested",
        *own,
    )
    found = efforts(learned_of(cell), cell, lambda _: None)
    names = [one.what.replace(" learned", "") for one in found if one.with_gradient]
    assert names == learned
    assert any(one.what.startswith("held clips scored: universal") for one in found)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of clips that are not opened: 8 to learn from in 4 groups, 2 to evaluate."""
    lines = ["path,label,group,split"]
    for number in range(10):
        (tmp_path / f"{number}.mp4").write_bytes(b"")
        part = "train" if number < 8 else "test"
        lines.append(f"{number}.mp4,{'ab'[number % 2]},g{number // 2},{part}")
    path = tmp_path / "clips.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
