"""Random weights of the true architectures, in the hub's folder format."""

import gzip
import json
from pathlib import Path
from typing import Any

import open_clip
import torch
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer

END = "<|endoftext|>"
VIT_B32 = {
    "projection_dim": 512,
    "text_config": {
        "hidden_size": 512,
        "intermediate_size": 2048,
        "num_hidden_layers": 12,
        "num_attention_heads": 8,
        "projection_dim": 512,
    },
    "vision_config": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "patch_size": 32,
        "image_size": 224,
        "projection_dim": 512,
    },
}
SMALL = {
    "projection_dim": 32,
    "text_config": {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "projection_dim": 32,
    },
    "vision_config": {
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "patch_size": 16,
        "image_size": 64,
        "projection_dim": 32,
    },
}


def write_checkpoint(folder: Path, shape: dict[str, object], *, seed: int = 0) -> Path:
    """Write a CLIP folder with random weights and OpenAI's tokenizer."""
    config: Any = CLIPConfig(**json.loads(json.dumps(shape)))
    config.text_config.bos_token_id, config.text_config.eos_token_id = 49406, 49407
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = CLIPModel(config)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    size = config.vision_config.image_size
    CLIPImageProcessor(
        size={"shortest_edge": size}, crop_size={"height": size, "width": size}
    ).save_pretrained(folder)
    write_tokenizer(folder)
    return folder


def write_tokenizer(folder: Path) -> None:
    """Write OpenAI's tokenizer from the BPE vocabulary that open_clip ships."""
    source = Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(source.read_bytes()).decode().split("\n")
    merges = lines[1 : 49152 - 256 - 2 + 1]
    base = list(open_clip.tokenizer.bytes_to_unicode().values())
    words = [*base, *(f"{b}</w>" for b in base), *("".join(m.split()) for m in merges)]
    words += ["<|startoftext|>", END]
    raw = folder / "raw"
    raw.mkdir(exist_ok=True)
    (raw / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (raw / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    tokenizer = CLIPTokenizer.from_pretrained(raw, model_max_length=77)
    tokenizer.save_pretrained(folder)
    for path in raw.iterdir():
        path.unlink()
    raw.rmdir()
