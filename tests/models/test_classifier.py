"""The cache of text classifiers: what its key holds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from clip_har.core.errors import ClipHarError
from clip_har.models.classifier import prompt_features, zero_shot_classifier
from clip_har.models.clip import CLIP
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.video_encoder import VideoEncoder
from clip_har.models.xclip import XCLIP
from tests.checkpoints import write_xclip


@pytest.mark.parametrize(
    "change", [{}, {"padded_texts": True}, {"context_length": 8}, {"digest": "0" * 32}]
)
def test_texts_that_are_tokenised_differently_are_embedded_again(
    small_clip: Path, tmp_path: Path, change: Any
) -> None:
    model = CLIP(checkpoint=str(small_clip)).load(device=torch.device("cpu"), precision="fp32")
    for one in (model, replace(model, **change)):
        zero_shot_classifier(one, [["a photo of running"]], cache_dir=tmp_path)
    kept = list((tmp_path / "classifiers").glob("*.safetensors"))
    assert len(kept) == (2 if change else 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
@pytest.mark.parametrize("family", ["clip", "xclip"])
def test_embeddings_that_are_not_finite_or_zero_are_named_and_not_kept(
    family: str, value: float, small_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = torch.device("cpu")
    embed: Any = zero_shot_classifier if family == "clip" else prompt_features
    if family == "clip":
        model: Any = CLIP(checkpoint=str(small_clip)).load(device=device, precision="fp32")
    else:
        folder = write_xclip(tmp_path / "xclip")
        model = XCLIP(checkpoint=str(folder)).load(device=device, precision="fp32")
    vectors = torch.ones(3, 32)
    vectors[1] = value
    kind = DualEncoder if family == "clip" else VideoEncoder
    with monkeypatch.context() as patch:
        patch.setattr(kind, "encode_texts", lambda *_: vectors)
        with pytest.raises(ClipHarError, match="embeddings of 'of b' are not finite or zero"):
            embed(model, [["of a"], ["of b"], ["of c"]], cache_dir=tmp_path)
    assert not list(tmp_path.rglob("classifiers/*.safetensors"))
    found = embed(model, [["of a"], ["of b"], ["of c"]], cache_dir=tmp_path)
    assert torch.isfinite(found).all()


def test_texts_of_a_class_are_averaged_however_many_there_are(
    small_clip: Path, tmp_path: Path
) -> None:
    model = CLIP(checkpoint=str(small_clip)).load(device=torch.device("cpu"), precision="fp32")
    prompts = [["a photo", "of running", "walk"], ["a toy"]]
    found = zero_shot_classifier(model, prompts, cache_dir=tmp_path)
    for row, texts in zip(found, prompts, strict=True):
        mean = torch.stack([model.encode_texts([text])[0] for text in texts]).mean(dim=0)
        torch.testing.assert_close(row, mean / mean.norm())


def test_a_video_model_refuses_unequal_numbers_of_texts(tmp_path: Path) -> None:
    folder = write_xclip(tmp_path / "xclip")
    model: Any = XCLIP(checkpoint=str(folder)).load(device=torch.device("cpu"), precision="fp32")
    with pytest.raises(ClipHarError, match="as many texts for each class, got 1 to 2"):
        prompt_features(model, [["of a", "of c"], ["of b"]], cache_dir=tmp_path)
