"""What makes another cell by way of its controls, and of regions on the training clips."""

from pathlib import Path

import numpy as np
import pytest

from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.identity import described_region, described_stacks
from clip_har.noise.learned.settings import (
    BorderNoise,
    ClassSpecificNoise,
    EmbeddingNoise,
    ResidualNoise,
    UniversalNoise,
)
from tests.data.made import write_video
from tests.noise.cells import cell_of, identity, learned_of

pytestmark = pytest.mark.usefixtures("no_kept_clips")


@pytest.fixture
def base(tmp_path: Path, small_clip: Path) -> list[str]:
    """Four clips to learn from, two to evaluate, and a map for each."""
    lines = ["path,label,group,split"]
    for number in range(6):
        write_video(tmp_path / f"{number}.mp4", 8 + number)
        part = "train" if number < 4 else "test"
        lines.append(f"{number}.mp4,{'run' if number % 2 else 'jump'},g{number},{part}")
        write_map(tmp_path / f"{number}.npz", frames=8 + number, side=20)
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [
        "dataset=manifest",
        f"dataset.path={tmp_path / 'clips.csv'}",
        "dataset.subset=test",
        "model=clip",
        f"model.checkpoint={small_clip}",
    ]


def write_map(path: Path, *, frames: int, side: int) -> None:
    labels = np.zeros((frames, 64, 96), np.uint8)
    labels[:, :side, :side] = 1
    np.savez_compressed(path, labels=labels)


@pytest.mark.parametrize(
    ("noise", "expected"),
    [
        (UniversalNoise(), False),
        (BorderNoise(), False),
        (ClassSpecificNoise(), True),
        (ResidualNoise(), True),
        (EmbeddingNoise(), True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Learned) else "",
)
def test_noise_for_all_classes_is_not_compared_with_its_like(noise, expected):
    assert (noise.twin() is not None) == expected


def calibration(*overrides: str) -> object:
    cell = cell_of(*overrides)
    return described_stacks(learned_of(cell), cell)


@pytest.mark.parametrize(
    "change",
    [
        "noise=universal",
        "noise=embedding",
        "noise.epsilon=3",
        "noise.loss.bias=0.1",
        "noise.protocol=oracle",
        "learning.steps=2",
        "learning.optimiser=sign",
        "masking=percent",
    ],
)
def test_one_calibration_serves_all_noise_of_a_sweep(base, change):
    first = [] if change.startswith("noise=") else ["noise=class_specific"]
    assert calibration(*base, *first, change) == calibration(*base, "noise=class_specific")


@pytest.mark.parametrize(
    "change",
    [
        "train_masking=[none]",
        "train_ratios=[0.2]",
        "noise_seed=1",
        "learning.validation_share=0.4",
        "learning.train_clips=3",
        "frames.count=4",
        "prompts=bare",
        "precision=bf16",
    ],
)
def test_what_shapes_the_calibration_is_another(base, change):
    noise = [*base, "noise=class_specific"]
    assert calibration(*noise, change) != calibration(*noise)


def test_regions_of_training_clips_count_where_noise_is_learned_by_them(base, tmp_path):
    aimed = ["region=annotation", f"region.maps={tmp_path}", "noise=universal"]
    attentive = [*base, *aimed, "noise.loss.attention=1", "noise.controls=false"]
    plain = [*base, *aimed, "noise.controls=false"]
    before = identity(cell_of(*attentive)), identity(cell_of(*plain))
    write_map(tmp_path / "2.npz", frames=10, side=30)  # of the training split
    described_region.cache_clear()  # a process keeps it
    assert identity(cell_of(*attentive)) != before[0]
    assert identity(cell_of(*plain)) == before[1]


def test_noise_of_a_file_is_evaluated_beside_controls_that_are_learned(base, tmp_path):
    path = tmp_path / "noise.safetensors"
    path.write_bytes(b"noise")
    given = [*base, "noise=class_specific", f"noise.file={path}"]
    universal = [*base, "noise=universal", f"noise.file={path}"]
    # The calibration knows the masks, the universal twin also the budget.
    masks, budget = "train_ratios=[0.2]", "noise.epsilon=3"
    assert identity(cell_of(*universal, masks)) != identity(cell_of(*universal))
    assert identity(cell_of(*universal, budget)) == identity(cell_of(*universal))
    assert identity(cell_of(*given, budget)) != identity(cell_of(*given))
    alone = [*given, "noise.controls=false"]
    assert identity(cell_of(*alone, masks, budget)) == identity(cell_of(*alone))
