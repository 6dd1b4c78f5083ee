"""The command that trains the tiny CLIP, for a few steps."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

from clip_har.models.clip import CLIP
from experiments.tiny_clip.card import CARD
from experiments.tiny_clip.folder import read_recipe, read_scores
from tests.conftest import REPOSITORY


def train(*overrides: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "experiments.tiny_clip.train", *overrides],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )


def test_help_lists_the_recipe() -> None:
    assert "studio_first" in train("--help").stdout


@pytest.mark.slow
def test_a_few_steps_give_a_measured_checkpoint(tmp_path: Path) -> None:
    small = ["clips=20", "val_clips=20", "steps=2", "batch=4"]
    train(
        f"output={tmp_path / 'tiny'}",
        f"results_dir={tmp_path / 'results'}",
        f"cache_dir={tmp_path / 'cache'}",
        "workers=1",
        "test=false",
        "tracking=none",
        *(f"recipe.{setting}" for setting in small),
    )
    folder = tmp_path / "tiny"
    assert CLIP(checkpoint=str(folder)).image_size() == 112
    assert read_recipe(folder)[0].steps == 2
    scores = read_scores(folder)
    assert {split for split, _ in scores} == {"val"}
    # A model that answers all clips alike has a gap of 0 without an interval.
    known = [score for score in scores.values() if not math.isnan(score.low)]
    assert len(known) >= len(scores) - 1
    assert all(score.low <= score.score <= score.high for score in known)
    assert "nan" not in (folder / CARD).read_text(encoding="utf-8")
    assert "recipe.steps=2" in (folder / CARD).read_text(encoding="utf-8")
