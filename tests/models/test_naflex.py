"""SigLIP 2 NaFlex: equality with transformers' own processor and network; how frames are fitted."""

from typing import Any

import pytest
import torch
from transformers import (
    AutoTokenizer,
    Siglip2Config,
    Siglip2ImageProcessor,
    Siglip2Model,
    Siglip2Tokenizer,
)

from clip_har.config.compose import cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.data.geometry import fit_frames, placement
from clip_har.engine.clips import frame_settings
from clip_har.models.any_family import AnyFamily
from clip_har.models.naflex import NaFlex
from clip_har.models.siglip import SigLIP
from clip_har.models.zero_shot import ZeroShot
from tests.checkpoints import SMALL
from tests.config.test_cell import composed

CPU = torch.device("cpu")
TEXTS = ["a photo of a dog running", "Person jumping", "a room with person"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    known = {sign: place for place, sign in enumerate([*special, *"▁abcdefghijklmnopqrstuvwxyz"])}
    text = {
        **SMALL["text_config"],  # type: ignore[dict-item]
        "vocab_size": len(known),
        "max_position_embeddings": 32,
        "projection_size": 48,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
    }
    vision = {**SMALL["vision_config"], "num_patches": 64, "patch_size": 4}  # type: ignore[dict-item]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Siglip2Model(Siglip2Config(text_config=text, vision_config=vision))
        for weight in network.parameters():
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, std=0.3)
        network.logit_scale.data.fill_(1.5)
        network.logit_bias.data.fill_(-3.0)
    folder = tmp_path_factory.mktemp("naflex")
    network.save_pretrained(folder)
    Siglip2ImageProcessor(patch_size=4, max_num_patches=256).save_pretrained(folder)
    Siglip2Tokenizer(vocab=known).save_pretrained(folder)  # it spells the words
    return folder


def frames(height, width):
    draws = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (5, 3, height, width), dtype=torch.uint8, generator=draws)


@pytest.mark.parametrize(
    ("aspect", "height", "width", "grid"),
    [
        ("4:3", 120, 160, (14, 18)),
        ("4:3", 240, 320, (14, 18)),
        ("16:9", 90, 160, (12, 21)),
        ("1:1", 100, 100, (16, 16)),
    ],
)
def test_logits_are_those_of_transformers_from_the_video_frame_on(
    folder, tmp_path, aspect, height, width, grid
):
    raw = frames(height, width)
    source = NaFlex(checkpoint=str(folder), aspect=aspect)
    assert source.grid() == grid
    process: Any = Siglip2ImageProcessor.from_pretrained(folder)
    inputs = process(list(raw), return_tensors="pt")
    assert inputs["spatial_shapes"].tolist() == [list(grid)] * len(raw)
    tokens = AutoTokenizer.from_pretrained(folder)(
        [text.lower() for text in TEXTS], padding="max_length", max_length=32, return_tensors="pt"
    )
    network = Siglip2Model.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = network(**tokens, **inputs).logits_per_image
    model = source.load(device=CPU, precision="fp32")
    prompts = [[text] for text in TEXTS]
    classifier = ZeroShot.build(model, prompts, pooling="mean", batch_size=4, cache_dir=tmp_path)
    fitted = fit_frames(raw, source.image_size(), *source.fitting())
    scores = classifier.scores([frame[None] for frame in fitted])
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)
    assert expected.std(dim=0).min() > 0.02, "frames differ"
    assert expected.std(dim=1).min() > 0.02, "texts differ"


@pytest.mark.parametrize("names", [["input_ids"], ["input_ids", "attention_mask"]])
def test_texts_are_masked_if_the_tokenizer_masks_them(folder, names):
    model = NaFlex(checkpoint=str(folder)).load(device=CPU, precision="fp32")
    model.tokenizer.model_input_names = names
    assert sorted(model.tokens(["A dog"])) == sorted(names)
    one, other = model.encode_texts(["A DOG", "a dog"])
    torch.testing.assert_close(one, other)


def test_the_rows_beside_the_grid_are_not_seen(folder):
    model = NaFlex(checkpoint=str(folder)).load(device=CPU, precision="fp32")
    size, rows = model.image_size, 14 * 4
    one = frames(size, size)[:1]
    other = one.clone()
    other[:, :, : (size - rows) // 2] = 7
    other[:, :, -((size - rows) // 2) :] = 7
    torch.testing.assert_close(model.encode_frames(one), model.encode_frames(other), rtol=0, atol=0)
    other[:, :, (size - rows) // 2] = 7
    assert not torch.equal(model.encode_frames(one), model.encode_frames(other))


@pytest.mark.parametrize(
    ("height", "width", "found"),
    [
        (240, 320, (224, 288, 32, 0)),
        (180, 320, (162, 288, 63, 0)),  # wider: bars above and below, which are seen
        (320, 180, (224, 126, 32, 81)),  # upright: bars at both sides, nothing is cut
        (250, 320, (224, 288, 32, 0)),  # nearly: fills the rows
    ],
)
def test_the_whole_frame_is_in_the_rows(height, width, found):
    place = placement(height, width, 288, "letterbox", edge=224)
    assert (place.height, place.width, place.top, place.left) == found


def test_frames_are_fitted_as_the_model_sees_them_and_in_no_other_way(folder):
    chosen = ("model=naflex", f"model.checkpoint={folder}", "model.aspect=16:9")
    assert frame_settings(cell_from_config(composed(*chosen))).geometry() == (
        84, "letterbox", "bilinear", 48,
    )  # fmt: skip
    for more in (["frames.fit=crop"], ["frames.edge=20"]):
        with pytest.raises(ClipHarError, match=r"leave both null, and set model.aspect"):
            frame_settings(cell_from_config(composed(*chosen, *more)))


def test_gradients_reach_the_pixels_of_the_grid(folder):
    model = NaFlex(checkpoint=str(folder)).load(device=CPU, precision="fp32")
    pixels = torch.zeros(2, 3, 72, 72, requires_grad=True)
    model.encode_pixels(pixels)[:, 0].sum().backward()
    assert pixels.grad is not None
    reached = pixels.grad.abs().amax(dim=(0, 1, 3)) > 0
    assert reached.nonzero().flatten().tolist() == list(range(8, 64))


def test_what_is_refused(folder):
    with pytest.raises(ClipHarError, match=r"model.aspect=3:4: .*use 1:1 for upright frames"):
        cell_from_config(composed("model=naflex", "model.checkpoint=x", "model.aspect=3:4"))
    with pytest.raises(ClipHarError, match=r"model\.runtime"):
        cell_from_config(composed("model=naflex", "model.checkpoint=x", "model.runtime=compile"))
    with pytest.raises(ClipHarError, match="use model=naflex"):
        AnyFamily(checkpoint=str(folder)).folder()
    with pytest.raises(ClipHarError, match=r"expected model_type siglip in config.json"):
        SigLIP(checkpoint=str(folder)).folder()
