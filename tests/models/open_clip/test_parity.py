"""Models of every kind: equality with open_clip alone, from the raw frame to the logit."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clip_har.data.decode.video import decode_clip
from clip_har.data.geometry import fit_frames
from clip_har.data.sampling import FrameSettings
from clip_har.models.open_clip.option import OpenCLIP
from clip_har.models.preprocess import normalise
from clip_har.models.zero_shot import ZeroShot
from tests.models.open_clip.made import KINDS, alone, own_logits, write
from tests.models.test_tower import needs

CPU = torch.device("cpu")
CLASSES = ["dog running", "person jumping", "room with person"]
TEMPLATES = ["a photo of {}.", "a video of {}"]
SIZES = [(90, 131), (131, 90), (64, 64), (33, 47)]  # also smaller than the model's input


SLOW = ("eva", "mobileclip", "pe")  # there is no smaller one


@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=[pytest.mark.slow] * (kind in SLOW)) for kind in KINDS],
)
def folder(request, tmp_path_factory):
    return write(tmp_path_factory.mktemp(request.param) / "model", request.param)


@pytest.fixture(scope="module")
def source(folder):
    return OpenCLIP(checkpoint=str(folder))


@pytest.fixture(scope="module")
def model(source):
    return source.load(device=CPU, precision="fp32")


@pytest.fixture(scope="module")
def pictures():
    draws = np.random.default_rng(0)
    return [Image.fromarray(draws.integers(0, 256, (*size, 3), np.uint8)) for size in SIZES]


def fitted(source, pictures):
    return torch.cat(
        [
            fit_frames(
                torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None],
                source.image_size(),
                *source.fitting(),
            )
            for picture in pictures
        ]
    )


def test_scores_are_those_of_open_clip_alone(folder, source, model, pictures, tmp_path):
    prompts = [[template.format(name) for template in TEMPLATES] for name in CLASSES]
    classifier = ZeroShot.build(model, prompts, pooling="mean", batch_size=3, cache_dir=tmp_path)
    scores, embeddings = classifier.forward([frame[None] for frame in fitted(source, pictures)])
    theirs = own_logits(folder, pictures, CLASSES, TEMPLATES)
    for ours, expected in zip(
        (embeddings, classifier.class_embeddings, scores), theirs, strict=True
    ):
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)
        assert expected.std(dim=0).mean() > 1e-3, "else anything would be equal"
    assert model.digest == source.digest()


def test_a_gradient_reaches_the_pixels(model):
    size = model.image_size
    pixels = torch.randn((1, 3, size, size)).requires_grad_()
    model.encode_pixels(pixels)[:, 0].sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.abs().sum() > 0
    assert not any(weight.requires_grad for weight in model.network.parameters())


def test_bf16_is_close_to_fp32(source, model, pictures):
    frames = fitted(source, pictures)[:1]
    narrow = source.load(device=CPU, precision="bf16")
    found = (model.encode_frames(frames), narrow.encode_frames(frames))
    assert torch.cosine_similarity(*found).min() > 0.98


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino", "compile"])
def test_other_runtimes_give_the_same_embeddings(plain, runtime):
    needs(runtime)
    found = [
        OpenCLIP(checkpoint=str(plain), runtime=one).load(device=CPU, precision="fp32")
        for one in ("torch", runtime)
    ]
    frames = torch.randint(0, 256, (5, 3, 64, 64), dtype=torch.uint8)
    for count in (5, 1):
        expected, other = (model.encode_frames(frames[:count]) for model in found)
        torch.testing.assert_close(other, expected, atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def real_pictures(sample_data: Path):
    """One whole frame of each real clip."""
    videos = sorted((sample_data / "ucf101-sample" / "UCF-101").glob("*/*"))
    frames = [decode_clip(video, FrameSettings(sampler="middle"))[0] for video in videos]
    return [Image.fromarray(frame) for frame in frames]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return write(tmp_path_factory.mktemp("plain") / "model", "vit")


@pytest.mark.sample_data
@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_real_frames_are_fitted_as_open_clip_does(plain, real_pictures, mode, interpolation):
    path = plain / "open_clip_config.json"
    settings = json.loads(path.read_text())
    settings["preprocess_cfg"] |= {"resize_mode": mode, "interpolation": interpolation}
    path.write_text(json.dumps(settings))
    _, transform, _ = alone(plain)
    source = OpenCLIP(checkpoint=str(plain))
    ours = normalise(fitted(source, real_pictures), source.config().scale, dtype=torch.float32)
    theirs = torch.stack([transform(picture) for picture in real_pictures])
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
