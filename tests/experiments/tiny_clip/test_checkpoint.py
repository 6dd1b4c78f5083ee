"""The packaged model is the one that its card describes."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from clip_har.config.compose import CONFIG_DIR, build, checked
from clip_har.models.checkpoint import weights_digest
from clip_har.models.clip import CLIP
from clip_har.prompts.prompt_set import PromptSet
from clip_har.synthetic import plan_clips
from clip_har.synthetic.tiny_clip import CHECKPOINT, TinyCLIP
from experiments.tiny_clip.card import CARD, NAMES, score_table
from experiments.tiny_clip.evaluation import predict
from experiments.tiny_clip.folder import read_recipe, read_scores
from experiments.tiny_clip.recipe import CONFIGS, Recipe
from experiments.tiny_clip.rendered import render
from experiments.tiny_clip.run import BIASED, UNBIASED

PART = 15  # every so many of the test clips are rendered again: 80 of each set
SIGMAS = 4


@pytest.fixture(scope="module")
def model():
    return TinyCLIP().load(device=torch.device("cpu"), precision="fp32")


def test_the_card_names_these_weights_and_scores():
    card = (CHECKPOINT / CARD).read_text(encoding="utf-8")
    assert re.findall(r"`([0-9a-f]{64})`", card) == [weights_digest(CHECKPOINT)]
    assert score_table(read_scores(CHECKPOINT)) in card
    assert "tiny model on rendered data" in " ".join(card.split())


def test_it_is_small():
    assert sum(path.stat().st_size for path in CHECKPOINT.iterdir()) <= 8 * 2**20


def test_it_loads_as_any_clip(model):
    plain = CLIP(checkpoint=str(CHECKPOINT)).load(device=torch.device("cpu"), precision="fp32")
    assert (model.digest, model.image_size) == (plain.digest, 112)
    assert model.digest == weights_digest(CHECKPOINT)
    texts = ["a photo of a person doing walking."]
    assert torch.equal(model.encode_texts(texts), plain.encode_texts(texts))


def test_its_text_tower_reads_the_end_token_whatever_follows(model):
    alone = model.encode_texts(["walking"])
    padded = model.encode_texts(["walking", "a photo of a person doing jumping jacks."])
    torch.testing.assert_close(alone[0], padded[0])


def test_the_option_of_the_model_group_is_the_packaged_one():
    node: Any = OmegaConf.load(CONFIG_DIR / "model" / "tiny.yaml")
    assert build(node, "model") == TinyCLIP()
    assert TinyCLIP().folder() == CHECKPOINT


def test_the_recipe_in_conf_is_the_default_and_the_shipped_one():
    config: Any = OmegaConf.load(CONFIGS / "train.yaml")
    node = config.recipe
    assert checked(Recipe, dict(node), "recipe") == Recipe()
    assert list(node) == list(Recipe.model_fields)
    assert read_recipe(CHECKPOINT)[0] == Recipe()


@pytest.mark.slow
def test_clips_rendered_again_score_what_the_card_says(model):
    recipe, _ = read_recipe(CHECKPOINT)
    prompts = PromptSet(templates=["a photo of a person doing {}."])
    for name, bias in (("biased", BIASED), ("unbiased", UNBIASED)):
        plan = plan_clips(
            seed=recipe.data_seed, clips=recipe.test_clips, scene_bias=bias, split="test"
        )
        clips = render(plan[::PART])
        top1 = (predict(model, clips, prompts) == clips.labels).mean()
        expected = read_scores(CHECKPOINT)["test", name].score
        margin = SIGMAS * np.sqrt(expected * (1 - expected) / len(clips.specs))
        assert abs(top1 - expected) < margin, (name, top1, expected)


def test_the_card_meets_the_targets():
    scores = {name: read_scores(CHECKPOINT)["test", name].score for name in NAMES}
    assert scores["biased"] >= 0.85
    assert scores["unbiased"] >= 0.55
    assert scores["gap"] >= 0.10
    assert scores["sberr"] >= 3 * UNBIASED
    masked = [scores["biased"], *(scores[f"masked_{ratio}"] for ratio in (0.1, 0.3, 0.5))]
    assert all(np.diff(masked) < 0)
    assert scores["masked_0.3"] >= 0.4
