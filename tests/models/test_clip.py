"""Loading, and equality with open_clip on the same random weights."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import normalize
from transformers import CLIPModel

from clip_har.core.errors import ClipHarError
from clip_har.models.attribution import (
    attribution_with_gradient,
    clip_attribution,
    embed_clip,
)
from clip_har.models.classifier import zero_shot_classifier
from clip_har.models.clip import CLIP
from clip_har.models.device import pick_device
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.open_clip.option import OpenCLIP
from tests.checkpoints import SMALL
from tests.damage import DAMAGES

CPU = torch.device("cpu")
TEMPLATES = ["a photo of a person {}.", "a video of the person doing {}.", "{}"]
CLASSES = ["apply eye makeup", "yo yo", "handstand pushups"]


@pytest.fixture(scope="module")
def model(small_clip: Path) -> DualEncoder:
    return CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="fp32")


def open_clip_config() -> dict[str, Any]:
    """The small checkpoint's shape in the words of open_clip."""
    text, vision = SMALL["text_config"], SMALL["vision_config"]
    assert isinstance(text, dict)
    assert isinstance(vision, dict)
    return {
        "embed_dim": SMALL["projection_dim"],
        "vision_cfg": {
            "image_size": vision["image_size"],
            "patch_size": vision["patch_size"],
            "width": vision["hidden_size"],
            "layers": vision["num_hidden_layers"],
            "head_width": vision["hidden_size"] // vision["num_attention_heads"],
            "mlp_ratio": vision["intermediate_size"] / vision["hidden_size"],
        },
        "text_cfg": {
            "width": text["hidden_size"],
            "layers": text["num_hidden_layers"],
            "heads": text["num_attention_heads"],
            "mlp_ratio": text["intermediate_size"] / text["hidden_size"],
        },
        "quick_gelu": True,
    }


@pytest.fixture(scope="module")
def oracle(small_clip: Path) -> open_clip.CLIP:
    """open_clip's own model with the small checkpoint's weights."""
    built = open_clip.CLIP(**open_clip_config())
    weights = CLIPModel.from_pretrained(small_clip).state_dict()
    built.load_state_dict(_renamed(weights), strict=True)
    return built.eval()


