"""Small open_clip models of every kind with random weights, written by open_clip itself."""

import atexit
import json
import shutil
import tempfile
import warnings
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.push_to_hf_hub import save_for_hf
from torch import Tensor
from transformers import RobertaConfig

from tests.checkpoints import write_metaclip2, write_siglip, write_tokenizer

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
VIT = {"image_size": 64, "patch_size": 16, "width": 48, "head_width": 16, "layers": 2}
_SIGLIP_TEXT = {
    **TEXT, "context_length": 16, "vocab_size": 21, "hf_tokenizer_name": "owner/words",
    "tokenizer_kwargs": {"clean": "canonicalize"}, "no_causal_mask": True, "proj_bias": True,
    "pool_type": "last", "norm_kwargs": {"eps": 1e-6}, "act_kwargs": {"approximate": "tanh"},
}  # fmt: skip
_HALF = {"mean": [0.5] * 3, "std": [0.5] * 3}


def timm(name: str, size: int, pool: str = "", proj: str = "linear") -> dict[str, Any]:
    return {"timm_model_name": name, "timm_pool": pool, "timm_proj": proj, "image_size": size}


def model(vision: dict[str, Any], text: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"embed_dim": 32, "vision_cfg": vision, "text_cfg": text, **more}


# By name: model_cfg, preprocess_cfg, whose tokenizer lies in the folder.
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "vit": (model(VIT, TEXT), {}, "clip"),
    "quickgelu": (model(VIT, TEXT, quick_gelu=True), {"resize_mode": "longest"}, "clip"),
    "clipa": (
        model({**VIT, "pool_type": "avg", "no_ln_pre": True, "final_ln_after_pool": True,
               "pos_embed_type": "sin_cos_2d"},
              {**_SIGLIP_TEXT, "tokenizer_kwargs": {"strip_sep_token": True}}),
        {"interpolation": "bilinear", "resize_mode": "squash"}, "siglip",
    ),
    "coca": (
        model({**VIT, "attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True},
              {**TEXT, "context_length": 76, "embed_cls": True, "output_tokens": True},
              multimodal_cfg={**TEXT, "context_length": 76, "attn_pooler_heads": 2},
              custom_text=True), {}, "clip",
    ),
    "resnet": (model({"image_size": 64, "layers": [1, 1, 1, 1], "width": 16}, TEXT), {}, "clip"),
    "eva": (
        model(timm("eva02_tiny_patch14_224", 224, "token"), TEXT, custom_text=True), {}, "clip",
    ),
    "timm_vit": (model(timm("test_vit", 160, "token"), TEXT, custom_text=True), {}, "clip"),
    "siglip": (
        model(timm("test_vit3", 160, "map", "none") | {"timm_proj": "none"}, _SIGLIP_TEXT,
              custom_text=True, init_logit_bias=-10) | {"embed_dim": 96},
        {**_HALF, "resize_mode": "squash"}, "siglip",
    ),
    "convnext": (model(timm("test_convnext", 160), TEXT), {}, "clip"),
    "mobileclip": (
        model(timm("fastvit_mci0", 256, "avg", ""), {**TEXT, "no_causal_mask": True},
              custom_text=True),
        {"mean": [0, 0, 0], "std": [1, 1, 1], "interpolation": "bilinear"}, "clip",
    ),
    "pe": (
        model(timm("vit_pe_core_tiny_patch16_384", 384, "map", ""), {**TEXT, "context_length": 32},
              custom_text=True), {**_HALF, "interpolation": "bilinear", "resize_mode": "squash"},
        "clip",
    ),
    "worldwide": (
        model(VIT, {**TEXT, "vocab_size": 24, "hf_tokenizer_name": "owner/words", "pool_type":
                    "eos", "eos_id": 2}), {}, "metaclip2",
    ),
    "roberta": (
        model(VIT, {"hf_model_name": "own", "hf_tokenizer_name": "own", "context_length": 20,
                    "hf_proj_type": "mlp", "hf_pooler_type": "mean_pooler"}), {}, "metaclip2",
    ),
}  # fmt: skip


def write(
    folder: Path,
    kind: str,
    *,
    change: dict[str, Any] | None = None,
    pixels: dict[str, Any] | None = None,
    seed: int = 0,
) -> Path:
    """Write a folder as open_clip does: its configuration, safetensors, a tokenizer.

    Args:
        folder: where.
        kind: of `KINDS`.
        change: keys of the model's configuration with other values.
        pixels: keys of its preprocessing with other values.
        seed: of the weights.
    """
    config, settings, words = deepcopy(KINDS[kind])
    config |= change or {}
    settings |= pixels or {}
    folder.mkdir(parents=True, exist_ok=True)
    write_words(folder, words)
    if config["text_cfg"].get("hf_model_name"):
        RobertaConfig(
            vocab_size=24, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=64, max_position_embeddings=40, pad_token_id=1,
        ).save_pretrained(folder / "tower")  # fmt: skip
        config["text_cfg"]["hf_model_name"] = str(folder / "tower")
    made = built(folder, config, settings, seed=seed)
    tokenizer = open_clip.tokenizer.HFTokenizer(str(folder))
    save_for_hf(made, tokenizer, config, str(folder), safe_serialization=True)
    return folder


def built(folder: Path, config: dict[str, Any], pixels: dict[str, Any], *, seed: int = 0) -> Any:
    """Return a model of open_clip with random weights that tell texts and frames apart."""
    settings = {"model_cfg": config, "preprocess_cfg": pixels}
    (folder / "open_clip_config.json").write_text(json.dumps(settings))
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        made = open_clip.create_model(
            f"local-dir:{folder}", load_weights=False, pretrained_text=False
        )
        for name, weight in made.named_parameters():  # as large as trained ones
            if weight.dim() > 1 and not name.endswith("positional_embedding"):
                weight.data.mul_(2)
        made.logit_scale.data.fill_(2.5)
    return made.eval()


def alone(folder: Path) -> tuple[Any, Any, Any]:
    """Return model, transform and tokenizer as open_clip loads them, with nothing of this suite."""
    loaded, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    return loaded.eval(), transform, open_clip.get_tokenizer(f"local-dir:{folder}")


def own_logits(
    folder: Path, pictures: list[Any], classes: list[str], templates: list[str]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return embeddings, classifier and logits by open_clip alone.

    Args:
        folder: the checkpoint.
        pictures: PIL images.
        classes: their names.
        templates: with ``{}``.
    """
    loaded, transform, tokenizer = alone(folder)
    classifier = open_clip.build_zero_shot_classifier(loaded, tokenizer, classes, templates)
    with torch.inference_mode():
        pixels = torch.stack([transform(picture) for picture in pictures])
        embeddings = loaded.encode_image(pixels, normalize=True)
        logits = loaded.logit_scale.exp() * embeddings @ classifier
        if loaded.logit_bias is not None:
            logits += loaded.logit_bias
    return embeddings, classifier.T, logits


def write_words(folder: Path, whose: str) -> None:
    """Write the files of a small tokenizer: CLIP's, or one that ends texts as a family does."""
    for path in _words_of(whose).glob("tokenizer*"):
        shutil.copy(path, folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["sep_token"] = settings["eos_token"]  # as BERT's, which some models leave out
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


@cache
def _words_of(whose: str) -> Path:
    """Return a folder with a tokenizer of transformers, made once."""
    folder = Path(tempfile.mkdtemp(prefix="clip_har-words-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write = {"clip": write_tokenizer, "siglip": write_siglip, "metaclip2": write_metaclip2}
    write[whose](folder)
    return folder
