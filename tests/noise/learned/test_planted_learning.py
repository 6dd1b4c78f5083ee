"""Noise that is learned of a model of which it is known what each noise can show."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clip_har.engine import evaluate as engine
from clip_har.engine.evaluate import evaluate
from clip_har.noise.learned.arms import LIFT, SHARED, STACKED
from clip_har.noise.variants import CALIBRATION, NONE, RANDOM, SHUFFLED, SHUFFLED_LABELS
from tests.checkpoints import SMALL, write_checkpoint
from tests.noise.cells import cell_of
from tests.noise.learned.planted import (
    BUDGET,
    COUNT,
    FIRST,
    GAIN,
    SIDE,
    gated_classifier,
    write_gated,
)

Answered = Callable[..., dict[str, float]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with clips to learn from and to evaluate, and a checkpoint of their size."""
    folder = tmp_path_factory.mktemp("gated")
    write_gated(folder / "clips", subjects={"train": 16, "test": 10}, each=2)
    vision = {**SMALL["vision_config"], "image_size": SIDE, "patch_size": SIDE // 2}  # type: ignore[dict-item]
    write_checkpoint(folder / "checkpoint", {**SMALL, "vision_config": vision})
    return folder


@pytest.fixture
def top1(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Answered:
    """Learn noise, and return top-1 by variant."""

    def found(*, gain: float, **settings: object) -> dict[str, float]:
        monkeypatch.setattr(engine, "load_classifier", lambda *_: gated_classifier(gain))
        cell = cell_of(
            *("dataset=manifest", f"dataset.path={folder / 'clips' / 'clips.csv'}"),
            *("dataset.subset=test", f"frames.count={COUNT}", "masking=none"),
            *("model=clip", f"model.checkpoint={folder / 'checkpoint'}", "noise=nested"),
            *("noise.baselines=false", f"cache_dir={folder / str(gain)}"),
            *(
                "noise.train_masking=[none]",
                f"noise.epsilon={FIRST}",
                f"noise.epsilon_class={BUDGET}",
            ),
            *("learning.steps=60", "learning.batch=60", "learning.step_size=0.15"),
            *("learning.validate_every=20", "learning.patience=99", "noise.attention_clips=0"),
            *(f"{key}={value}" for key, value in settings.items()),
        )
        tables = evaluate(cell, cell.dataset.clips()).tables
        return {
            name: float((one.scores.argmax(axis=1) == one.labels).mean())
            for name, one in tables.items()
        }

    return found


@pytest.mark.slow
def test_lift_finds_what_a_class_s_pattern_opens_and_noise_for_all_classes_cannot(top1):
    found = top1(gain=GAIN, **{"noise.placebos": "[another_class,random]"})
    assert found[LIFT] > found[STACKED] + 0.25
    others = {found[name] for name in (STACKED, SHUFFLED, RANDOM, SHARED, CALIBRATION, NONE)}
    assert max(others) - min(others) < 0.08, found
    assert found["candidate"] > found[STACKED] + 0.25


@pytest.mark.long
def test_the_same_learning_finds_nothing_where_a_pattern_opens_nothing(top1):
    for seed in range(3):
        found = top1(gain=0.0, noise_seed=seed)
        names = (STACKED, SHUFFLED, RANDOM, SHUFFLED_LABELS, SHARED)
        assert max(abs(found[LIFT] - found[name]) for name in names) < 0.05, found
