"""Checkpoints in half the bytes, and those that are in the repository."""

import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from clip_har.core.errors import ClipHarError
from clip_har.models.checkpoint import weights_digest
from clip_har.synthetic.tiny_clip import CHECKPOINT, TinyCLIP
from experiments.tiny_clip.card import CARD, score_table
from experiments.tiny_clip.folder import read_recipe, read_scores
from experiments.tiny_clip.halve import halve
from experiments.tiny_clip.recipe import Recipe

MODELS = Path(__file__).parents[3] / "experiments" / "class_noise" / "models"
SHIPPED = sorted(MODELS.glob("seed_*"))
WEIGHTS = "model.safetensors"


def loaded(folder):
    return TinyCLIP(checkpoint=str(folder)).load(device=torch.device("cpu"), precision="fp32")


def test_half_the_bytes_give_nearly_the_same_embeddings(tmp_path):
    halve(CHECKPOINT, tmp_path / "half")
    sizes = [(folder / WEIGHTS).stat().st_size for folder in (CHECKPOINT, tmp_path / "half")]
    assert sizes[1] < 0.51 * sizes[0]
    whole, half = loaded(CHECKPOINT), loaded(tmp_path / "half")
    assert {one.dtype for one in half.network.parameters()} == {torch.float32}
    assert half.logit_scale == whole.logit_scale
    assert half.digest != whole.digest
    frames = torch.randint(0, 256, (4, 3, 112, 112), dtype=torch.uint8)
    cosine = (whole.encode_frames(frames) * half.encode_frames(frames)).sum(dim=1)
    assert cosine.min() > 0.9999
    card = (tmp_path / "half" / CARD).read_text(encoding="utf-8")
    assert "stored as float16" in card
    assert re.findall(r"`([0-9a-f]{64})`", card) == [half.digest]
    assert "float16" not in (CHECKPOINT / CARD).read_text(encoding="utf-8")


def test_weights_that_float16_cannot_hold_are_refused(tmp_path):
    shutil.copytree(CHECKPOINT, tmp_path / "large")
    weights = load_file(tmp_path / "large" / WEIGHTS)
    name = max(weights)
    save_file({**weights, name: weights[name] + 1e6}, tmp_path / "large" / WEIGHTS)
    with pytest.raises(ClipHarError, match=f"{name} has values that float16 cannot hold"):
        halve(tmp_path / "large", tmp_path / "half")
    assert not (tmp_path / "half").exists()


def test_a_folder_that_is_no_training_s(tmp_path):
    with pytest.raises(
        ClipHarError, match=r"there is no model\.safetensors and no recipe\.yaml and no"
    ):
        halve(tmp_path, tmp_path / "half")


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_model_is_the_packaged_one_but_for_its_seed(folder):
    seed = int(folder.name.removeprefix("seed_"))
    assert read_recipe(folder)[0] == Recipe(seed=seed)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3 * 2**20
    for name in ("config.json", "preprocessor_config.json", "tokenizer.json"):
        assert (folder / name).read_bytes() == (CHECKPOINT / name).read_bytes()
    card = (folder / CARD).read_text(encoding="utf-8")
    assert re.findall(r"`([0-9a-f]{64})`", card) == [weights_digest(folder)]
    assert score_table(read_scores(folder)) in card
    assert f"recipe.seed={seed}`" in card
    assert loaded(folder).digest == weights_digest(folder)
