"""SigLIP: equality with transformers' own forward pass, from the video frame to the logit."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, SiglipImageProcessor, SiglipModel

from clip_har.config.compose import cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.data.geometry import fit_frames
from clip_har.engine.clips import frame_settings
from clip_har.models.attribution import attribution
from clip_har.models.siglip import SigLIP
from clip_har.models.zero_shot import ZeroShot
from tests.checkpoints import write_siglip
from tests.config.test_cell import composed

CPU = torch.device("cpu")
CLASSES = ["dog running", "person jumping", "room with person"]
TEXTS = [f"a photo of {name}" for name in CLASSES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_siglip(tmp_path_factory.mktemp("siglip"))


@pytest.fixture(scope="module")
def model(folder):
    return SigLIP(checkpoint=str(folder)).load(device=CPU, precision="fp32")


@pytest.fixture
def classifier(model, tmp_path):
    prompts = [[text] for text in TEXTS]
    return ZeroShot.build(model, prompts, pooling="mean", batch_size=4, cache_dir=tmp_path)


def own_logits(folder, frames):
    """Return what transformers alone makes of frames ``(M, 3, H, W)`` and the texts."""
    pixels = SiglipImageProcessor.from_pretrained(folder)(list(frames), return_tensors="pt")
    tokens = AutoTokenizer.from_pretrained(folder)(
        TEXTS, padding="max_length", max_length=16, return_tensors="pt"
    )
    network = SiglipModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        return network(input_ids=tokens["input_ids"], **pixels).logits_per_image


def test_logits_are_those_of_transformers_from_the_video_frame_on(folder, classifier):
    frames = torch.randint(0, 256, (5, 3, 90, 120), dtype=torch.uint8)
    source = SigLIP(checkpoint=str(folder))
    fitted = fit_frames(frames, source.image_size(), *source.fitting())
    scores, embeddings = classifier.forward([frame[None] for frame in fitted])
    expected = own_logits(folder, frames)
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)
    assert expected.std() > 0.1
    torch.testing.assert_close(torch.sigmoid(scores), torch.sigmoid(expected), atol=1e-5, rtol=0)
    torch.testing.assert_close(embeddings.norm(dim=-1), torch.ones(5))


def test_the_bias_is_in_the_logits_and_in_no_probability(folder, model, classifier):
    assert (model.logit_scale, model.logit_bias) == (pytest.approx(4.4817, abs=1e-3), -3.0)
    clip = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    without = ZeroShot(classifier.model, classifier.class_embeddings, "mean_probability", 4)
    assert without.scores([clip]).exp().sum() == pytest.approx(1, abs=1e-5)
    logits = classifier.frame_logits(model.encode_frames(clip))
    torch.testing.assert_close(logits, own_logits(folder, clip), atol=1e-5, rtol=0)


def test_texts_are_padded_to_the_context_and_in_lower_case(model):
    torch.testing.assert_close(
        model.encode_texts(["a photo of a DOG", "a"])[0],
        model.encode_texts(["a photo of a dog"])[0],
    )
    unpadded = model.network.get_text_features(
        input_ids=model.tokenizer(["a"], return_tensors="pt")["input_ids"]
    ).pooler_output
    apart = torch.nn.functional.cosine_similarity(model.encode_texts(["a"]), unpadded)
    assert apart < 0.999, "the padding is read, so it must be there"


def test_gradients_reach_the_pixels(model):
    pixels = torch.zeros((1, 3, 64, 64), requires_grad=True)
    model.encode_pixels(pixels)[0, 0].backward()
    assert pixels.grad is not None
    assert pixels.grad.abs().sum() > 0
    assert not any(weight.requires_grad for weight in model.network.parameters())


def test_frames_are_squashed_as_in_training_by_default(folder):
    def settings(*more):
        return frame_settings(
            cell_from_config(composed("model=siglip", f"model.checkpoint={folder}", *more))
        )

    assert settings().geometry() == (64, "squash", "bilinear", None)
    chosen = settings("frames.fit=letterbox", "frames.resample=bicubic")
    assert chosen.geometry() == (64, "letterbox", "bicubic", None)
    tiny = frame_settings(cell_from_config(composed()))
    assert tiny.geometry() == (112, "crop", "bicubic", None)
    assert settings("frames.fit=crop", "frames.edge=80").geometry()[3] == 80
    assert settings("frames.edge=80").geometry() == (64, "squash", "bilinear", 80)


def test_what_it_cannot_do_is_refused(folder, model):
    chosen = ("model=siglip", f"model.checkpoint={folder}")
    for more, message in [
        (("region=relevance", "masking=feature"), "region=relevance: .* no class token"),
        (("noise=universal", "noise.loss.attention=1", "region=motion"), "loss.attention: .* to 0"),
    ]:
        with pytest.raises(ClipHarError, match=message) as caught:
            cell_from_config(composed(*chosen, *more))
        assert "\n" not in str(caught.value)
    cell_from_config(composed(*chosen, "noise=universal"))
    with pytest.raises(ClipHarError, match="16 tokens are not a class token and a square"):
        attribution(model, [torch.zeros(1, 3, 64, 64, dtype=torch.uint8)], torch.zeros(1, 48))


@pytest.mark.parametrize("kind", ["siglip2", "clip"])
def test_another_architecture(folder: Path, tmp_path: Path, kind: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model_type": kind}))
    message = f"expected model_type siglip in config.json, got '{kind}'"
    with pytest.raises(ClipHarError, match=message):
        SigLIP(checkpoint=str(copy)).folder()
