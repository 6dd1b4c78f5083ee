"""Random weights of the region sources' architectures, in the folder formats that they load."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import CLIPSegConfig, CLIPSegForImageSegmentation, ViTImageProcessor

from tests.checkpoints import SMALL, write_tokenizer

INPUT = 64  # side of the small CLIPSeg's input; its positions are learned for half of that

SMALL_CLIPSEG = {
    "projection_dim": 32,
    "text_config": SMALL["text_config"],
    "vision_config": {
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 3,
        "patch_size": 16,
        "image_size": INPUT // 2,
    },
    "extract_layers": [0, 1, 2],
    "reduce_dim": 16,
    "decoder_num_attention_heads": 2,
    "decoder_intermediate_size": 32,
    "use_complex_transposed_convolution": True,  # as in the refined checkpoint
}


def write_clipseg(folder: Path, *, seed: int = 0) -> Path:
    """Write a small CLIPSeg with random weights, in the hub's format."""
    config: Any = CLIPSegConfig(**json.loads(json.dumps(SMALL_CLIPSEG)))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: Any = CLIPSegForImageSegmentation(config)
        # Random logits are in the hundreds; those of a trained model are not.
        model.decoder.transposed_convolution[-1].weight.data *= 0.03
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    ViTImageProcessor(
        size={"height": INPUT, "width": INPUT},
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(folder)
    write_tokenizer(folder)
    return folder