def _renamed(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Translate transformers' parameter names into open_clip's."""
    new = {
        "logit_scale": weights["logit_scale"],
        "text_projection": weights["text_projection.weight"].T,
        "visual.proj": weights["visual_projection.weight"].T,
        "token_embedding.weight": weights["text_model.embeddings.token_embedding.weight"],
        "positional_embedding": weights["text_model.embeddings.position_embedding.weight"],
        "visual.class_embedding": weights["vision_model.embeddings.class_embedding"],
        "visual.positional_embedding": weights["vision_model.embeddings.position_embedding.weight"],
        "visual.conv1.weight": weights["vision_model.embeddings.patch_embedding.weight"],
    }
    norms = {
        "ln_final": "text_model.final_layer_norm",
        "visual.ln_pre": "vision_model.pre_layrnorm",
        "visual.ln_post": "vision_model.post_layernorm",
    }
    towers = (("text_model", ""), ("vision_model", "visual."))
    for theirs, ours in norms.items():
        for part in ("weight", "bias"):
            new[f"{theirs}.{part}"] = weights[f"{ours}.{part}"]
    for tower, prefix in towers:
        for layer in range(2):
            old = f"{tower}.encoder.layers.{layer}"
            block = f"{prefix}transformer.resblocks.{layer}"
            for part in ("weight", "bias"):
                new[f"{block}.attn.in_proj_{part}"] = torch.cat(
                    [weights[f"{old}.self_attn.{name}_proj.{part}"] for name in "qkv"]
                )
                pairs = {
                    "attn.out_proj": "self_attn.out_proj",
                    "ln_1": "layer_norm1",
                    "ln_2": "layer_norm2",
                    "mlp.c_fc": "mlp.fc1",
                    "mlp.c_proj": "mlp.fc2",
                }
                for theirs, ours in pairs.items():
                    new[f"{block}.{theirs}.{part}"] = weights[f"{old}.{ours}.{part}"]
    return new


def test_classifier_equals_open_clip(
    model: DualEncoder, oracle: open_clip.CLIP, tmp_path: Path
) -> None:
    prompts = [[template.replace("{}", name) for template in TEMPLATES] for name in CLASSES]
    ours = zero_shot_classifier(model, prompts, cache_dir=tmp_path)
    theirs = open_clip.build_zero_shot_classifier(
        oracle,
        open_clip.get_tokenizer("ViT-B-32"),
        CLASSES,
        [lambda name, t=template: t.replace("{}", name) for template in TEMPLATES],
        num_classes_per_batch=None,
    )  # (D, C)
    torch.testing.assert_close(ours, theirs.T, atol=1e-5, rtol=0)


def test_classifier_is_cached_and_a_damaged_cache_is_made_again(
    model: DualEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = [["one"], ["two"]]
    first = zero_shot_classifier(model, prompts, cache_dir=tmp_path)
    (cached,) = (tmp_path / "classifiers").glob("*.safetensors")
    with monkeypatch.context() as patch:
        patch.setattr(DualEncoder, "encode_texts", lambda *_: pytest.fail("not from the cache"))
        torch.testing.assert_close(
            zero_shot_classifier(model, prompts, cache_dir=tmp_path), first, rtol=0, atol=0
        )
    for damage in DAMAGES:
        damage(cached)
        torch.testing.assert_close(
            zero_shot_classifier(model, prompts, cache_dir=tmp_path), first, rtol=0, atol=0
        )


def test_frames_equal_open_clip(model: DualEncoder, oracle: open_clip.CLIP) -> None:
    pixels = torch.randn((5, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs = normalize(oracle.encode_image(pixels), dim=-1)
        torch.testing.assert_close(model.encode_pixels(pixels), theirs, atol=1e-5, rtol=0)


def test_the_same_weights_through_open_clip_have_the_same_attribution(
    model: DualEncoder, oracle: open_clip.CLIP, tmp_path: Path
) -> None:
    settings = {"model_cfg": open_clip_config(), "preprocess_cfg": {}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(settings))
    save_file(oracle.state_dict(), tmp_path / "open_clip_model.safetensors")
    source = OpenCLIP(checkpoint=str(tmp_path))
    assert source.gives_attribution
    assert source.patch_size() == 16
    other = source.load(device=CPU, precision="fp32")
    clip = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    text = model.encode_texts(["a dog"])[0]
    torch.testing.assert_close(other.encode_texts(["a dog"])[0], text, atol=1e-5, rtol=0)
    found = [
        clip_attribution(one, clip, text, embed_clip(one, clip), first_layer=first)
        for first in (0, -1)
        for one in (model, other)
    ]
    for theirs, ours in (found[:2], found[2:]):
        assert theirs.std() > 1e-4
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
    pixels = torch.randn((2, 3, 64, 64), requires_grad=True)
    slopes = [
        torch.autograd.grad(
            attribution_with_gradient(one, pixels, torch.stack([text] * 2)).square().sum(), pixels
        )[0]
        for one in (model, other)
    ]
    torch.testing.assert_close(slopes[1], slopes[0], atol=1e-5, rtol=1e-3)


def test_a_long_text_is_cut(model: DualEncoder) -> None:
    assert model.encode_texts(["word " * 500]).isfinite().all()


def test_padding_does_not_matter(model: DualEncoder) -> None:
    together = model.encode_texts(["a", "a much longer text than the other one"])
    torch.testing.assert_close(together[:1], model.encode_texts(["a"]), atol=1e-6, rtol=0)


def test_weights_are_frozen_and_the_input_is_not(model: DualEncoder) -> None:
    pixels = torch.zeros((1, 3, 64, 64), requires_grad=True)
    model.encode_pixels(pixels)[0, 0].backward()
    assert pixels.grad is not None
    assert pixels.grad.abs().sum() > 0
    assert not any(weight.requires_grad for weight in model.network.parameters())


def test_image_size_is_known_without_loading(small_clip: Path) -> None:
    assert CLIP(checkpoint=str(small_clip)).image_size() == 64


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        ("clip_b32", "no such folder, and not a hub name"),
        ("./weights", "no such folder"),
        ("/nowhere/weights", "no such folder"),
    ],
)
def test_what_is_neither_folder_nor_hub_name(checkpoint: str, message: str) -> None:
    with pytest.raises(ClipHarError, match=message):
        CLIP(checkpoint=checkpoint).folder()


def test_offline_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ClipHarError, match=r"HF_HUB_OFFLINE.*hf download owner/name.*checkpoint=FOLDER"
    ):
        CLIP(checkpoint="owner/name", revision="abc").folder()


@pytest.fixture
def copy(small_clip: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_clip, tmp_path / "copy"))


def change_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def drop_a_word(content: dict[str, Any]) -> None:
    model = content["model"]
    model["vocab"].pop("zzzzzz</w>", None)
    word = next(word for word in model["vocab"] if word.endswith("ing</w>") and len(word) > 14)
    model["vocab"].pop(word)
    model["merges"] = [pair for pair in model["merges"] if "".join(pair).replace(" ", "") != word]


SHARD = {"weight_map": {"logit_scale": "model-00002-of-00002.safetensors"}}


def change_weight(path: Path, value: float) -> None:
    """Change one weight, which most frames hardly depend on."""
    weights = load_file(path)
    weights["vision_model.encoder.layers.1.mlp.fc1.bias"][0] = value
    save_file(weights, path, metadata={"format": "pt"})


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing there": (
        lambda folder: (folder / "config.json").unlink(),
        "there is no config.json",
    ),
    "pickled weights": (
        lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
        "pickled weights are not read",
    ),
    "another architecture": (
        lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'),
        "expected model_type clip or metaclip_2 in config.json, got 'bert'",
    ),
    "damaged weights": (
        lambda folder: halve(folder / "model.safetensors"),
        "cannot be loaded",
    ),
    "weights of another size": (
        lambda folder: change_json(
            folder / "config.json",
            lambda config: config["vision_config"].update(num_hidden_layers=3),
        ),
        "do not fit config.json",
    ),
    "no preprocessor": (
        lambda folder: (folder / "preprocessor_config.json").unlink(),
        "preprocessor_config.json is missing",
    ),
    "a mean of one channel": (
        lambda folder: change_json(
            folder / "preprocessor_config.json", lambda content: content.update(image_mean=[0.5])
        ),
        "expected image_mean and image_std",
    ),
    "a weight that is no number": (
        lambda folder: change_weight(folder / "model.safetensors", float("nan")),
        "the weights of .* are not finite",
    ),
    "a damaged preprocessor": (
        lambda folder: (folder / "preprocessor_config.json").write_text("{half"),
        "preprocessor_config.json is missing or damaged",
    ),
    "no tokenizer": (
        lambda folder: (folder / "tokenizer.json").unlink(),
        "there is neither tokenizer.json nor vocab.json with merges.txt",
    ),
    "the tokenizer of another model": (
        lambda folder: change_json(folder / "tokenizer.json", drop_a_word),
        "not this model's|cannot be loaded",
    ),
    "a missing shard": (
        lambda folder: (folder / "model.safetensors.index.json").write_text(json.dumps(SHARD)),
        "model-00002-of-00002.safetensors is missing",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_folder_that_is_no_whole_clip_is_refused_in_one_line(copy: Path, fault: str) -> None:
    spoil, message = WRONG[fault]
    spoil(copy)
    with pytest.raises(ClipHarError, match=message) as caught:
        CLIP(checkpoint=str(copy)).load(device=CPU, precision="fp32")
    assert "\n" not in str(caught.value)


def test_the_processor_configuration_of_transformers_5_will_do(copy: Path) -> None:
    old = copy / "preprocessor_config.json"
    content = {"image_processor": json.loads(old.read_text())}
    (copy / "processor_config.json").write_text(json.dumps(content))
    old.unlink()
    model = CLIP(checkpoint=str(copy)).load(device=CPU, precision="fp32")
    assert model.scale.mean == pytest.approx((0.4815, 0.4578, 0.4082), abs=1e-4)


def test_fp16_needs_an_accelerator(small_clip: Path) -> None:
    with pytest.raises(ClipHarError, match="fp16 needs an accelerator"):
        CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="fp16")


def test_bf16_is_near(small_clip: Path, model: DualEncoder) -> None:
    half = CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="bf16")
    frames = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        same = (half.encode_frames(frames) * model.encode_frames(frames)).sum(dim=-1)
    assert same.min() > 0.99
    # the temperature stays exact: in bf16 the factor of OpenAI's models, 100, would become 99
    assert half.logit_scale == model.logit_scale


def test_weights_beyond_the_range_of_the_precision(copy: Path) -> None:
    change_weight(copy / "model.safetensors", 3.4028e38)  # bf16 rounds it to infinity
    with pytest.raises(ClipHarError, match=r"bf16 is too narrow.*fc1.bias.*precision=fp32"):
        CLIP(checkpoint=str(copy)).load(device=CPU, precision="bf16")


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(ClipHarError, match="use device=auto or device=cpu"):
        pick_device("cuda:99")
