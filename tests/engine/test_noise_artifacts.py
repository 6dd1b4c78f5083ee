"""What a cell's noise is remembered by, whatever its classes are called."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from clip_har.data.frames.store import FrameStore
from clip_har.engine.evaluate import Evaluation
from clip_har.engine.noise_artifacts import noise_card, write_noise
from clip_har.masking.masked_clips import MaskedClips
from clip_har.metrics.noise_effect import effect_table
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.cell_noise import LearnedNoise
from clip_har.noise.learned.fits import Fits
from clip_har.noise.learned.fitted import FittedNoise, load_noise
from clip_har.noise.learned.learning_settings import LossWeights
from clip_har.noise.learned.settings import (
    BorderNoise,
    ClassSpecificNoise,
    EmbeddingNoise,
    ResidualNoise,
    UniversalNoise,
)
from clip_har.noise.variants import slug
from clip_har.results.score_table import ScoreTable
from clip_har.results.variant_scores import read_variant_scores
from tests.noise.made import COUNT, evaluated, planted_classifier, random_noise, shown
from tests.planted import CLASSES

ALWAYS = {
    "stacks.safetensors",
    "noise.safetensors",
    "card.md",
    "effect.csv",
    "classes.csv",
    "loss_curve.csv",
    "loss_curve.png",
    "variants.json",
    "clips.png",
}
ODD = ("a|b `c`\n# d", "$x_1^{2$ \\frac", "<script>&amp;", "…/../naïve été", "**[w](x)** 100%")
KINDS: list[Learned] = [
    UniversalNoise(),
    BorderNoise(width=3),
    ClassSpecificNoise(),
    ResidualNoise(controls=False),
    EmbeddingNoise(),
]


def kind(noise: Learned) -> str:
    return type(noise).__name__


def result_of(noise: Learned, masked: MaskedClips) -> Evaluation:
    classifier = planted_classifier()
    own = random_noise(noise, classifier, factor=80)
    return evaluated(noise, masked, classifier, own=own)[1]


def effects_of(found: Evaluation) -> pd.DataFrame:
    return effect_table(found.variant_scores, found.headline)


def opened_of(found: Evaluation) -> LearnedNoise:
    assert isinstance(found.noise, LearnedNoise)
    return found.noise


def fitted_of(found: Evaluation) -> FittedNoise:
    return opened_of(found).fitted


def fits_of(found: Evaluation) -> Fits:
    return opened_of(found).fits


Written = Callable[..., tuple[Path, Evaluation]]


@pytest.fixture
def written(small_frames: FrameStore, tmp_path: Path) -> Written:
    def found(noise: Learned, frames: FrameStore | None = None) -> tuple[Path, Evaluation]:
        masked = shown(frames or small_frames)
        result = result_of(noise, masked)
        folder = tmp_path / "noise"
        write_noise(folder, opened_of(result), result, effects_of(result), title="cell $1_")
        return folder, result

    return found


@pytest.mark.parametrize("noise", KINDS, ids=kind)
def test_everything_is_written(written, noise):
    folder, result = written(noise)
    names = {path.name for path in folder.iterdir()}
    tables = {f"scores_{slug(name)}.parquet" for name in result.variant_scores}
    pictures = set() if isinstance(noise, EmbeddingNoise) else {"noise.png"}
    without = set() if noise.controls else {"stacks.safetensors"}
    assert names == (ALWAYS - without) | tables | pictures
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) > 100
            assert len(set(picture.convert("L").get_flattened_data())) > 10, (
                "the picture shows something"
            )


def test_a_folder_that_is_there_is_not_written_over(written, tmp_path):
    (tmp_path / "noise").mkdir()
    with pytest.raises(FileExistsError):
        written(KINDS[0])


@pytest.mark.parametrize("noise", KINDS, ids=kind)
def test_the_noise_can_be_used_again(written, small_frames, noise):
    folder, result = written(noise)
    classifier = planted_classifier()
    found = load_noise(
        folder / "noise.safetensors",
        noise,
        classifier,
        clips=small_frames.clip_set,
        described={},
        frames=COUNT,
    )
    for name, part in fitted_of(result).perturbation.parts.items():
        assert torch.equal(found.perturbation.parts[name], part)


def test_answers_are_read_as_they_were_written(small_frames, tmp_path):
    noise = ClassSpecificNoise(protocol="oracle")
    masked = shown(small_frames)
    result = result_of(noise, masked)
    attention = np.linspace(0, 1, 30)
    attention[3] = np.nan
    inspection = replace(result.inspection, attention={"universal": {"mass": attention}})
    seen = replace(result, inspection=inspection)
    write_noise(tmp_path / "noise", opened_of(seen), seen, effects_of(seen), title="")
    headline, answers = read_variant_scores(tmp_path / "noise")
    assert headline == "oracle (leaks the label)"
    assert list(answers) == list(result.variant_scores)
    for name, found in answers.items():
        expected = result.variant_scores[name].table
        assert np.array_equal(found.table.scores, expected.scores)
        assert found.table.clip_ids == expected.clip_ids
        assert found.table.class_names == CLASSES
        assert (found.attention is None) == (name != "universal")
    read = answers["universal"].attention
    assert read is not None
    np.testing.assert_allclose(read, attention)


def test_tables_hold_what_was_found(written):
    folder, result = written(KINDS[2])
    for name, table in (
        ("effect.csv", effects_of(result)),
        ("classes.csv", result.inspection.classes),
    ):
        pd.testing.assert_frame_equal(pd.read_csv(folder / name), table, check_dtype=False)
    curve = pd.read_csv(folder / "loss_curve.csv")
    assert curve.columns.tolist() == ["step", "total", "validation"]
    expected = {"total": [np.nan, 1.0, 0.5], "validation": [-1.0, -0.6, -0.7]}
    assert curve["step"].tolist() == [0, 2, 4]
    for name, values in expected.items():
        np.testing.assert_array_equal(curve[name], values)


# The card


def card(noise: Learned, frames: FrameStore) -> tuple[str, Evaluation]:
    result = result_of(noise, shown(frames))
    effects = effects_of(result)
    fitted = fitted_of(result)
    return noise_card(
        noise, fitted.card, fitted.history, result.inspection.classes, effects, fits_of(result)
    ), result


def test_the_card_says_what_a_reader_must_know(small_frames):
    noise = ClassSpecificNoise(loss=LossWeights(ranking=1, bias=0.05), seed=7)
    text, result = card(noise, small_frames)
    flat = " ".join(text.split())
    assert text.startswith("# Learned noise: ClassSpecificNoise\n")
    for words in (
        "Learned on the training split only: planted/train, 20 clips; stopped by 10 clips",
        "Frozen model, weights digest `planted 00000000`, 5 classes",
        "Loss: ranking 1, bias 0.05. Masks in training: none, percent, shape at 0.1, 0.3, 0.5",
        "4 steps of 96 frames, kept step 2",
        "true class over candidates, at the best temperature) from -1.000 to -0.600. Seed 7.",
        "`oracle (leaks the label)`: the noise of the TRUE class: it leaks the label",
        "`random`: random noise that is as strong. - `universal`: one noise for all classes",
        "`shuffled`: another class's noise. -",
        "`calibration`: one bias per class",
        "If a control gains as much, the gain does not come",
        "fitted on the training clips, under the masks in training. The loss",
        "| calibration | clean +2.00 | 0.1 | 0.500 |",
    ):
        assert words in flat
    effects = effects_of(result)
    top = effects[effects["measure"] == "top1"]
    for row in top.to_dict("records"):
        line = f"| {row['variant']} | {row['against']} | {row['before']:.3f} | {row['after']:.3f} |"
        assert line in text
    assert "| oracle (leaks the label) | none |" in text


def test_the_card_lists_all_that_shapes_the_noise(small_frames):
    text, result = card(KINDS[2], small_frames)
    listed = json.loads(text.split("```json\n")[1].split("\n```")[0])
    kept = {key: value for key, value in fitted_of(result).card.items() if key != "prompts"}
    del kept["class_names"], kept["clips"]
    assert listed == json.loads(json.dumps(kept))


@pytest.mark.parametrize("noise", KINDS, ids=kind)
def test_the_table_of_the_card_is_whole(small_frames, noise):
    text, _ = card(noise, small_frames)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 2
    weights = {5} if noise.controls else set()
    assert {line.count("|") for line in rows} == {7} | weights


def test_few_groups_have_no_interval(small_frames):
    noise = ClassSpecificNoise()
    result = result_of(noise, shown(small_frames))
    fitted, effects = fitted_of(result), effects_of(result).assign(low=np.nan, high=np.nan)
    classes = result.inspection.classes
    text = noise_card(noise, fitted.card, fitted.history, classes, effects, fits_of(result))
    assert "nan" not in text.split("## Effect")[1].split("## Weights")[0]
    assert " | – |" in text


# Odd names


@pytest.mark.parametrize("noise", KINDS, ids=kind)
def test_odd_names_of_classes_break_nothing(written, small_frames, noise):
    message = replace(small_frames.clip_set, class_names=ODD)
    names = message.class_names  # what would break a line is escaped
    frames = FrameStore(
        small_frames.path, message, small_frames.entries, settings=small_frames.settings
    )
    folder, result = written(noise, frames)
    assert (folder / "noise.png").is_file() != isinstance(noise, EmbeddingNoise)
    if noise.per_class:
        assert pd.read_csv(folder / "classes.csv")["class"].tolist() == list(names)
    for name in result.variant_scores:
        assert ScoreTable.read(folder / f"scores_{slug(name)}.parquet").class_names == names
    text = (folder / "card.md").read_text(encoding="utf-8")
    weights = {5} if noise.controls else set()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {7} | weights
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        f"# Learned noise: {kind(noise)}",
        "## Effect on this cell's clips",
        *(["## Weights"] if noise.controls else []),
        "## All settings",
    ]
    assert text.count("```") == 2
