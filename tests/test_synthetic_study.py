"""The tiny model on rendered data: what was planted is found."""

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from clip_har.config.cell import register_schema
from clip_har.config.compose import CONFIG_DIR, cell_from_config
from clip_har.engine.evaluate import evaluate
from clip_har.metrics.accuracy import top_k
from clip_har.metrics.scene import SceneTables, scene_measures
from clip_har.metrics.summary import summarise
from clip_har.results.score_table import ScoreTable

CLIPS = 120


def scored(*overrides: str) -> ScoreTable:
    register_schema()
    fixed = [f"dataset.count={CLIPS}", "frames.count=4", "tracking=none"]
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        cell = cell_from_config(compose("config", overrides=[*fixed, *overrides]))
    return evaluate(cell, cell.dataset.clips()).table


def top1(table: ScoreTable) -> float:
    return top_k(table.labels, table.scores, 1)


@pytest.fixture(scope="module")
def biased() -> ScoreTable:
    return scored()


@pytest.mark.slow
def test_accuracy_rises_with_the_planted_bias(biased: ScoreTable) -> None:
    even = top1(scored("dataset.scene_bias=0.05"))
    half = top1(scored("dataset.scene_bias=0.5"))
    assert even + 0.05 < half
    assert half + 0.05 < top1(biased)
    assert even > 0.4, "the model sees the action, not only the scene"


@pytest.mark.slow
def test_the_scene_alone_names_the_class_and_the_person_alone_does_less_harm(
    biased: ScoreTable,
) -> None:
    background = top1(scored("dataset.variant=background"))
    person = top1(scored("dataset.variant=person"))
    assert background > 2 / 20, "the scene gives the class away (chance is 1/20)"
    assert person > 0.5
    assert max(background, person) <= top1(biased) + 0.05


@pytest.mark.slow
def test_a_mask_on_the_subject_is_aimed_with_exact_maps(biased: ScoreTable) -> None:
    at = ("masking=shape", "ratio=0.3", "region=annotation", "dataset.scene_bias=0.05")
    aimed = scored(*at, "masking.place=subject")
    away = scored(*at, "masking.place=corner")
    assert aimed.subject_found.all()
    assert np.mean(aimed.subject_hidden) > 2 * np.mean(away.subject_hidden)
    assert top1(aimed) < top1(away)
    np.testing.assert_allclose(aimed.mask_ratio, away.mask_ratio)


@pytest.mark.slow
def test_more_hidden_is_less_seen(biased: ScoreTable) -> None:
    falling = [top1(biased)]
    falling += [top1(scored("masking=shape", f"ratio={r}")) for r in (0.3, 0.5, 0.8)]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] < falling[0] - 0.3


def scene_numbers(bias: float) -> dict[str, float]:
    at = ("region=annotation", f"dataset.scene_bias={bias}")
    ways = {"clean": "none", "background_only": "background_only", "swap": "swap"}
    tables = {way: scored(*at, f"masking={mask}") for way, mask in ways.items()}
    rows = scene_measures(SceneTables(**tables))
    return dict(zip(rows["measure"].str.removeprefix("scene/"), rows["value"], strict=True))


@pytest.mark.slow
def test_the_tiny_model_lies_between_and_moves_with_the_planted_bias() -> None:
    even, biased = scene_numbers(0.05), scene_numbers(0.9)
    chance = 1 / 20
    for found in (even, biased):
        assert chance + 0.1 < found["swap_accuracy"] < 0.95
        assert found["swap_error"] < 0.9
    # a background tells its clip's class only where classes are set in their own scenes
    assert biased["swap_error"] > even["swap_error"] + 0.05
    assert biased["background_only"] > even["background_only"] + 0.05
    assert even["swap_error"] == pytest.approx(chance, abs=0.06)


@pytest.mark.slow
def test_clips_outside_their_usual_scene_fare_worse_unless_the_scene_is_hidden() -> None:
    at = ("dataset.count=300", "dataset.scene_bias=0.5", "region=annotation")
    gap, gap_without_scene = (
        summarise(scored(*at, f"masking={masking}"))["bias/usual_scene/accuracy_difference"]
        for masking in ("none", "person_only")
    )
    assert gap > 0.25
    assert gap_without_scene < gap / 2, "two halves of one kind of clip differ by chance alone"
