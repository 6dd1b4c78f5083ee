"""X-CLIP: equality with transformers' own forward pass; what a video model cannot do."""

from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, VideoMAEImageProcessor, XCLIPModel

from clip_har.config.compose import cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.data.geometry import fit_frames
from clip_har.engine.preflight import preflight
from clip_har.models.video_zero_shot import VideoZeroShot
from clip_har.models.xclip import XCLIP
from tests.checkpoints import write_xclip
from tests.config.test_cell import composed

CPU = torch.device("cpu")
FRAMES = 4
TEXTS = ["a photo of a dog running", "person jumping", "a room with person"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_xclip(tmp_path_factory.mktemp("xclip"), frames=FRAMES)


@pytest.fixture(scope="module")
def model(folder):
    return XCLIP(checkpoint=str(folder)).load(device=CPU, precision="fp32")


@pytest.fixture
def build(model, tmp_path):
    def built(prompts, *, batch_size=8):
        return VideoZeroShot.build(model, prompts, batch_size=batch_size, cache_dir=tmp_path)

    return built


def clips(count=3, size=(64, 64)):
    draws = torch.Generator().manual_seed(0)
    shape = (count, FRAMES, 3, *size)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=draws)


def own_logits(folder, pixels, texts):
    tokens = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    network = XCLIPModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        return network(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            pixel_values=pixels,
        ).logits_per_video


def test_logits_are_those_of_transformers_from_the_video_frame_on(folder, build):
    raw = clips(size=(90, 120))
    source = XCLIP(checkpoint=str(folder))
    geometry = (source.image_size(), *source.fitting())
    assert geometry == (64, "crop", "bilinear", None)
    fitted = [fit_frames(clip, *geometry) for clip in raw]
    process: Any = VideoMAEImageProcessor.from_pretrained(folder)
    pixels = process([list(clip) for clip in raw], return_tensors="pt")["pixel_values"]
    expected = own_logits(folder, pixels, TEXTS)
    scores, embeddings = build([[text] for text in TEXTS]).forward(fitted)
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)
    assert expected.std() > 0.1
    torch.testing.assert_close(embeddings.norm(dim=-1), torch.ones(3))


def test_answers_do_not_depend_on_the_batch(build):
    prompts = [[text] for text in TEXTS]
    together, embedded = build(prompts, batch_size=100).forward(list(clips()))
    alone, own = build(prompts, batch_size=1).forward(list(clips()))
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(embedded, own, atol=1e-5, rtol=0)


def test_several_prompts_are_each_adapted_to_the_clip_and_averaged(folder, model, build):
    prompts = [["a dog", "a photo of a dog"], ["person", "a photo of person"]]
    scores, embedded = build(prompts).forward(list(clips(1)))
    network = XCLIPModel.from_pretrained(folder).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(
        [text for texts in prompts for text in texts], padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        output = network(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            pixel_values=model.pixels(clips(1)),
        )
    means = output.text_embeds[0].reshape(2, 2, -1).mean(dim=1)  # adapted, of length 1
    classes = torch.nn.functional.normalize(means, dim=-1)
    expected = model.logit_scale * embedded @ classes.T
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)


def test_the_order_of_the_frames_counts(build):
    classifier = build([[text] for text in TEXTS])
    forward, backward = classifier.forward([clips(1)[0], clips(1)[0].flip(0)])[0]
    assert (forward - backward).abs().max() > 1e-3


def test_gradients_reach_the_pixels(model):
    grey = torch.full((1, FRAMES, 3, 64, 64), 90.0, requires_grad=True)
    texts = model.encode_texts(["a dog", "person"])[:, None]
    model.logits(*model.encode_clips(model.pixels(grey)), texts)[0, 0].backward()
    assert grey.grad is not None
    assert grey.grad.abs().amax(dim=(2, 3, 4)).min() > 0, "every frame counts"
    assert not any(weight.requires_grad for weight in model.network.parameters())


def test_another_number_of_frames_is_refused_before_any_work(folder):
    chosen = ("model=xclip", f"model.checkpoint={folder}", "dataset.count=20")
    with pytest.raises(ClipHarError, match=r"takes 4 frames .* frames.sampler=uniform frames.co"):
        preflight(cell_from_config(composed(*chosen, "frames.count=8")))
    with pytest.raises(ClipHarError, match=r"frames.sampler=middle.* takes 4 frames"):
        preflight(cell_from_config(composed(*chosen, "frames.count=4", "frames.sampler=middle")))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["noise=class_specific"], "learned on single frames, and the model takes whole clips"),
        (["noise=embedding"], "learned on single frames"),
        (["region=relevance", "masking=feature"], "region=relevance: .* use another region source"),
        (["model.pooling=max"], "^model.pooling=max: input should be 'model'"),
        (["model.runtime=openvino"], "^model.runtime=openvino: input should be 'torch'"),
    ],
)
def test_what_it_cannot_do_is_refused_in_one_line(folder, more, message):
    with pytest.raises(ClipHarError, match=message) as caught:
        cell_from_config(composed("model=xclip", f"model.checkpoint={folder}", *more))
    assert "\n" not in str(caught.value)


def test_random_noise_and_other_region_sources_are_not_refused(folder):
    chosen = ("model=xclip", f"model.checkpoint={folder}")
    cell_from_config(composed(*chosen, "noise=gaussian", "region=motion", "masking=feature"))


def test_another_architecture(small_clip):
    with pytest.raises(ClipHarError, match=r"expected model_type xclip in config.json, got 'clip'"):
        XCLIP(checkpoint=str(small_clip)).folder()
