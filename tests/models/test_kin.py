"""MetaCLIP, SigLIP and MetaCLIP 2: equal to transformers' own forward pass."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from clip_har.errors import ClipHarError
from clip_har.models.clip import CLIP
from clip_har.models.pooling import clip_scores
from tests.checkpoints import write_metaclip2, write_siglip
from tests.command import run_command
from tests.data.made import write_video

CPU = torch.device("cpu")
TEXTS = ["a photo of a person swimming", "climbing", "a person doing running"]
KINDS = {"siglip": write_siglip, "metaclip2": write_metaclip2}


@pytest.fixture(scope="module", params=KINDS)
def folder(request, tmp_path_factory) -> Path:
    return KINDS[request.param](tmp_path_factory.mktemp(request.param))


def forward(folder: Path, frames: torch.Tensor) -> Any:
    """Run transformers' own processor and forward pass on frames ``(M, 3, S, S)`` uint8."""
    network = AutoModel.from_pretrained(folder).eval()
    pixels = AutoImageProcessor.from_pretrained(folder)(
        [Image.fromarray(frame.permute(1, 2, 0).numpy()) for frame in frames], return_tensors="pt"
    )
    siglip = network.config.model_type == "siglip"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokens = tokenizer(
        TEXTS,
        padding="max_length" if siglip else True,
        max_length=16,
        truncation=True,
        return_tensors="pt",
    )
    # as SigLIP's processor does: without a mask
    tokens = {k: v for k, v in tokens.items() if k == "input_ids" or (not siglip and "mask" in k)}
    with torch.no_grad():
        return network, network(**tokens, **pixels).logits_per_image


def test_logits_are_those_of_transformers(folder):
    model = CLIP(checkpoint=str(folder)).load(device=CPU, precision="fp32")
    draws = np.random.default_rng(0)
    frames = torch.from_numpy(draws.integers(0, 256, (5, 3, 64, 64), np.uint8))
    ours = clip_scores(
        model.encode_frames(frames), [1] * 5, model.encode_texts(TEXTS),
        logit_scale=model.logit_scale, pooling="mean",
    )  # fmt: skip
    network, theirs = forward(folder, frames)
    bias = float(getattr(network, "logit_bias", torch.zeros(1)).detach())
    torch.testing.assert_close(ours + bias, theirs, atol=1e-5, rtol=1e-5)


def test_gradients_reach_the_pixels(folder):
    model = CLIP(checkpoint=str(folder)).load(device=CPU, precision="fp32")
    pixels = torch.rand(2, 3, 64, 64, requires_grad=True)
    model.encode_pixels(pixels)[:, 0].sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.abs().sum() > 0


def test_another_architecture_is_named(tmp_path, small_clip):
    (tmp_path / "config.json").write_text('{"model_type": "blip"}')
    for name in ("model.safetensors", "tokenizer.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((small_clip / name).read_bytes())
    with pytest.raises(ClipHarError, match="expected model_type clip, metaclip_2, siglip in"):
        CLIP(checkpoint=str(tmp_path)).folder()


def test_a_sweep_runs_with_siglip(tmp_path):
    for label, name in enumerate(("swimming", "climbing")):
        for number in range(2):
            write_video(tmp_path / "videos" / name / f"{number}.mp4", 6 + label)
    folder = write_siglip(tmp_path / "siglip")
    done = run_command(
        tmp_path,
        *("-m", "dataset=folder", f"dataset.root={tmp_path / 'videos'}", "model=siglip2_b16"),
        *(f"model.checkpoint={folder}", "frames.count=2", "frames.fit=squash", "tracking=none"),
        *("masking=none,feature", "region=motion", "ratio=0.3", "noise=none,gaussian"),
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "4 cells: 4 done, 0 failed" in told
    assert "attention/* is left out" in told
