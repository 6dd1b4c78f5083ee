"""A sweep of a model that open_clip saved, beside a script that is written with open_clip alone."""

import json
import re
import warnings
from pathlib import Path
from typing import Any

import av
import numpy as np
import open_clip
import pytest
import torch
from open_clip.push_to_hf_hub import save_for_hf
from torch import Tensor

from clip_har.results.score_table import ScoreTable
from tests.command import run_command
from tests.models.open_clip.made import alone, write, write_words

FRAMES = 4


def script(folder: Path, videos: list[Path], names: list[str]) -> Tensor:
    """Score videos as the README of open_clip does; frames in the middle of equal segments."""
    model, transform, tokenizer = alone(folder)
    classifier = open_clip.build_zero_shot_classifier(model, tokenizer, names, ["{}"])
    scores = []
    for video in videos:
        with av.open(str(video)) as file:
            frames = [frame.to_image() for frame in file.decode(video=0)]
        kept = [frames[(2 * i + 1) * len(frames) // (2 * FRAMES)] for i in range(FRAMES)]
        with torch.inference_mode():
            pixels = torch.stack([transform(frame) for frame in kept])
            mean = model.encode_image(pixels, normalize=True).mean(dim=0)
            scores.append(model.logit_scale.exp() * (mean / mean.norm()) @ classifier)
    return torch.stack(scores)


def random_vit_b32(folder: Path) -> Path:
    """Save a ViT-B-32 with random weights as open_clip does."""
    folder.mkdir()
    write_words(folder, "clip")
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        made = open_clip.create_model("ViT-B-32")
    tokenizer = open_clip.tokenizer.HFTokenizer(str(folder))
    config = open_clip.get_model_config("ViT-B-32")
    save_for_hf(made, tokenizer, config, str(folder), safe_serialization=True)
    return folder


@pytest.mark.sample_data
@pytest.mark.parametrize(
    "size", ["small", pytest.param("ViT-B-32", marks=(pytest.mark.slow, pytest.mark.long))]
)
def test_scores_of_the_real_clips_are_those_of_a_script_with_open_clip_alone(
    size: str, sample_data: Path, tmp_path: Path
) -> None:
    made: dict[str, Any] = {"small": lambda at: write(at, "vit"), "ViT-B-32": random_vit_b32}
    folder = made[size](tmp_path / "model")
    done = run_command(
        tmp_path, "-m", "model=open_clip", f"model.checkpoint={folder}", "dataset=ucf101",
        f"dataset.root={sample_data / 'ucf101-sample'}", "dataset.allow_missing=true",
        "masking=none,percent,shape", "ratio=0.1,0.3", "prompts=bare", f"frames.count={FRAMES}",
        "attention_clips=0", "device=cpu", "tracking=none",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cells = sorted(path.parent for path in (tmp_path / "results" / "cells").glob("*/protocol.json"))
    assert len(cells) == 5
    cards = [json.loads((cell / "protocol.json").read_text()) for cell in cells]
    assert {card["model"]["checkpoint"] for card in cards} == {str(folder)}
    tables = [ScoreTable.read(cell / "scores.parquet") for cell in cells]
    (found,) = (table for table in tables if not table.mask_ratio.any())
    videos = [
        next((sample_data / "ucf101-sample").glob(f"UCF-101/*/{Path(name).stem}.*"))
        for name in found.clip_ids
    ]
    words = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() for name in found.class_names]
    expected = script(folder, videos, words)
    np.testing.assert_allclose(found.scores, expected.numpy(), atol=1e-4)
    assert expected.std(dim=0).mean() > 1e-2
