"""Small random dual encoders of many families of transformers, in the hub's folder format."""

from pathlib import Path
from typing import Any

import torch
import transformers

from tests.checkpoints import SMALL, vocabulary, word_tokenizer

SQUARE = {"height": 64, "width": 64}
_TEXT = {**SMALL["text_config"], "projection_dim": 32}  # type: ignore[dict-item]
_VISION = {**SMALL["vision_config"], "projection_dim": 32}  # type: ignore[dict-item]
_LIKE_CLIP = ("CLIP", "CLIPSeg", "GroupViT", "Aimv2", "Owlv2")
_EFFICIENT_NET = {
    "image_size": 64,
    "hidden_dim": 32,
    "depthwise_padding": [],
    "in_channels": [32, 16],
    "out_channels": [16, 32],
    "kernel_sizes": [3, 3],
    "strides": [1, 2],
    "num_block_repeats": [1, 1],
    "expand_ratios": [1, 2],
    "width_coefficient": 1.0,
    "depth_coefficient": 1.0,
}


def write_family(folder: Path, family: str) -> Path:
    """Write a checkpoint of a family, such as ``AltCLIP``, with its own image processor."""
    config, processor, tokenizer = _parts(family)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = getattr(transformers, f"{family}Model")(config)
        for weight in network.parameters():  # as large as trained ones
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, std=0.2)
    folder.mkdir(parents=True, exist_ok=True)
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _parts(family: str) -> tuple[Any, Any, Any]:
    if family in _LIKE_CLIP:
        known = vocabulary("<start>")
        known["<unk>"], known["<end>"] = len(known), len(known) + 1
        tokenizer = word_tokenizer(
            known, start="<start>", end="<end>", pad="<end>", model_max_length=24
        )
        ends = {"bos_token_id": 0, "eos_token_id": known["<end>"], "pad_token_id": known["<end>"]}
    else:
        known = vocabulary("[PAD]", "[CLS]", "[SEP]", "<unk>")
        tokenizer = word_tokenizer(
            known, start="[CLS]", end="[SEP]", pad="[PAD]", model_max_length=24
        )
        ends = {"pad_token_id": 0}
    text: dict[str, Any] = {**_TEXT, **ends, "vocab_size": len(known)}
    text["max_position_embeddings"] = 24
    vision: dict[str, Any] = dict(_VISION)
    more: dict[str, Any] = {"projection_dim": 32}
    processor: Any = transformers.CLIPImageProcessor(size={"shortest_edge": 64}, crop_size=SQUARE)
    match family:
        case "Align":  # scales pixels to [-1, 1] by an offset
            vision = _EFFICIENT_NET
            text["max_position_embeddings"] = 64
            processor = transformers.EfficientNetImageProcessor(
                size={"height": 80, "width": 80},
                crop_size=SQUARE,
                do_center_crop=True,
                resample=2,
                rescale_factor=1 / 127.5,
                rescale_offset=True,
                do_normalize=False,
                include_top=False,
            )
        case "AltCLIP":  # its positions begin after the padding token
            text |= {"max_position_embeddings": 25, "project_dim": 32}
        case "Blip":
            text["encoder_hidden_size"] = 48
            processor = transformers.BlipImageProcessor(size=SQUARE)
        case "ChineseCLIP":
            processor = transformers.ChineseCLIPImageProcessor(
                size=SQUARE, do_center_crop=False, resample=3
            )
        case "CLIPSeg":
            processor = transformers.ViTImageProcessor(size=SQUARE)
        case "GroupViT":
            vision |= {"depths": [1, 1], "num_group_tokens": [4, 0], "num_output_groups": [4, 4]}
        case "Owlv2":  # pads frames to a square
            processor = transformers.Owlv2ImageProcessor(size=SQUARE)
        case "Tipsv2":
            text |= {"hidden_size": 48, "num_attention_heads": 3, "max_position_embeddings": 64}
            processor = transformers.Tipsv2ImageProcessor(size=SQUARE)
        case "Flava":
            config = transformers.FlavaConfig(
                text_config=text, image_config=vision, projection_dim=32, hidden_size=32
            )
            return config, processor, tokenizer
    config = getattr(transformers, f"{family}Config")(
        text_config=text, vision_config=vision, **more
    )
    return config, processor, tokenizer
